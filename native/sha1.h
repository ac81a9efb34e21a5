// SHA-1 of several messages side by side: one alone waits for the processor's instructions most of the time.
#ifndef PEERS_SHA1_H
#define PEERS_SHA1_H

#include <stddef.h>
#include <stdint.h>

// Messages that are hashed at once at most.
enum { SHA1_LANES = 3 };

typedef struct {
  uint64_t length;
  uint32_t state[5];
  uint8_t pending[64];
} Sha1;

// Whether this CPU has the instructions; nothing below may be called where it has not.
int sha1_has_lanes(void);

void sha1_init(Sha1 *hash);
void sha1_update(Sha1 *hash, const uint8_t *data, size_t length);
void sha1_final(Sha1 *hash, uint8_t out[20]);

// Takes `blocks` times 64 bytes for each of `lanes` messages; all of them must have taken whole blocks before.
void sha1_update_lanes(Sha1 *const hashes[], const uint8_t *const data[], size_t lanes, size_t blocks);

#endif
