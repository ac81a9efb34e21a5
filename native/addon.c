// The optional accelerator: the functions of base/crypto/backend.ts, over N-API. Every argument is checked here, because
// a wrong length would read outside a buffer.
#if defined(__linux__)
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "arguments.h"
#include "curve.h"
#include "muhash.h"
#include "piece-hash-js.h"
#include "ripemd160.h"
#include "sha256.h"

static napi_value boolean(napi_env env, int value) {
  napi_value result;
  napi_get_boolean(env, value, &result);
  return result;
}

static napi_value text(napi_env env, const char *value) {
  napi_value result;
  if (value) napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &result);
  else napi_get_undefined(env, &result);
  return result;
}

// sha256(data, out32), sha256d(data, out32), hash160(data, out20)
enum { HASH_SINGLE, HASH_DOUBLE, HASH_160 };

static napi_value hash_into(napi_env env, napi_callback_info info, int kind) {
  Bytes args[ARGUMENTS_MAX];
  if (!byte_arguments(env, info, 2, args)) return NULL;
  if (args[1].length < (kind == HASH_160 ? 20 : 32)) return fail(env, "output too small"), NULL;
  Sha256 hash;
  uint8_t digest[32];
  sha256_init(&hash);
  sha256_update(&hash, args[0].data, args[0].length);
  if (kind == HASH_160) {
    sha256_final(&hash, digest);
    ripemd160_of_32(digest, args[1].data);
  } else {
    sha256_final(&hash, args[1].data);
    if (kind == HASH_DOUBLE) sha256_again(args[1].data);
  }
  return NULL;
}

static napi_value sha256_js(napi_env env, napi_callback_info info) { return hash_into(env, info, HASH_SINGLE); }
static napi_value sha256d_js(napi_env env, napi_callback_info info) { return hash_into(env, info, HASH_DOUBLE); }
static napi_value hash160_js(napi_env env, napi_callback_info info) { return hash_into(env, info, HASH_160); }

// sha256dGather(source, ranges, rangesPerMessage, out)
static napi_value gather_js(napi_env env, napi_callback_info info) {
  napi_value values[ARGUMENTS_MAX];
  Bytes source, ranges, out;
  uint32_t perMessage;
  if (!arguments(env, info, 4, values) || !as_bytes(env, values[0], napi_uint8_array, &source) ||
      !as_bytes(env, values[1], napi_uint32_array, &ranges) || !as_bytes(env, values[3], napi_uint8_array, &out)) {
    return NULL;
  }
  if (napi_get_value_uint32(env, values[2], &perMessage) != napi_ok || perMessage == 0 || perMessage > 16) {
    return fail(env, "bad range count"), NULL;
  }
  const uint32_t *range = (const uint32_t *)ranges.data;
  size_t messages = ranges.length / 4 / (2 * perMessage);
  if (out.length < 32 * messages) return fail(env, "output too small"), NULL;
  for (size_t m = 0; m < messages; m++) {
    Sha256 hash;
    sha256_init(&hash);
    for (uint32_t r = 0; r < perMessage; r++, range += 2) {
      if (range[1] <= range[0]) continue;
      if (range[1] > source.length) return fail(env, "range outside the source"), NULL;
      sha256_update(&hash, source.data + range[0], range[1] - range[0]);
    }
    sha256_final(&hash, out.data + 32 * m);
    sha256_again(out.data + 32 * m);
  }
  return NULL;
}

// sha256dPairs(pairs, out)
static napi_value pairs_js(napi_env env, napi_callback_info info) {
  Bytes args[ARGUMENTS_MAX];
  if (!byte_arguments(env, info, 2, args)) return NULL;
  size_t count = args[1].length / 32;
  if (args[0].length < 64 * count) return fail(env, "input too small"), NULL;
  sha256d_pairs(args[0].data, count, args[1].data);
  return NULL;
}

// muhashMultiply(state, data)
static napi_value muhash_js(napi_env env, napi_callback_info info) {
  Bytes args[ARGUMENTS_MAX];
  if (!byte_arguments(env, info, 2, args)) return NULL;
  if (args[0].length != MUHASH_BYTES) return fail(env, "bad state"), NULL;
  muhash_multiply(args[0].data, args[1].data, args[1].length);
  return NULL;
}

