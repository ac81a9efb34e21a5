#ifndef PEERS_RIPEMD160_H
#define PEERS_RIPEMD160_H

#include <stdint.h>

// RIPEMD-160 of exactly 32 bytes: all that hash160 needs.
void ripemd160_of_32(const uint8_t message[32], uint8_t out[20]);

#endif
