// Frame headers (RFC 6455 §5.2): pure functions that read and write them at an offset of a buffer.
import { readMaskKey } from './mask.ts'

/** The opcodes that RFC 6455 §11.8 registers; all others are reserved. */
export const Opcode = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const

/** The first bit of a frame: this is the last fragment of its message. */
export const finalBit = 0x80
/** The three bits that belong to extensions (RFC 6455 §5.2); RSV1 is 0x40. */
export const reservedBits = 0x70
/** Set in an opcode, it makes a control frame (RFC 6455 §5.5). */
export const controlBit = 0x08
/** What a control frame may carry (RFC 6455 §5.5). */
export const maxControlPayloadBytes = 125
/** Two bytes, eight of extended length, four of masking key. */
export const maxHeaderBytes = 14

/** A decoded frame header. One object is filled again and again: decoding allocates nothing. */
export interface FrameHeader {
  final: boolean
  /** RSV1–RSV3 as they stand in the first byte: a subset of `reservedBits`. */
  reserved: number
  opcode: number
  masked: boolean
  /** The masking key as `readMaskKey` gives it; 0 when the frame isn't masked. */
  maskKey: number
  /** The declared length; `Infinity` when it is above 2^53 − 1. */
  payloadBytes: number
  /** Whether the length has its shortest encoding, as RFC 6455 §5.2 demands. */
  minimal: boolean
}

/** A header to be filled by `decodeHeader`. */
export function emptyHeader(): FrameHeader {
  return {
    final: false,
    reserved: 0,
    opcode: 0,
    masked: false,
    maskKey: 0,
    payloadBytes: 0,
    minimal: true,
  }
}

/**
 * Reads the header that starts at `offset` and ends before `end` into `header`.
 *
 * @returns the header's length in bytes, or 0 when more bytes are needed (then `header` is unspecified)
 */
export function decodeHeader(bytes: Uint8Array, offset: number, end: number, header: FrameHeader): number {
  if (end - offset < 2) return 0
  const first = bytes[offset] as number
  const second = bytes[offset + 1] as number
  let headerBytes = 2
  let payloadBytes = second & 0x7f
  header.minimal = true
  if (payloadBytes === 126) {
    if (end - offset < 4) return 0
    headerBytes = 4
    payloadBytes = ((bytes[offset + 2] as number) << 8) | (bytes[offset + 3] as number)
    header.minimal = payloadBytes > 125
  } else if (payloadBytes === 127) {
    if (end - offset < 10) return 0
    headerBytes = 10
    const high = readUint32(bytes, offset + 2)
    const low = readUint32(bytes, offset + 6)
    // A double counts every byte up to 2^53; what is longer no limit allows.
    payloadBytes = high < 0x20_0000 ? high * 0x1_0000_0000 + low : Number.POSITIVE_INFINITY
    header.minimal = payloadBytes > 0xffff
  }
  header.final = (first & finalBit) !== 0
  header.reserved = first & reservedBits
  header.opcode = first & 0x0f
  header.payloadBytes = payloadBytes
  header.masked = (second & 0x80) !== 0
  header.maskKey = 0
  if (header.masked) {
    if (end - offset < headerBytes + 4) return 0
    header.maskKey = readMaskKey(bytes, offset + headerBytes)
    headerBytes += 4
  }
  return headerBytes
}

/** The length in bytes of the header that `encodeHeader` writes for a payload of `payloadBytes`. */
export function headerBytesFor(payloadBytes: number, masked: boolean): number {
  const lengthBytes = payloadBytes < 126 ? 2 : payloadBytes < 0x1_0000 ? 4 : 10
  return masked ? lengthBytes + 4 : lengthBytes
}

/**
 * Writes a header without its masking key at `offset`, with the shortest encoding of the length (RFC 6455 §5.2).
 *
 * @param first the frame's first byte: final bit, reserved bits and opcode
 * @returns the offset after what was written: of the masking key, or of the payload
 */