// searchHeader(header, target, firstNonce, count)
static napi_value search_js(napi_env env, napi_callback_info info) {
  napi_value values[ARGUMENTS_MAX], result;
  Bytes header, target;
  uint32_t first, count;
  if (!arguments(env, info, 4, values) || !as_bytes(env, values[0], napi_uint8_array, &header) ||
      !as_bytes(env, values[1], napi_uint8_array, &target)) {
    return NULL;
  }
  if (header.length != 80 || target.length != 32 || napi_get_value_uint32(env, values[2], &first) != napi_ok ||
      napi_get_value_uint32(env, values[3], &count) != napi_ok) {
    return fail(env, "bad header search"), NULL;
  }
  napi_create_int64(env, sha256d_search(header.data, target.data, first, count), &result);
  return result;
}

// openCurve(): the library's name, or undefined; nothing below may be called before it gave a name
static napi_value open_curve_js(napi_env env, napi_callback_info info) {
  (void)info;
  return text(env, curve_open());
}

static napi_value verify_ecdsa_js(napi_env env, napi_callback_info info) {
  Bytes args[ARGUMENTS_MAX];
  if (!byte_arguments(env, info, 3, args)) return NULL;
  if (args[0].length != 64 || args[2].length != 32) return boolean(env, 0);
  return boolean(env, curve_verify_ecdsa(args[0].data, args[1].data, args[1].length, args[2].data));
}

static napi_value verify_schnorr_js(napi_env env, napi_callback_info info) {
  Bytes args[ARGUMENTS_MAX];
  if (!byte_arguments(env, info, 3, args)) return NULL;
  if (args[0].length != 64 || args[1].length != 32) return boolean(env, 0);
  return boolean(env, curve_verify_schnorr(args[0].data, args[1].data, args[2].data, args[2].length));
}

// checkTapTweak(outputKey, parity, internalKey, tweak)
static napi_value check_tweak_js(napi_env env, napi_callback_info info) {
  napi_value values[ARGUMENTS_MAX];
  Bytes output, internal, tweak;
  int32_t parity;
  if (!arguments(env, info, 4, values) || !as_bytes(env, values[0], napi_uint8_array, &output) ||
      !as_bytes(env, values[2], napi_uint8_array, &internal) || !as_bytes(env, values[3], napi_uint8_array, &tweak)) {
    return NULL;
  }
  if (napi_get_value_int32(env, values[1], &parity) != napi_ok) return fail(env, "bad parity"), NULL;
  if (output.length != 32 || internal.length != 32 || tweak.length != 32) return boolean(env, 0);
  return boolean(env, curve_check_tap_tweak(output.data, parity, internal.data, tweak.data));
}

// setThreadNice(nice): lowers the calling thread's priority, so that threads that talk are served first
static napi_value set_nice_js(napi_env env, napi_callback_info info) {
  napi_value values[ARGUMENTS_MAX];
  int32_t nice = 0;
  if (!arguments(env, info, 1, values) || napi_get_value_int32(env, values[0], &nice) != napi_ok) return NULL;
#if defined(__linux__)
  return boolean(env, setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), nice) == 0);
#else
  return boolean(env, 0);
#endif
}

NAPI_MODULE_INIT() {
  static const struct {
    const char *name;
    napi_callback function;
  } functions[] = {
      {"sha256", sha256_js},       {"sha256d", sha256d_js},           {"hash160", hash160_js},
      {"sha256dGather", gather_js}, {"sha256dPairs", pairs_js},        {"searchHeader", search_js},
      {"muhashMultiply", muhash_js}, {"openCurve", open_curve_js}, {"verifyEcdsa", verify_ecdsa_js},  {"verifySchnorr", verify_schnorr_js},
      {"checkTapTweak", check_tweak_js}, {"setThreadNice", set_nice_js},
      {"sha1Start", sha1_start_js}, {"sha1Finish", sha1_finish_js}, {"sha256Pairs", sha256_pairs_js},
      {"hashPieces", hash_pieces_js}, {"hashPiecesAside", hash_pieces_aside_js},
  };
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
    napi_value function;
    if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function) !=
            napi_ok ||
        napi_set_named_property(env, exports, functions[i].name, function) != napi_ok) {
      return NULL;
    }
  }
  napi_set_named_property(env, exports, "hashKind", text(env, sha256_choose()));
  napi_set_named_property(env, exports, "hasPieceHashes", boolean(env, sha1_has_lanes()));
  return exports;
}
