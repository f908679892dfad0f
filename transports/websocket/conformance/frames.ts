// The conformance suite's own frame writer, after the picture in RFC 6455 §5.2. It shares nothing with `protocol/`.

export const continuation = 0
export const text = 1
export const binary = 2
export const close = 8
export const ping = 9
export const pong = 10

/** A frame as it is to be sent; nothing keeps it from being wrong. */
export interface Frame {
  readonly opcode: number
  readonly payload?: Uint8Array
  /** True unless said otherwise. */
  readonly final?: boolean
  /** RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  readonly reserved?: number
  /** What the header says of the length, instead of the payload's own; then in 64 bits. */
  readonly declaredBytes?: bigint
  /** Masked though a server sends it, or not masked though a client does. */
  readonly wronglyMasked?: boolean
}

const encoder = new TextEncoder()
const noBytes = new Uint8Array(0)
const noMask = new Uint8Array(4)

export function utf8(characters: string): Uint8Array {
  return encoder.encode(characters)
}

/** Bytes from hexadecimal digits; blanks don't count. */
export function hex(digits: string): Uint8Array {
  const pairs = digits.replaceAll(' ', '').match(/../g) ?? []
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16))
}

export function join(...pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  return joined
}

/** A message's frames: its payload in pieces of `pieceBytes`, all in one without it. */
export function fragmented(
  opcode: number,
  payload: Uint8Array,
  pieceBytes = Number.POSITIVE_INFINITY,
  reserved = 0,
): readonly Frame[] {
  const frames: Frame[] = []
  for (let at = 0; at === 0 || at < payload.length; at += pieceBytes) {
    frames.push({
      opcode: at === 0 ? opcode : continuation,
      reserved: at === 0 ? reserved : 0,
      payload: payload.subarray(at, at + pieceBytes),
      final: at + pieceBytes >= payload.length,
    })
  }
  return frames
}

/** A close frame's payload: a code of two bytes, then the reason (§5.5.1). */
export function closePayload(code: number, reason: Uint8Array = noBytes): Uint8Array {
  return join(Uint8Array.of(code >> 8, code & 0xff), reason)
}

/** The bytes of all `frames`, masked with a key of its own each if there is a `maskKey`. */
export function encodeFrames(frames: readonly Frame[], maskKey: (() => Uint8Array) | null): Uint8Array {
  let totalBytes = 0
  for (const { payload = noBytes } of frames) totalBytes += 14 + payload.length
  const bytes = new Uint8Array(totalBytes)
  let at = 0
  for (const frame of frames) {
    const wrongKey = maskKey === null ? noMask : null
    const key = maskKey === null ? null : maskKey()
    at = writeFrame(bytes, at, frame, frame.wronglyMasked === true ? wrongKey : key)
  }
  return bytes.subarray(0, at)
}

/** @returns the place behind the frame */
function writeFrame(bytes: Uint8Array, start: number, frame: Frame, key: Uint8Array | null): number {
  const { opcode, payload = noBytes, final = true, reserved = 0, declaredBytes } = frame
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const masked = key === null ? 0 : 0x80
  let at = start
  bytes[at++] = (final ? 0x80 : 0) | (reserved << 4) | opcode
  if (declaredBytes !== undefined || payload.length > 0xffff) {
    bytes[at++] = masked | 127
    view.setBigUint64(at, declaredBytes ?? BigInt(payload.length))
    at += 8
  } else if (payload.length > 125) {
    bytes[at++] = masked | 126
    view.setUint16(at, payload.length)
    at += 2
  } else {
    bytes[at++] = masked | payload.length
  }
  if (key !== null) {
    bytes.set(key, at)
    at += 4
  }
  bytes.set(payload, at)
  if (key !== null) maskFrom(bytes, at, payload.length, key)
  return at + payload.length
}

/** §5.3: byte i of the payload with byte i modulo 4 of the key. */
export function maskFrom(bytes: Uint8Array, start: number, length: number, key: Uint8Array): void {
  const [first = 0, second = 0, third = 0, fourth = 0] = key
  const end = start + length
  let at = start
  for (; at + 4 <= end; at += 4) {
    bytes[at] = (bytes[at] as number) ^ first
    bytes[at + 1] = (bytes[at + 1] as number) ^ second
    bytes[at + 2] = (bytes[at + 2] as number) ^ third
    bytes[at + 3] = (bytes[at + 3] as number) ^ fourth
  }
  for (; at < end; at++) bytes[at] = (bytes[at] as number) ^ (key[(at - start) % 4] as number)
}
