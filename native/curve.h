// The system's libsecp256k1, found at run time: nothing to build against, and any version since 0.2 will do.
#ifndef PEERS_CURVE_H
#define PEERS_CURVE_H

#include <stddef.h>
#include <stdint.h>

// Loads the library once per process; returns the name it was found under, or NULL.
const char *curve_open(void);

int curve_verify_ecdsa(const uint8_t signature[64], const uint8_t *key, size_t keyLength, const uint8_t digest[32]);
int curve_verify_schnorr(const uint8_t signature[64], const uint8_t key[32], const uint8_t *message, size_t length);
int curve_check_tap_tweak(const uint8_t output[32], int parity, const uint8_t internal[32], const uint8_t tweak[32]);

#endif
