#include "arguments.h"

int fail(napi_env env, const char *message) {
  napi_throw_type_error(env, NULL, message);
  return 0;
}

int as_bytes(napi_env env, napi_value value, napi_typedarray_type wanted, Bytes *out) {
  static uint8_t nothing;
  napi_typedarray_type type;
  void *data;
  size_t elements;
  if (napi_get_typedarray_info(env, value, &type, &elements, &data, NULL, NULL) != napi_ok || type != wanted) {
    return fail(env, "expected a typed array");
  }
  out->data = data ? data : &nothing;
  out->length = elements * (wanted == napi_uint32_array ? 4 : 1);
  return 1;
}

int arguments(napi_env env, napi_callback_info info, size_t count, napi_value values[ARGUMENTS_MAX]) {
  size_t given = count;
  if (napi_get_cb_info(env, info, &given, values, NULL, NULL) != napi_ok || given < count) {
    return fail(env, "too few arguments");
  }
  return 1;
}

int byte_arguments(napi_env env, napi_callback_info info, size_t count, Bytes out[ARGUMENTS_MAX]) {
  napi_value values[ARGUMENTS_MAX];
  if (!arguments(env, info, count, values)) return 0;
  for (size_t i = 0; i < count; i++) {
    if (!as_bytes(env, values[i], napi_uint8_array, &out[i])) return 0;
  }
  return 1;
}
