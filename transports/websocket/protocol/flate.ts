// What the protocol needs of a DEFLATE implementation (RFC 1951) for permessage-deflate, and what both directions share.

/** RSV1 says that a message is compressed; it stands on the first frame of the message only (RFC 7692 §6). */
export const compressedBit = 0x40

/** The end of an empty block without compression: a sender leaves it out, a receiver puts it back (RFC 7692 §7.2.1, §7.2.2). */
export const blockTail: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0xff)

/** One direction of one connection: a stream of bytes that is compressed, or decompressed. */
export interface FlateStream {
  /** Whether `pull` is to be called: there is input that is not used up, or output that had no room. */
  readonly pending: boolean
  /**
   * Gives it bytes, while nothing is pending. They must stay as they are until nothing is pending again.
   *
   * @param flush whether all that comes of them is wanted, up to the byte (RFC 7692 §7.2.1)
   */
  push(bytes: Uint8Array, flush: boolean): void
  /**
   * The next piece of output, perhaps an empty one; see `keepPiece` for how long it is good. `not now`: others must have
   * their turn first. `corrupt`: the input is no DEFLATE, and the stream is of no use any more.
   *
   * A decompressor goes on behind a block that claims to be the last one (RFC 7692 §7.2.3.4). Of `blockTail` itself it drops
   * what stands behind such a block: the sender should have begun an empty block there (§7.2.1), which would end with it.
   *
   * @param maxBytes of a decompressor's output. With 0 it goes on byte by byte of its input and gives one byte as soon as there
   *   is one: thus what comes first, that byte or something corrupt, doesn't depend on how the input was cut.
   */
  pull(maxBytes?: number): Uint8Array | 'not now' | 'corrupt'
  /** A message is complete. Unless there is context takeover, the next one starts from nothing. */
  endMessage(): void
  /** The next message is not to refer to earlier ones, though there is context takeover. */
  forgetContext(): void
  /** Frees what it holds; closing again does nothing. */
  close(): void
}

/** permessage-deflate as it is in force on one connection. */
export interface Compression {
  readonly deflater: FlateStream
  readonly inflater: FlateStream
  /** Messages with fewer payload bytes are sent as they are. */
  readonly thresholdBytes: number
  /** The window of the peer's decompressor: prebuilt frames must not refer further back. */
  readonly sendingWindowBits: number
}

/**
 * A piece that stays as it is. What `pull` gives fills a part of a buffer that is used again, unless it fills half of it or
 * more: then the stream takes a new buffer, because a copy would cost more.
 */
export function keepPiece(piece: Uint8Array): Uint8Array {
  // Not `slice`, which doesn't copy the bytes of a Buffer.
  return isKept(piece) ? piece : new Uint8Array(piece)
}

/** Whether the taker of a piece may keep it. */
export function isKept(piece: Uint8Array): boolean {
  return piece.length * 2 >= piece.buffer.byteLength
}

/** By how much a compressed message may be longer than what is in it: data that can't be compressed, cut and flushed often. */
export function overheadBytes(payloadBytes: number): number {
  return Math.ceil(payloadBytes / 8) + 1024
}
