// What JavaScript hands over, checked.
#ifndef PEERS_ARGUMENTS_H
#define PEERS_ARGUMENTS_H

#include <node_api.h>

#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint8_t *data;
  size_t length;
} Bytes;

enum { ARGUMENTS_MAX = 4 };

// Throws a TypeError; returns 0.
int fail(napi_env env, const char *message);

// A typed array's memory: bytes and byte length, whatever its element type. An empty array may have no memory at all, but
// libsecp256k1 ends the process where it is given NULL: it gets a place to point to.
int as_bytes(napi_env env, napi_value value, napi_typedarray_type wanted, Bytes *out);

int arguments(napi_env env, napi_callback_info info, size_t count, napi_value values[ARGUMENTS_MAX]);

// As many arguments that are all of them a Uint8Array.
int byte_arguments(napi_env env, napi_callback_info info, size_t count, Bytes out[ARGUMENTS_MAX]);

#endif
