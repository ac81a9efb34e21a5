#include "piece-hash.h"

#include "sha256.h"

// A piece that is being hashed, and how far it is.
typedef struct {
  const PieceWork *work;
  size_t part, offset;
} Lane;

static size_t whole_blocks(const Lane *lane) { return (lane->work->parts[lane->part].length - lane->offset) / 64; }

// Takes what has to be taken alone, up to the next run of whole blocks; 0 where the work is done.
static int to_next_run(Lane *lane) {
  const PieceWork *work = lane->work;
  for (; lane->part < work->partCount; lane->part++, lane->offset = 0) {
    const PiecePart *part = &work->parts[lane->part];
    const uint8_t *data = part->data + lane->offset;
    size_t left = part->length - lane->offset;
    if (work->sha1->length % 64 == 0 && left >= 64) return 1;
    size_t missing = (64 - work->sha1->length % 64) % 64;
    size_t alone = missing > 0 && missing < left ? missing : left;
    sha1_update(work->sha1, data, alone);
    lane->offset += alone;
    if (whole_blocks(lane) > 0) return 1;
    sha1_update(work->sha1, part->data + lane->offset, part->length - lane->offset);
  }
  static const uint8_t zeros[4096];
  for (size_t left = work->zeros; left > 0;) {
    size_t run = left < sizeof zeros ? left : sizeof zeros;
    sha1_update(work->sha1, zeros, run);
    left -= run;
  }
  return 0;
}

static void hash_sha1(const PieceWork *works, size_t count) {
  Lane lanes[SHA1_LANES];
  size_t active = 0, next = 0;
  for (;;) {
    while (active < SHA1_LANES && next < count) {
      const PieceWork *work = &works[next++];
      if (work->sha1 == NULL) continue;
      lanes[active] = (Lane){work, 0, 0};
      if (to_next_run(&lanes[active])) active++;
    }
    if (active == 0) return;
    size_t blocks = whole_blocks(&lanes[0]);
    for (size_t i = 1; i < active; i++) {
      size_t own = whole_blocks(&lanes[i]);
      if (own < blocks) blocks = own;
    }
    Sha1 *hashes[SHA1_LANES];
    const uint8_t *data[SHA1_LANES];
    for (size_t i = 0; i < active; i++) {
      hashes[i] = lanes[i].work->sha1;
      data[i] = lanes[i].work->parts[lanes[i].part].data + lanes[i].offset;
    }
    sha1_update_lanes(hashes, data, active, blocks);
    size_t kept = 0;
    for (size_t i = 0; i < active; i++) {
      lanes[i].offset += 64 * blocks;
      if (whole_blocks(&lanes[i]) > 0 || to_next_run(&lanes[i])) lanes[kept++] = lanes[i];
    }
    active = kept;
  }
}

static void hash_leaves(const PieceWork *works, size_t count) {
  const uint8_t *waiting = NULL;
  uint8_t *waitingOut = NULL;
  for (size_t i = 0; i < count; i++) {
    uint8_t *out = works[i].leaves;
    if (out == NULL) continue;
    for (size_t p = 0; p < works[i].partCount; p++) {
      const PiecePart *part = &works[i].parts[p];
      for (size_t at = 0; at < part->length; at += LEAF_BYTES, out += 32) {
        const uint8_t *leaf = part->data + at;
        if (part->length - at < LEAF_BYTES) {
          sha256_of(leaf, part->length - at, out);
        } else if (waiting != NULL) {
          sha256_of_two(waiting, leaf, LEAF_BYTES, waitingOut, out);
          waiting = NULL;
        } else {
          waiting = leaf;
          waitingOut = out;
        }
      }
    }
  }
  if (waiting != NULL) sha256_of(waiting, LEAF_BYTES, waitingOut);
}

void hash_pieces(const PieceWork *works, size_t count) {
  hash_sha1(works, count);
  hash_leaves(works, count);
}
