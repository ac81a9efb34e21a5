#include "curve.h"

#include <dlfcn.h>
#include <pthread.h>

// Opaque structures of libsecp256k1's stable interface: 64 bytes each, copied by nobody but the library.
typedef struct {
  uint8_t data[64];
} PublicKey, XOnlyKey, Signature;

typedef struct Context Context;

static Context *(*context_create)(unsigned flags);
static int (*key_parse)(const Context *, PublicKey *, const uint8_t *, size_t);
static int (*signature_parse)(const Context *, Signature *, const uint8_t *);
static int (*signature_normalize)(const Context *, Signature *, const Signature *);
static int (*ecdsa_verify)(const Context *, const Signature *, const uint8_t *, const PublicKey *);
static int (*xonly_parse)(const Context *, XOnlyKey *, const uint8_t *);
static int (*schnorr_verify)(const Context *, const uint8_t *, const uint8_t *, size_t, const XOnlyKey *);
static int (*tweak_check)(const Context *, const uint8_t *, int, const XOnlyKey *, const uint8_t *);

// SECP256K1_CONTEXT_NONE: verification needs no precomputation of its own since 0.2.
enum { CONTEXT_NONE = 1 };

static const char *const NAMES[] = {"libsecp256k1.so.6", "libsecp256k1.so.5",     "libsecp256k1.so.2",
                                    "libsecp256k1.so.1", "libsecp256k1.6.dylib", "libsecp256k1.5.dylib",
                                    "libsecp256k1.2.dylib", "libsecp256k1.1.dylib"};

static Context *context;
static const char *found;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int bind_all(void *library) {
  struct {
    void **slot;
    const char *name;
  } symbols[] = {
      {(void **)&context_create, "secp256k1_context_create"},
      {(void **)&key_parse, "secp256k1_ec_pubkey_parse"},
      {(void **)&signature_parse, "secp256k1_ecdsa_signature_parse_compact"},
      {(void **)&signature_normalize, "secp256k1_ecdsa_signature_normalize"},
      {(void **)&ecdsa_verify, "secp256k1_ecdsa_verify"},
      {(void **)&xonly_parse, "secp256k1_xonly_pubkey_parse"},
      {(void **)&schnorr_verify, "secp256k1_schnorrsig_verify"},
      {(void **)&tweak_check, "secp256k1_xonly_pubkey_tweak_add_check"},
  };
  for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
    if (!(*symbols[i].slot = dlsym(library, symbols[i].name))) return 0;
  }
  return 1;
}

static void open_once(void) {
  for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
    void *library = dlopen(NAMES[i], RTLD_NOW | RTLD_LOCAL);
    if (!library) continue;
    if (bind_all(library) && (context = context_create(CONTEXT_NONE))) {
      found = NAMES[i];
      return;
    }
    dlclose(library);
  }
}

const char *curve_open(void) {
  pthread_once(&once, open_once);
  return found;
}

int curve_verify_ecdsa(const uint8_t signature[64], const uint8_t *key, size_t keyLength, const uint8_t digest[32]) {
  PublicKey publicKey;
  Signature parsed;
  if (!key_parse(context, &publicKey, key, keyLength)) return 0;
  if (!signature_parse(context, &parsed, signature)) return 0;
  // The library wants low S; consensus does not.
  signature_normalize(context, &parsed, &parsed);
  return ecdsa_verify(context, &parsed, digest, &publicKey);
}

int curve_verify_schnorr(const uint8_t signature[64], const uint8_t key[32], const uint8_t *message, size_t length) {
  XOnlyKey publicKey;
  return xonly_parse(context, &publicKey, key) && schnorr_verify(context, signature, message, length, &publicKey);
}

int curve_check_tap_tweak(const uint8_t output[32], int parity, const uint8_t internal[32], const uint8_t tweak[32]) {
  XOnlyKey key;
  return xonly_parse(context, &key, internal) && tweak_check(context, output, parity, &key, tweak);
}
