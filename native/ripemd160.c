#include "ripemd160.h"

#include <string.h>

// Message word and rotation of each step, for the left and the right line.
static const uint8_t WORD_LEFT[80] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9,
    5, 2, 14, 11, 8, 3, 10, 14, 4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12, 1, 9, 11, 10, 0, 8,
    12, 4, 13, 3, 7, 15, 14, 5, 6, 2, 4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11, 6, 15, 13};
static const uint8_t WORD_RIGHT[80] = {
    5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12, 6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8,
    12, 4, 9, 1, 2, 15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13, 8, 6, 4, 1, 3, 11,
    15, 0, 5, 12, 2, 13, 9, 7, 10, 14, 12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11};
static const uint8_t ROTATE_LEFT[80] = {
    11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8, 7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15,
    9, 11, 7, 13, 12, 11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5, 11, 12, 14, 15, 14, 15,
    9, 8, 9, 14, 5, 6, 8, 6, 5, 12, 9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6};
static const uint8_t ROTATE_RIGHT[80] = {
    8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6, 9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12,
    7, 6, 15, 13, 11, 9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5, 15, 5, 8, 11, 14, 14,
    6, 14, 6, 9, 12, 9, 12, 5, 15, 8, 8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11};
static const uint32_t ADD_LEFT[5] = {0, 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xa953fd4e};
static const uint32_t ADD_RIGHT[5] = {0x50a28be6, 0x5c4dd124, 0x6d703ef3, 0x7a6d76e9, 0};

static inline uint32_t rotate(uint32_t x, int by) { return x << by | x >> (32 - by); }

static inline uint32_t mix(int round, uint32_t x, uint32_t y, uint32_t z) {
  switch (round) {
    case 0: return x ^ y ^ z;
    case 1: return (x & y) | (~x & z);
    case 2: return (x | ~y) ^ z;
    case 3: return (x & z) | (y & ~z);
    default: return x ^ (y | ~z);
  }
}

void ripemd160_of_32(const uint8_t message[32], uint8_t out[20]) {
  static const uint32_t INITIAL[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  uint32_t w[16] = {0};
  for (int i = 0; i < 8; i++) {
    const uint8_t *p = message + 4 * i;
    w[i] = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
  }
  w[8] = 0x80;
  w[14] = 256;
  uint32_t l[5], r[5];
  memcpy(l, INITIAL, sizeof l);
  memcpy(r, INITIAL, sizeof r);
#pragma GCC unroll 80
  for (int i = 0; i < 80; i++) {
    int round = i / 16;
    uint32_t t = rotate(l[0] + mix(round, l[1], l[2], l[3]) + w[WORD_LEFT[i]] + ADD_LEFT[round], ROTATE_LEFT[i]) + l[4];
    l[0] = l[4], l[4] = l[3], l[3] = rotate(l[2], 10), l[2] = l[1], l[1] = t;
    t = rotate(r[0] + mix(4 - round, r[1], r[2], r[3]) + w[WORD_RIGHT[i]] + ADD_RIGHT[round], ROTATE_RIGHT[i]) + r[4];
    r[0] = r[4], r[4] = r[3], r[3] = rotate(r[2], 10), r[2] = r[1], r[1] = t;
  }
  uint32_t state[5];
  for (int i = 0; i < 5; i++) state[i] = INITIAL[(i + 1) % 5] + l[(i + 2) % 5] + r[(i + 3) % 5];
  for (int i = 0; i < 20; i++) out[i] = (uint8_t)(state[i / 4] >> (8 * (i % 4)));
}
