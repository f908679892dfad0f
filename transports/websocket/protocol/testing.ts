// For tests: frames built by other code than what is tested, every way to split bytes, and what a connection makes of them.
import { Connection, connectionSettings, type Role } from './connection.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { applyMask } from './mask.ts'
import { FrameArena } from './output.ts'
import type { Primitives } from './primitives.ts'

/** No native helper at all: the plain loops are what is tested. */
export const plainPrimitives: Primitives = {
  allocate: (bytes) => new Uint8Array(bytes),
  isUtf8: null,
  applyMask,
  randomMaskKey: () => 0x04030201,
}

export interface FrameParts {
  readonly final?: boolean
  /** RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  readonly reserved?: number
  readonly opcode: number
  readonly payload?: Uint8Array | string
  /** Four bytes, or null for an unmasked frame. */
  readonly mask?: readonly [number, number, number, number] | null
  /** Instead of the shortest: 7, 16 or 64 bits for the length. */
  readonly lengthBits?: 7 | 16 | 64
  /** Instead of the payload's own. */
  readonly declaredBytes?: bigint
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** A frame byte by byte after the picture in RFC 6455 §5.2, without a thought of speed. */
export function buildFrame(parts: FrameParts): Uint8Array {
  const { final = true, reserved = 0, opcode, mask = null } = parts
  const payload =
    typeof parts.payload === 'string' ? utf8(parts.payload) : (parts.payload ?? new Uint8Array(0))
  const declared = parts.declaredBytes ?? BigInt(payload.length)
  const bits = parts.lengthBits ?? (declared < 126n ? 7 : declared < 65536n ? 16 : 64)
  const bytes = [(final ? 0x80 : 0) | (reserved << 4) | opcode]
  const maskBit = mask === null ? 0 : 0x80
  if (bits === 7) bytes.push(maskBit | Number(declared))
  else {
    bytes.push(maskBit | (bits === 16 ? 126 : 127))
    for (let shift = bits - 8; shift >= 0; shift -= 8) bytes.push(Number((declared >> BigInt(shift)) & 0xffn))
  }
  if (mask !== null) bytes.push(...mask)
  const frame = new Uint8Array(bytes.length + payload.length)
  frame.set(bytes)
  for (const [index, byte] of payload.entries()) {
    frame[bytes.length + index] = byte ^ (mask === null ? 0 : (mask[index % 4] ?? 0))
  }
  return frame
}

/** A frame as `role`'s peer must send it: masked for a server, not masked for a client. */
export function peerFrame(role: Role, parts: FrameParts): Uint8Array {
  return buildFrame({ mask: role === 'server' ? [0x37, 0xfa, 0x21, 0x3d] : null, ...parts })
}

export function concat(...pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0))
  let offset = 0
  for (const piece of pieces) {
    all.set(piece, offset)
    offset += piece.length
  }
  return all
}

/** Whole, byte by byte, and in two at every place. */
export function* everySplit(bytes: Uint8Array): Generator<readonly Uint8Array[]> {
  yield [bytes]
  yield Array.from(bytes, (byte) => Uint8Array.of(byte))
  for (let at = 1; at < bytes.length; at++) yield [bytes.subarray(0, at), bytes.subarray(at)]
}

/** An event in a form that is easy to compare: `text héllo`, `binary 00ff`, `close 1000 bye`, `failure 1002`. */
export type Seen = string

export interface Heard {
  readonly events: readonly Seen[]
  /** What the connection wrote, frames of the two roles decoded alike: `pong 0102`, `close 1002`. */
  readonly answers: readonly Seen[]
  readonly shouldEnd: boolean
  readonly connection: Connection
}

export function testConnection(
  role: Role,
  limits: Partial<Limits> = {},
  primitives: Primitives = plainPrimitives,
): Connection {
  const settings = connectionSettings(
    role,
    { ...defaultLimits, ...limits },
    primitives,
    new FrameArena(primitives),
  )
  return new Connection(settings)
}

/** Feeds copies of the chunks and notes all that comes of it, which must be the same when they are only borrowed. */
export function hear(
  role: Role,
  chunks: Iterable<Uint8Array>,
  limits: Partial<Limits> = {},
  primitives: Primitives = plainPrimitives,
): Heard {
  const pieces = [...chunks]
  const heard = hearFrom(testConnection(role, limits, primitives), pieces, false)
  const borrowed = hearFrom(testConnection(role, limits, primitives), pieces, true)
  if (String([borrowed.events, borrowed.answers]) !== String([heard.events, heard.answers])) {
    throw new Error(`it heard ${heard.events}, and ${borrowed.events} in borrowed chunks`)
  }
  return heard
}

function hearFrom(connection: Connection, chunks: readonly Uint8Array[], borrowed: boolean): Heard {
  const events: Seen[] = []
  for (const chunk of chunks) {
    const copy = chunk.slice()
    connection.receive(copy, borrowed)
    events.push(...drain(connection))
    // Somebody else's bytes, from now on.
    if (borrowed) copy.fill(0xdd)
  }
  const answers = describeFrames(concat(...connection.takeOutput()))
  return { events, answers, shouldEnd: connection.shouldEnd, connection }
}

/** Pulls all events that are there. */
export function drain(connection: Connection): Seen[] {
  const seen: Seen[] = []
  for (let event = connection.next(); event !== null; event = connection.next()) {
    if (event.kind === 'message') seen.push(describe(event.text ? 'text' : 'binary', event.bytes()))
    else if (event.kind === 'close') seen.push(`close ${event.code} ${event.reason}`.trimEnd())
    else if (event.kind === 'failure') seen.push(`failure ${event.error.closeCode}`)
    else seen.push(describe(event.kind, event.payload))
  }
  return seen
}

/** Reads whole frames, masked or not, in the plainest way; wrong ones throw. */
export function describeFrames(bytes: Uint8Array): Seen[] {
  const seen: Seen[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let offset = 0
  while (offset < bytes.length) {
    const first = view.getUint8(offset)
    const second = view.getUint8(offset + 1)
    let length = second & 127
    offset += 2
    if (length === 126) {
      length = view.getUint16(offset)
      offset += 2
    } else if (length === 127) {
      length = Number(view.getBigUint64(offset))
      offset += 8
    }
    const mask = (second & 128) === 0 ? null : bytes.slice(offset, offset + 4)
    if (mask !== null) offset += 4
    if (offset + length > bytes.length) throw new Error('the last frame is not whole')
    const payload = bytes
      .slice(offset, offset + length)
      .map((byte, index) => byte ^ (mask === null ? 0 : (mask[index % 4] ?? 0)))
    offset += length
    const names: Record<number, string> = {
      0: 'continuation',
      1: 'text',
      2: 'binary',
      8: 'close',
      9: 'ping',
      10: 'pong',
    }
    const name = `${(first & 128) === 0 ? 'part of ' : ''}${names[first & 15]}`
    seen.push(name === 'close' ? describeClose(payload) : describe(name, payload))
  }
  return seen
}

function describeClose(payload: Uint8Array): Seen {
  return payload.length === 0
    ? 'close'
    : `close ${((payload[0] ?? 0) << 8) | (payload[1] ?? 0)} ${new TextDecoder().decode(payload.subarray(2))}`.trimEnd()
}

function describe(name: string, payload: Uint8Array): Seen {
  if (name.endsWith('text') || name.endsWith('continuation')) {
    return `${name} ${new TextDecoder('utf-8', { ignoreBOM: true }).decode(payload)}`
  }
  return payload.length === 0
    ? name
    : `${name} ${Array.from(payload, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
