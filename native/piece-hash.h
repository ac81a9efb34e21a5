// The hashes of many pieces of torrents in one go: SHA-1 of the pieces side by side, SHA-256 of their leaves two at a time.
#ifndef PEERS_PIECE_HASH_H
#define PEERS_PIECE_HASH_H

#include "sha1.h"

// BEP 52: each leaf of a file's tree is the hash of so many bytes.
enum { LEAF_BYTES = 16384 };

typedef struct {
  const uint8_t *data;
  size_t length;
} PiecePart;

// The next bytes of one piece.
typedef struct {
  Sha1 *sha1;  // NULL where it is not wanted
  uint8_t *leaves;  // 32 bytes for each leaf, or NULL; then every part but the last is a whole number of leaves
  const PiecePart *parts;
  size_t partCount;
  size_t zeros;  // follow the parts, for SHA-1 alone
} PieceWork;

void hash_pieces(const PieceWork *works, size_t count);

#endif
