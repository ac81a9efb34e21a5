#include "sha1.h"

#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#include "sha-ni.h"

#define LANE_LOOP _Pragma("GCC unroll 3") for (int lane = 0; lane < lanes; lane++)

// Rounds with the constant of their twenty; the instruction takes its number as a literal.
SHA_NI static inline __m128i four_rounds(__m128i abcd, __m128i input, int group) {
  switch (group / 5) {
    case 0: return _mm_sha1rnds4_epu32(abcd, input, 0);
    case 1: return _mm_sha1rnds4_epu32(abcd, input, 1);
    case 2: return _mm_sha1rnds4_epu32(abcd, input, 2);
    default: return _mm_sha1rnds4_epu32(abcd, input, 3);
  }
}

// Inlined with a literal number of lanes, so that all of their state stays in registers.
SHA_NI static inline __attribute__((always_inline)) void compress_lanes(Sha1 *const hashes[], const uint8_t *const data[],
                                                                        const int lanes, size_t blocks) {
  const __m128i swap = _mm_set_epi64x(0x0001020304050607LL, 0x08090a0b0c0d0e0fLL);
  __m128i abcd[SHA1_LANES], e[SHA1_LANES];
  LANE_LOOP {
    abcd[lane] = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)hashes[lane]->state), 0x1b);
    e[lane] = _mm_set_epi32((int)hashes[lane]->state[4], 0, 0, 0);
  }
  for (size_t block = 0; block < blocks; block++) {
    __m128i message[SHA1_LANES][4], abcdBefore[SHA1_LANES], eBefore[SHA1_LANES];
    LANE_LOOP {
      const __m128i *source = (const __m128i *)(data[lane] + 64 * block);
      for (int i = 0; i < 4; i++) message[lane][i] = _mm_shuffle_epi8(_mm_loadu_si128(source + i), swap);
      abcdBefore[lane] = abcd[lane];
      eBefore[lane] = e[lane];
    }
#pragma GCC unroll 20
    for (int group = 0; group < 20; group++) {
      LANE_LOOP {
        __m128i *w = message[lane];
        __m128i input = group == 0 ? _mm_add_epi32(e[lane], w[0]) : _mm_sha1nexte_epu32(e[lane], w[group & 3]);
        e[lane] = abcd[lane];
        abcd[lane] = four_rounds(abcd[lane], input, group);
        if (group < 16) {
          __m128i mixed = _mm_xor_si128(_mm_sha1msg1_epu32(w[group & 3], w[(group + 1) & 3]), w[(group + 2) & 3]);
          w[group & 3] = _mm_sha1msg2_epu32(mixed, w[(group + 3) & 3]);
        }
      }
    }
    LANE_LOOP {
      e[lane] = _mm_sha1nexte_epu32(e[lane], eBefore[lane]);
      abcd[lane] = _mm_add_epi32(abcd[lane], abcdBefore[lane]);
    }
  }
  LANE_LOOP {
    _mm_storeu_si128((__m128i *)hashes[lane]->state, _mm_shuffle_epi32(abcd[lane], 0x1b));
    hashes[lane]->state[4] = (uint32_t)_mm_extract_epi32(e[lane], 3);
    hashes[lane]->length += 64 * blocks;
  }
}

SHA_NI void sha1_update_lanes(Sha1 *const hashes[], const uint8_t *const data[], size_t lanes, size_t blocks) {
  if (lanes == 1) compress_lanes(hashes, data, 1, blocks);
  else if (lanes == 2) compress_lanes(hashes, data, 2, blocks);
  else compress_lanes(hashes, data, 3, blocks);
}

int sha1_has_lanes(void) { return cpu_has_sha(); }
#else
void sha1_update_lanes(Sha1 *const hashes[], const uint8_t *const data[], size_t lanes, size_t blocks) {
  (void)hashes, (void)data, (void)lanes, (void)blocks;
}

int sha1_has_lanes(void) { return 0; }
#endif

void sha1_init(Sha1 *hash) {
  static const uint32_t initial[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  memset(hash, 0, sizeof *hash);
  memcpy(hash->state, initial, sizeof initial);
}

// What is pending is a whole block now, and counted.
static void take_pending(Sha1 *hash) {
  const uint8_t *data = hash->pending;
  hash->length -= 64;
  sha1_update_lanes(&hash, &data, 1, 1);
}

void sha1_update(Sha1 *hash, const uint8_t *data, size_t length) {
  size_t used = hash->length & 63;
  if (used > 0) {
    size_t run = length < 64 - used ? length : 64 - used;
    memcpy(hash->pending + used, data, run);
    hash->length += run;
    if (used + run < 64) return;
    take_pending(hash);
    data += run;
    length -= run;
  }
  if (length >= 64) sha1_update_lanes(&hash, &data, 1, length / 64);
  memcpy(hash->pending, data + length / 64 * 64, length % 64);
  hash->length += length % 64;
}

void sha1_final(Sha1 *hash, uint8_t out[20]) {
  static const uint8_t padding[64] = {0x80};
  uint64_t bits = hash->length * 8;
  size_t used = hash->length & 63;
  uint8_t end[8];
  sha1_update(hash, padding, (used < 56 ? 56 : 120) - used);
  for (int i = 0; i < 8; i++) end[i] = (uint8_t)(bits >> (56 - 8 * i));
  sha1_update(hash, end, 8);
  for (int i = 0; i < 20; i++) out[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}