export function encodeHeader(
  bytes: Uint8Array,
  offset: number,
  first: number,
  payloadBytes: number,
  masked: boolean,
): number {
  const maskBit = masked ? 0x80 : 0
  bytes[offset] = first
  if (payloadBytes < 126) {
    bytes[offset + 1] = maskBit | payloadBytes
    return offset + 2
  }
  if (payloadBytes < 0x1_0000) {
    bytes[offset + 1] = maskBit | 126
    bytes[offset + 2] = payloadBytes >>> 8
    bytes[offset + 3] = payloadBytes
    return offset + 4
  }
  bytes[offset + 1] = maskBit | 127
  writeUint32(bytes, offset + 2, Math.floor(payloadBytes / 0x1_0000_0000))
  writeUint32(bytes, offset + 6, payloadBytes >>> 0)
  return offset + 10
}

/**
 * What is wrong with a header by itself, in words for a close frame with code 1002, or null.
 *
 * @param expectMasked whether this side is a server (RFC 6455 §5.1)
 * @param allowedReserved the reserved bits that a negotiated extension has claimed
 */
export function headerFault(
  header: FrameHeader,
  expectMasked: boolean,
  allowedReserved: number,
): string | null {
  // RFC 6455 §5.2: a reserved bit that no extension has defined MUST fail the connection.
  if ((header.reserved & ~allowedReserved) !== 0) return 'reserved bits are set'
  // RFC 6455 §5.1: a client MUST mask every frame, a server MUST NOT mask any.
  if (header.masked !== expectMasked)
    return expectMasked ? 'a client frame is not masked' : 'a server frame is masked'
  // RFC 6455 §5.2: the minimal number of bytes MUST be used for the length.
  if (!header.minimal) return 'the length is not in its shortest form'
  const opcode = header.opcode
  if ((opcode & controlBit) === 0) {
    if (opcode > Opcode.binary) return `opcode ${opcode} is reserved`
    // RFC 7692 §6: the bit belongs to the whole message and stands on its first frame only.
    return opcode === Opcode.continuation && header.reserved !== 0
      ? 'reserved bits are set on a continuation'
      : null
  }
  if (opcode > Opcode.pong) return `opcode ${opcode} is reserved`
  // RFC 6455 §5.5: control frames MUST NOT be fragmented and MUST have a payload of 125 bytes or less.
  if (!header.final) return 'a control frame is fragmented'
  if (header.payloadBytes > maxControlPayloadBytes) return 'a control frame is too long'
  // RFC 7692 §6.1: never on a control frame.
  return header.reserved === 0 ? null : 'reserved bits are set on a control frame'
}

/**
 * A whole message as one server frame: encoded once, it can be sent to any number of clients.
 *
 * @param payload for text, valid UTF-8
 * @param allocate what makes the frame's bytes: in Node, `Buffer.allocUnsafe` saves wrapping them again for every write
 */
export function serverFrame(
  kind: 'text' | 'binary',
  payload: Uint8Array,
  allocate: (bytes: number) => Uint8Array = plainBytes,
): Uint8Array {
  return prebuiltFrame(finalBit | Opcode[kind], payload, allocate)
}

/** Any unmasked frame. @param first its first byte: final bit, reserved bits and opcode */
export function prebuiltFrame(
  first: number,
  payload: Uint8Array,
  allocate: (bytes: number) => Uint8Array,
): Uint8Array {
  const bytes = allocate(headerBytesFor(payload.length, false) + payload.length)
  const start = encodeHeader(bytes, 0, first, payload.length, false)
  bytes.set(payload, start)
  return bytes
}

function plainBytes(bytes: number): Uint8Array {
  return new Uint8Array(bytes)
}

function readUint32(bytes: Uint8Array, offset: number): number {
  const high = ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number)
  const low = ((bytes[offset + 2] as number) << 8) | (bytes[offset + 3] as number)
  return high * 0x1_0000 + low
}

function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24
  bytes[offset + 1] = value >>> 16
  bytes[offset + 2] = value >>> 8
  bytes[offset + 3] = value
}
