// Zeros, compressed by hand: as much as one likes of them in little.

/** How many zeros `compressedZeros(bytes)` is: at least `bytes`. */
export function bytesOfZeros(bytes: number): number {
  return 1 + 258 * Math.ceil(bytes / 258)
}

/** In a block with a fixed code (RFC 1951 §3.2.6): one as it is, then 258 at a time, one byte back, in 13 bits. */
export function compressedZeros(bytes: number): Uint8Array {
  const repeats = Math.ceil(bytes / 258)
  const packed = new Uint8Array(Math.ceil((3 + 8 + 13 * repeats + 7 + 3) / 8))
  let bit = 0
  /** Huffman codes begin with their highest bit. */
  const put = (bits: string): void => {
    for (const each of bits) {
      if (each === '1') packed[bit >> 3] = (packed[bit >> 3] ?? 0) | (1 << (bit & 7))
      bit++
    }
  }
  put('01000110000')
  for (let count = 0; count < repeats; count++) put('1100010100000')
  // The end of the block, and the beginning of the empty one whose other bytes are left out (RFC 7692 §7.2.1).
  put('0000000000')
  return packed
}
