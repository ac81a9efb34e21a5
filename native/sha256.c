#include "sha256.h"

#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#define PEERS_SHA_NI 1
#include "sha-ni.h"
#endif

static const uint32_t K[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static const uint32_t INITIAL[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static inline uint32_t read_be32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void write_be32(uint8_t *p, uint32_t value) {
  p[0] = (uint8_t)(value >> 24);
  p[1] = (uint8_t)(value >> 16);
  p[2] = (uint8_t)(value >> 8);
  p[3] = (uint8_t)value;
}

static inline uint32_t rotate(uint32_t x, int by) { return x >> by | x << (32 - by); }

static void compress_portable(uint32_t state[8], const uint8_t *block, size_t blocks) {
  uint32_t w[64];
  for (; blocks > 0; blocks--, block += 64) {
    for (int i = 0; i < 16; i++) w[i] = read_be32(block + 4 * i);
    for (int i = 16; i < 64; i++) {
      uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
      uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
      uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i];
      uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
  }
}

// Two independent messages of as many blocks, so that their latencies overlap where the CPU can do that.
static void compress_two_portable(uint32_t a[8], const uint8_t *blockA, uint32_t b[8], const uint8_t *blockB,
                                  size_t blocks) {
  compress_portable(a, blockA, blocks);
  compress_portable(b, blockB, blocks);
}

#ifdef PEERS_SHA_NI
// The state as the instructions want it: A,B,E,F in one register and C,D,G,H in the other.
typedef struct {
  __m128i abef, cdgh;
} NiState;

SHA_NI static inline NiState ni_load(const uint32_t state[8]) {
  __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
  __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
  NiState s = {_mm_alignr_epi8(badc, hgfe, 8), _mm_blend_epi16(hgfe, badc, 0xf0)};
  return s;
}

SHA_NI static inline void ni_store(uint32_t state[8], NiState s) {
  __m128i feba = _mm_shuffle_epi32(s.abef, 0x1b);
  __m128i dchg = _mm_shuffle_epi32(s.cdgh, 0xb1);
  _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

SHA_NI static inline void ni_message(__m128i m[4], const uint8_t *block) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  for (int i = 0; i < 4; i++) m[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16 * i)), swap);
}

SHA_NI static inline void ni_four_rounds(NiState *s, const __m128i m[4], int group) {
  __m128i wk = _mm_add_epi32(m[group & 3], _mm_load_si128((const __m128i *)(K + 4 * group)));
  s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, wk);
  s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(wk, 0x0e));
}

SHA_NI static inline void ni_extend(__m128i m[4], int group) {
  __m128i *w0 = &m[group & 3], w1 = m[(group + 1) & 3], w2 = m[(group + 2) & 3], w3 = m[(group + 3) & 3];
  *w0 = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(*w0, w1), _mm_alignr_epi8(w3, w2, 4)), w3);
}

SHA_NI static void compress_ni(uint32_t state[8], const uint8_t *block, size_t blocks) {
  NiState s = ni_load(state);
  for (; blocks > 0; blocks--, block += 64) {
    NiState before = s;
    __m128i m[4];
    ni_message(m, block);
#pragma GCC unroll 16
    for (int group = 0; group < 16; group++) {
      ni_four_rounds(&s, m, group);
      if (group < 12) ni_extend(m, group);
    }
    s.abef = _mm_add_epi32(s.abef, before.abef);
    s.cdgh = _mm_add_epi32(s.cdgh, before.cdgh);
  }
  ni_store(state, s);
}

SHA_NI static void compress_two_ni(uint32_t a[8], const uint8_t *blockA, uint32_t b[8], const uint8_t *blockB,
                                   size_t blocks) {
  NiState sa = ni_load(a), sb = ni_load(b);
  for (; blocks > 0; blocks--, blockA += 64, blockB += 64) {
    NiState beforeA = sa, beforeB = sb;
    __m128i ma[4], mb[4];
    ni_message(ma, blockA);
    ni_message(mb, blockB);
#pragma GCC unroll 16
    for (int group = 0; group < 16; group++) {
      ni_four_rounds(&sa, ma, group);
      ni_four_rounds(&sb, mb, group);
      if (group < 12) {
        ni_extend(ma, group);
        ni_extend(mb, group);
      }
    }
    sa.abef = _mm_add_epi32(sa.abef, beforeA.abef), sa.cdgh = _mm_add_epi32(sa.cdgh, beforeA.cdgh);
    sb.abef = _mm_add_epi32(sb.abef, beforeB.abef), sb.cdgh = _mm_add_epi32(sb.cdgh, beforeB.cdgh);
  }
  ni_store(a, sa);
  ni_store(b, sb);
}

#endif

static void (*compress)(uint32_t[8], const uint8_t *, size_t) = compress_portable;
static void (*compress_two)(uint32_t[8], const uint8_t *, uint32_t[8], const uint8_t *, size_t) = compress_two_portable;

const char *sha256_choose(void) {
#ifdef PEERS_SHA_NI
  if (cpu_has_sha()) {
    compress = compress_ni;
    compress_two = compress_two_ni;
    return "sha-ni";
  }
#endif
  return "c";
}

void sha256_init(Sha256 *hash) {
  memcpy(hash->state, INITIAL, sizeof INITIAL);
  hash->length = 0;
}

void sha256_update(Sha256 *hash, const uint8_t *data, size_t length) {
  size_t used = hash->length & 63;
  hash->length += length;
  if (used > 0) {
    size_t room = 64 - used;
    if (length < room) {
      memcpy(hash->pending + used, data, length);
      return;
    }
    memcpy(hash->pending + used, data, room);
    compress(hash->state, hash->pending, 1);
    data += room;
    length -= room;
  }
  size_t whole = length / 64;
  if (whole > 0) compress(hash->state, data, whole);
  memcpy(hash->pending, data + 64 * whole, length - 64 * whole);
}

