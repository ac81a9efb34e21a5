/** First byte of each message. */
export const MESSAGE = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  notInterested: 3,
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7,
  cancel: 8,
  port: 9,
  /** BEP 6. */
  suggest: 13,
  haveAll: 14,
  haveNone: 15,
  reject: 16,
  allowedFast: 17,
  /** BEP 10. */
  extended: 20,
  /** BEP 52. */
  hashRequest: 21,
  hashes: 22,
  hashReject: 23,
} as const

/** Bytes before the payload of a piece message: length, id, piece, begin. */
export const PIECE_HEADER_BYTES = 13
/** A request: length, id, piece, begin, and how much. */
export const REQUEST_BYTES = 17

/** How long messages may be, beyond the few whose length is fixed. */
export const WIRE_LIMITS = {
  /** No peer is ever asked for more at once. */
  blockBytesMax: 16_384,
  /** Metadata pieces, peer exchange and handshakes of BEP 10 stay far below. */
  extendedBytesMax: 64 * 1024,
  /** BEP 52: 512 hashes and a proof, which is as many as we ask for. */
  hashesBytesMax: 49 + 32 * (512 + 64),
  /** A bitfield while the number of pieces is not known yet. */
  bitfieldBytesMax: 2 ** 22 / 8,
  /** Messages with numbers that we do not know are skipped up to this length. */
  unknownBytesMax: 64 * 1024,
} as const
