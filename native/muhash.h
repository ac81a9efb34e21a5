#ifndef PEERS_MUHASH_H
#define PEERS_MUHASH_H

#include <stddef.h>
#include <stdint.h>

enum { MUHASH_BYTES = 384 };

// Multiplies `state` (little-endian, modulo 2^3072 - 1103717, perhaps not fully reduced) by the element that `data` hashes to.
void muhash_multiply(uint8_t state[MUHASH_BYTES], const uint8_t *data, size_t length);

#endif