static void write_state(const uint32_t state[8], uint8_t out[32]) {
  for (int i = 0; i < 8; i++) write_be32(out + 4 * i, state[i]);
}

void sha256_final(Sha256 *hash, uint8_t out[32]) {
  size_t used = hash->length & 63;
  uint64_t bits = hash->length * 8;
  hash->pending[used++] = 0x80;
  if (used > 56) {
    memset(hash->pending + used, 0, 64 - used);
    compress(hash->state, hash->pending, 1);
    used = 0;
  }
  memset(hash->pending + used, 0, 56 - used);
  write_be32(hash->pending + 56, (uint32_t)(bits >> 32));
  write_be32(hash->pending + 60, (uint32_t)bits);
  compress(hash->state, hash->pending, 1);
  write_state(hash->state, out);
}

// The padding that follows a message of 32 or 64 bytes.
static const uint8_t PAD_32[32] = {0x80, [30] = 1, [31] = 0};
static const uint8_t PAD_64[64] = {0x80, [62] = 2, [63] = 0};

void sha256_again(uint8_t digest[32]) {
  uint32_t state[8];
  uint8_t block[64];
  memcpy(block, digest, 32);
  memcpy(block + 32, PAD_32, 32);
  memcpy(state, INITIAL, sizeof INITIAL);
  compress(state, block, 1);
  write_state(state, digest);
}

void sha256d_pairs(const uint8_t *pairs, size_t count, uint8_t *out) {
  uint32_t a[8], b[8];
  uint8_t blockA[64], blockB[64];
  memcpy(blockA + 32, PAD_32, 32);
  memcpy(blockB + 32, PAD_32, 32);
  for (; count >= 2; count -= 2, pairs += 128, out += 64) {
    memcpy(a, INITIAL, sizeof INITIAL);
    memcpy(b, INITIAL, sizeof INITIAL);
    compress_two(a, pairs, b, pairs + 64, 1);
    compress_two(a, PAD_64, b, PAD_64, 1);
    write_state(a, blockA);
    write_state(b, blockB);
    memcpy(a, INITIAL, sizeof INITIAL);
    memcpy(b, INITIAL, sizeof INITIAL);
    compress_two(a, blockA, b, blockB, 1);
    write_state(a, out);
    write_state(b, out + 32);
  }
  if (count == 1) {
    memcpy(a, INITIAL, sizeof INITIAL);
    compress(a, pairs, 1);
    compress(a, PAD_64, 1);
    write_state(a, blockA);
    memcpy(a, INITIAL, sizeof INITIAL);
    compress(a, blockA, 1);
    write_state(a, out);
  }
}

void sha256_of(const uint8_t *data, size_t length, uint8_t out[32]) {
  Sha256 hash;
  sha256_init(&hash);
  sha256_update(&hash, data, length);
  sha256_final(&hash, out);
}

void sha256_of_two(const uint8_t *dataA, const uint8_t *dataB, size_t length, uint8_t outA[32], uint8_t outB[32]) {
  Sha256 a, b;
  sha256_init(&a);
  sha256_init(&b);
  size_t whole = length / 64 * 64;
  compress_two(a.state, dataA, b.state, dataB, whole / 64);
  a.length = b.length = whole;
  sha256_update(&a, dataA + whole, length - whole);
  sha256_update(&b, dataB + whole, length - whole);
  sha256_final(&a, outA);
  sha256_final(&b, outB);
}

// Whether the hash (state words, most significant byte first in each, the whole number little-endian) is at most target.
static int at_most(const uint32_t state[8], const uint8_t target[32]) {
  for (int i = 7; i >= 0; i--) {
    uint32_t word = __builtin_bswap32(state[i]);
    uint32_t limit = (uint32_t)target[4 * i] | (uint32_t)target[4 * i + 1] << 8 | (uint32_t)target[4 * i + 2] << 16 |
                     (uint32_t)target[4 * i + 3] << 24;
    if (word != limit) return word < limit;
  }
  return 1;
}

int64_t sha256d_search(const uint8_t header[80], const uint8_t target[32], uint32_t first, uint32_t count) {
  uint32_t middle[8], states[2][8];
  uint8_t tails[2][64] = {{0}}, digests[2][64];
  memcpy(middle, INITIAL, sizeof INITIAL);
  compress(middle, header, 1);
  for (int k = 0; k < 2; k++) {
    memcpy(tails[k], header + 64, 12);
    tails[k][16] = 0x80;
    tails[k][62] = 2;
    tails[k][63] = 0x80;
    memcpy(digests[k] + 32, PAD_32, 32);
  }
  for (uint32_t i = 0; i < count; i += 2) {
    for (uint32_t k = 0; k < 2; k++) {
      uint32_t nonce = first + i + k;
      for (int byte = 0; byte < 4; byte++) tails[k][12 + byte] = (uint8_t)(nonce >> (8 * byte));
      memcpy(states[k], middle, sizeof middle);
    }
    compress_two(states[0], tails[0], states[1], tails[1], 1);
    for (int k = 0; k < 2; k++) {
      write_state(states[k], digests[k]);
      memcpy(states[k], INITIAL, sizeof INITIAL);
    }
    compress_two(states[0], digests[0], states[1], digests[1], 1);
    for (uint32_t k = 0; k < 2 && i + k < count; k++) {
      if (at_most(states[k], target)) return (int64_t)(uint32_t)(first + i + k);
    }
  }
  return -1;
}
