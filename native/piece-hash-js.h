// The hashes of pieces as JavaScript sees them.
#ifndef PEERS_PIECE_HASH_JS_H
#define PEERS_PIECE_HASH_JS_H

#include <node_api.h>

// sha1Start(state): makes 96 bytes the SHA-1 of nothing
napi_value sha1_start_js(napi_env env, napi_callback_info info);
// sha1Finish(state, out20)
napi_value sha1_finish_js(napi_env env, napi_callback_info info);
// sha256Pairs(pairs, out): SHA-256 of each 64 bytes
napi_value sha256_pairs_js(napi_env env, napi_callback_info info);
// hashPieces(works), each of them [state | undefined, leaves | undefined, zeros, ...parts]
napi_value hash_pieces_js(napi_env env, napi_callback_info info);
// hashPiecesAside(works): a promise for the same, kept in a thread of the pool
napi_value hash_pieces_aside_js(napi_env env, napi_callback_info info);

#endif
