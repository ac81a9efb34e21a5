#include "piece-hash-js.h"

#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "piece-hash.h"
#include "sha256.h"

// Elements of a work before its parts: its SHA-1, its leaves, its zeros.
enum { PARTS_AT = 3 };

typedef struct {
  PieceWork *works;
  uint32_t count;
  PiecePart *parts;
  // What is hashed in another thread: the arrays are kept for as long as it needs their memory.
  napi_async_work task;
  napi_ref kept;
  napi_deferred promise;
} Batch;

static void free_batch(Batch *batch) {
  free(batch->works);
  free(batch->parts);
  free(batch);
}

static int is_undefined(napi_env env, napi_value value) {
  napi_valuetype type;
  return napi_typeof(env, value, &type) == napi_ok && type == napi_undefined;
}

static int element(napi_env env, napi_value array, uint32_t index, napi_value *out) {
  return napi_get_element(env, array, index, out) == napi_ok || fail(env, "expected an array");
}

// A typed array, or nothing; at least so many bytes.
static int optional_bytes(napi_env env, napi_value array, uint32_t index, size_t least, uint8_t **out) {
  napi_value value;
  Bytes bytes;
  *out = NULL;
  if (!element(env, array, index, &value)) return 0;
  if (is_undefined(env, value)) return 1;
  if (!as_bytes(env, value, napi_uint8_array, &bytes)) return 0;
  if (bytes.length < least) return fail(env, "output too small");
  *out = bytes.data;
  return 1;
}

static int read_work(napi_env env, napi_value array, uint32_t length, PieceWork *work, PiecePart *parts) {
  size_t bytes = 0, unaligned = 0;
  for (uint32_t i = PARTS_AT; i < length; i++) {
    napi_value value;
    Bytes part;
    if (!element(env, array, i, &value) || !as_bytes(env, value, napi_uint8_array, &part)) return 0;
    parts[i - PARTS_AT] = (PiecePart){part.data, part.length};
    bytes += part.length;
    if (i + 1 < length) unaligned |= part.length % LEAF_BYTES;
  }
  napi_value zeros;
  uint32_t zeroCount;
  uint8_t *state;
  size_t leaves = (bytes + LEAF_BYTES - 1) / LEAF_BYTES;
  if (!element(env, array, 2, &zeros) || !optional_bytes(env, array, 0, sizeof(Sha1), &state) ||
      !optional_bytes(env, array, 1, 32 * leaves, &work->leaves)) {
    return 0;
  }
  if (napi_get_value_uint32(env, zeros, &zeroCount) != napi_ok) return fail(env, "expected a count of zeros");
  if ((uintptr_t)state % _Alignof(Sha1) != 0) return fail(env, "state is not aligned");
  if (work->leaves != NULL && unaligned != 0) return fail(env, "a part ends within a leaf");
  work->sha1 = (Sha1 *)(void *)state;
  work->parts = parts;
  work->partCount = length - PARTS_AT;
  work->zeros = zeroCount;
  return 1;
}

static int array_length(napi_env env, napi_value array, uint32_t least, uint32_t *out) {
  if (napi_get_array_length(env, array, out) != napi_ok || *out < least) return fail(env, "expected an array");
  return 1;
}

static int read_works(napi_env env, napi_value list, Batch *batch) {
  uint32_t length, used = 0, parts = 0;
  napi_value array;
  for (uint32_t i = 0; i < batch->count; i++) {
    if (!element(env, list, i, &array) || !array_length(env, array, PARTS_AT, &length)) return 0;
    parts += length - PARTS_AT;
  }
  batch->works = calloc(batch->count + 1, sizeof *batch->works);
  batch->parts = calloc(parts + 1, sizeof *batch->parts);
  if (batch->works == NULL || batch->parts == NULL) return fail(env, "no memory");
  for (uint32_t i = 0; i < batch->count; i++) {
    if (!element(env, list, i, &array) || !array_length(env, array, PARTS_AT, &length)) return 0;
    // Nobody's code runs in between, but a getter could have made the array longer.
    if (length - PARTS_AT > parts - used) return fail(env, "expected an array");
    if (!read_work(env, array, length, &batch->works[i], batch->parts + used)) return 0;
    used += length - PARTS_AT;
  }
  return 1;
}

