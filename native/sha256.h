// SHA-256 for many messages: the shape of a block's transaction ids, merkle levels and header search, and of a torrent's leaves.
#ifndef PEERS_SHA256_H
#define PEERS_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint32_t state[8];
  uint64_t length;
  uint8_t pending[64];
} Sha256;

// Chooses the fastest implementation that this CPU has; call once before anything else. Returns its name.
const char *sha256_choose(void);

void sha256_init(Sha256 *hash);
void sha256_update(Sha256 *hash, const uint8_t *data, size_t length);
void sha256_final(Sha256 *hash, uint8_t out[32]);

void sha256_of(const uint8_t *data, size_t length, uint8_t out[32]);

// Two messages of the same length, side by side.
void sha256_of_two(const uint8_t *dataA, const uint8_t *dataB, size_t length, uint8_t outA[32], uint8_t outB[32]);

// SHA-256 of the 32 bytes in `digest`, in place.
void sha256_again(uint8_t digest[32]);

// Double SHA-256 of `count` consecutive 64-byte messages; `out` may overlap `pairs` at the same start.
void sha256d_pairs(const uint8_t *pairs, size_t count, uint8_t *out);

// First nonce in [first, first + count) whose header hash is at most `target` (little-endian); -1 if none.
int64_t sha256d_search(const uint8_t header[80], const uint8_t target[32], uint32_t first, uint32_t count);

#endif
