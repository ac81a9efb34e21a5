const CASTAGNOLI = Uint32Array.from({ length: 256 }, (_, i) => {
  let crc = i
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1
  return crc
})

/** CRC-32C of the bytes from `start` to `end`, in the masked form in which LevelDB writes it. */
export function maskedCrc(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0xffff_ffff
  for (let i = start; i < end; i++) crc = CASTAGNOLI[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8)
  crc = ~crc
  return (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0
}