static Batch *read_batch(napi_env env, napi_callback_info info, napi_value *list) {
  napi_value values[ARGUMENTS_MAX];
  if (!arguments(env, info, 1, values)) return NULL;
  Batch *batch = calloc(1, sizeof *batch);
  if (batch == NULL) return fail(env, "no memory"), NULL;
  *list = values[0];
  if (!array_length(env, *list, 0, &batch->count) || !read_works(env, *list, batch)) {
    free_batch(batch);
    return NULL;
  }
  return batch;
}

napi_value hash_pieces_js(napi_env env, napi_callback_info info) {
  napi_value list;
  Batch *batch = read_batch(env, info, &list);
  if (batch == NULL) return NULL;
  hash_pieces(batch->works, batch->count);
  free_batch(batch);
  return NULL;
}

static void run_aside(napi_env env, void *data) {
  (void)env;
  Batch *batch = data;
  hash_pieces(batch->works, batch->count);
}

static void end_aside(napi_env env, napi_status status, void *data) {
  Batch *batch = data;
  napi_value nothing;
  napi_get_undefined(env, &nothing);
  // Only the end of the environment cancels it, where nobody waits any more.
  if (status == napi_ok) napi_resolve_deferred(env, batch->promise, nothing);
  napi_delete_reference(env, batch->kept);
  napi_delete_async_work(env, batch->task);
  free_batch(batch);
}

napi_value hash_pieces_aside_js(napi_env env, napi_callback_info info) {
  napi_value list, name, promise;
  Batch *batch = read_batch(env, info, &list);
  if (batch == NULL) return NULL;
  if (napi_create_string_utf8(env, "peers:hashPieces", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_async_work(env, NULL, name, run_aside, end_aside, batch, &batch->task) != napi_ok ||
      napi_create_reference(env, list, 1, &batch->kept) != napi_ok ||
      napi_create_promise(env, &batch->promise, &promise) != napi_ok ||
      napi_queue_async_work(env, batch->task) != napi_ok) {
    free_batch(batch);
    return fail(env, "no thread to hash in"), NULL;
  }
  return promise;
}

static Sha1 *state_of(napi_env env, const Bytes *bytes) {
  if (bytes->length < sizeof(Sha1) || (uintptr_t)bytes->data % _Alignof(Sha1) != 0) return fail(env, "bad state"), NULL;
  return (Sha1 *)(void *)bytes->data;
}

napi_value sha1_start_js(napi_env env, napi_callback_info info) {
  Bytes args[ARGUMENTS_MAX];
  if (!byte_arguments(env, info, 1, args)) return NULL;
  Sha1 *state = state_of(env, &args[0]);
  if (state != NULL) sha1_init(state);
  return NULL;
}

napi_value sha1_finish_js(napi_env env, napi_callback_info info) {
  Bytes args[ARGUMENTS_MAX];
  if (!byte_arguments(env, info, 2, args)) return NULL;
  Sha1 *state = state_of(env, &args[0]);
  if (state == NULL) return NULL;
  if (args[1].length < 20) return fail(env, "output too small"), NULL;
  sha1_final(state, args[1].data);
  return NULL;
}

napi_value sha256_pairs_js(napi_env env, napi_callback_info info) {
  Bytes args[ARGUMENTS_MAX];
  if (!byte_arguments(env, info, 2, args)) return NULL;
  size_t count = args[1].length / 32;
  if (args[0].length < 64 * count) return fail(env, "input too small"), NULL;
  for (size_t i = 0; i < count; i++) sha256_of(args[0].data + 64 * i, 64, args[1].data + 32 * i);
  return NULL;
}
