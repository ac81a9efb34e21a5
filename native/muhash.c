#include "muhash.h"

#include <string.h>

#include "sha256.h"

// Both the number and the memory of a limb are little-endian on every machine that this is built for.
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "little-endian machines only"
#endif

typedef unsigned __int128 Wide;

enum { LIMBS = MUHASH_BYTES / 8, CHACHA_BLOCK = 64 };

static const uint64_t MODULUS_COMPLEMENT = 1103717;

static inline uint32_t rotate(uint32_t x, int by) { return x << by | x >> (32 - by); }

static inline void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d) {
  *a += *b, *d = rotate(*d ^ *a, 16), *c += *d, *b = rotate(*b ^ *c, 12);
  *a += *b, *d = rotate(*d ^ *a, 8), *c += *d, *b = rotate(*b ^ *c, 7);
}

// The start of ChaCha20's key stream, with a nonce of zeros.
static void chacha_stream(const uint8_t key[32], uint8_t out[MUHASH_BYTES]) {
  uint32_t initial[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  memcpy(initial + 4, key, 32);
  for (uint32_t block = 0; block < MUHASH_BYTES / CHACHA_BLOCK; block++) {
    uint32_t x[16];
    initial[12] = block;
    memcpy(x, initial, sizeof x);
    for (int round = 0; round < 10; round++) {
      quarter(x, x + 4, x + 8, x + 12), quarter(x + 1, x + 5, x + 9, x + 13);
      quarter(x + 2, x + 6, x + 10, x + 14), quarter(x + 3, x + 7, x + 11, x + 15);
      quarter(x, x + 5, x + 10, x + 15), quarter(x + 1, x + 6, x + 11, x + 12);
      quarter(x + 2, x + 7, x + 8, x + 13), quarter(x + 3, x + 4, x + 9, x + 14);
    }
    for (int i = 0; i < 16; i++) x[i] += initial[i];
    memcpy(out + CHACHA_BLOCK * block, x, CHACHA_BLOCK);
  }
}

// Adds `value` times the modulus' complement for what has run over the top, until nothing does.
static void fold_carry(uint64_t number[LIMBS], uint64_t carry) {
  while (carry > 0) {
    Wide sum = (Wide)carry * MODULUS_COMPLEMENT;
    for (int i = 0; i < LIMBS && sum > 0; i++) {
      sum += number[i];
      number[i] = (uint64_t)sum;
      sum >>= 64;
    }
    carry = (uint64_t)sum;
  }
}

void muhash_multiply(uint8_t state[MUHASH_BYTES], const uint8_t *data, size_t length) {
  Sha256 hash;
  uint8_t digest[32];
  uint64_t a[LIMBS], b[LIMBS], product[2 * LIMBS] = {0};
  sha256_init(&hash);
  sha256_update(&hash, data, length);
  sha256_final(&hash, digest);
  chacha_stream(digest, (uint8_t *)b);
  memcpy(a, state, MUHASH_BYTES);
  for (int i = 0; i < LIMBS; i++) {
    uint64_t carry = 0;
    for (int k = 0; k < LIMBS; k++) {
      Wide sum = (Wide)a[i] * b[k] + product[i + k] + carry;
      product[i + k] = (uint64_t)sum;
      carry = (uint64_t)(sum >> 64);
    }
    product[i + LIMBS] = carry;
  }
  // 2^3072 is the complement: the upper half counts that many times in the lower.
  Wide sum = 0;
  for (int i = 0; i < LIMBS; i++) {
    sum += (Wide)product[LIMBS + i] * MODULUS_COMPLEMENT + product[i];
    product[i] = (uint64_t)sum;
    sum >>= 64;
  }
  fold_carry(product, (uint64_t)sum);
  memcpy(state, product, MUHASH_BYTES);
}
