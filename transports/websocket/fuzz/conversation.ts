// Traces of frames: conversations as a good peer has them, then spoilt, and now and then plain noise.
import type { Role } from '../protocol/connection.ts'
import { buildFrame, concat, type FrameParts } from '../protocol/testing.ts'
import { mutateBytes } from './bytes.ts'
import { fuzzLimits } from './limits.ts'
import type { Random } from './random.ts'

/** A frame to be built; what is left out is as it should be. */
export type Frame = { -readonly [Key in keyof Omit<FrameParts, 'payload'>]: FrameParts[Key] } & {
  payload: Uint8Array
}

const noiseBytes = 400
/** How many things are wrong with a conversation. */
const faults = [0, 0, 1, 1, 1, 2, 3]
/** Each side of every place where the length's encoding or a limit changes. */
const lengths = [0, 1, 2, 3, 4, 7, 8, 31, 63, 64, 95, 96, 97, 124, 125, 126, 127, 128, 300, 2047, 2048, 2049]
const longLengths = [4096, 65_535, 65_536, 65_537, fuzzLimits.maxMessageBytes, fuzzLimits.maxMessageBytes + 1]
const letters = [
  'a',
  'Z',
  ' ',
  '\0',
  '\x7f',
  '\u0080',
  'é',
  '\u07ff',
  '\u0800',
  '€',
  '\ud7ff',
  '\ue000',
  '\uffff',
]
const characters = [...letters, '\u{10000}', '🙂', '\u{10ffff}']
/** What UTF-8 must not contain: lone and missing continuations, overlong forms, surrogates, beyond the last, no bytes of it at all. */
const wrongUtf8 = [
  '80',
  'bf',
  'c0af',
  'c1bf',
  'c3',
  'c320',
  'e080af',
  'e282',
  'e28220',
  'eda080',
  'edbfbf',
  'f0808080',
  'f09f99',
  'f4908080',
  'f5808080',
  'fe',
  'ff',
]
const goodCodes = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
]
const badCodes = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]
const declaredLengths = [
  0n,
  1n,
  125n,
  126n,
  65_535n,
  65_536n,
  70_000n,
  70_001n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
]

/** Bytes for a connection of this role to receive. */
export function makeTrace(role: Role, random: Random): Uint8Array {
  const kind = random.below(24)
  if (kind === 0) return random.bytes(random.below(noiseBytes))
  if (kind === 1 && random.chance(0.2)) return brokenOff(role, random)
  const frames = kind < 4 ? noiseFrames(random) : conversation(random)
  for (let count = random.pick(faults); count > 0; count--) spoil(random.pick(frames), frames, random)
  const trace = concat(...frames.map((frame) => buildFrame({ mask: maskFor(role, random), ...frame })))
  return random.chance(0.2) ? mutateBytes(trace, random) : trace
}

/** A few messages, whole and in fragments, pings and pongs anywhere, and often a close. */
export function conversation(random: Random): Frame[] {
  const frames: Frame[] = []
  const big = random.chance(0.004)
  for (let count = 1 + random.below(4); count > 0; count--) {
    if (random.chance(0.3)) frames.push(control(random))
    frames.push(...message(random, big))
  }
  if (random.chance(0.5)) frames.push({ opcode: 8, payload: closePayload(random) })
  return frames
}

function message(random: Random, big: boolean): Frame[] {
  const text = random.chance(0.6)
  const payload = text ? textPayload(random, big) : random.bytes(lengthOf(random, big))
  const fragments = random.chance(0.5) ? 1 : 1 + random.below(random.chance(0.15) ? 16 : 5)
  const frames: Frame[] = []
  let from = 0
  for (let index = 0; index < fragments; index++) {
    const last = index === fragments - 1
    // Cut anywhere: within a character, and with empty fragments.
    const to = last ? payload.length : Math.min(payload.length, from + random.below(payload.length + 1))
    frames.push({ opcode: index > 0 ? 0 : text ? 1 : 2, final: last, payload: payload.slice(from, to) })
    from = to
    if (!last && random.chance(0.2)) {
      for (let count = random.chance(0.1) ? 14 : 1; count > 0; count--) frames.push(control(random))
    }
  }
  return frames
}

/** About as many fragments as a message may have, and the end of the last one missing. */
function brokenOff(role: Role, random: Random): Uint8Array {
  const fragments = fuzzLimits.maxFragments + random.below(3)
  const frames = Array.from({ length: fragments }, (_, index) => {
    const payload = new Uint8Array(1 + random.below(4)).fill(0x61)
    return buildFrame({ opcode: index === 0 ? 1 : 0, final: false, payload, mask: maskFor(role, random) })
  })
  return concat(...frames).slice(0, -1 - random.below(4))
}

/** Frames with every field drawn by itself. */
function noiseFrames(random: Random): Frame[] {
  return Array.from({ length: 1 + random.below(6) }, () => ({
    opcode: random.below(16),
    final: random.chance(0.7),
    reserved: random.chance(0.1) ? random.below(8) : 0,
    payload: random.bytes(random.below(140)),
  }))
}

export function control(random: Random): Frame {
  return { opcode: random.pick([9, 10]), payload: random.bytes(random.pick([0, 1, 4, 5, 124, 125])) }
}

export function closePayload(random: Random): Uint8Array {
  if (random.chance(0.2)) return new Uint8Array(0)
  const code = random.chance(0.7) ? random.pick(goodCodes) : random.pick(badCodes)
  const reason = textPayload(random, false).subarray(0, random.below(130))
  return concat(Uint8Array.of(code >>> 8, code & 0xff), reason)
}

export function lengthOf(random: Random, big: boolean): number {
  return big ? random.pick(longLengths) : random.chance(0.7) ? random.below(40) : random.pick(lengths)
}

export function textPayload(random: Random, big: boolean): Uint8Array {
  const bytes = lengthOf(random, big)
  const alphabet = random.chance(0.4) ? ['a', 'b', ' '] : characters
  let text = ''
  for (let at = 0; at < Math.min(bytes, 200); at++) text += random.pick(alphabet)
  const encoded = new TextEncoder().encode(text)
  if (bytes <= 200) return encoded
  // Long ones repeat a whole text, and end in ASCII so that the length is exact.
  const long = new Uint8Array(bytes).fill(0x61)
  for (let at = 0; at + encoded.length <= bytes; at += encoded.length) long.set(encoded, at)
  return long
}

export function maskFor(role: Role, random: Random): NonNullable<FrameParts['mask']> | null {
  if (role === 'client') return null
  const [a = 0, b = 0, c = 0, d = 0] = random.chance(0.05) ? [] : random.bytes(4)
  return [a, b, c, d]
}

/** One thing wrong with one frame, or with the order of all. */
export function spoil(frame: Frame, frames: Frame[], random: Random): void {
  const at = frames.indexOf(frame)
  switch (random.below(14)) {
    case 0:
      frame.opcode = random.below(16)
      break
    case 1:
      frame.final = frame.final === false
      break
    case 2:
      frame.reserved = 1 + random.below(7)
      break
    case 3:
      frame.mask = random.chance(0.5) ? null : [1, 2, 3, 4]
      break
    case 4:
      frame.lengthBits = frame.payload.length < 126 && random.chance(0.5) ? 16 : 64
      break
    case 5:
      frame.declaredBytes = random.pick(declaredLengths)
      break
    case 6:
      frame.payload = frame.payload.slice(0, random.below(frame.payload.length + 1))
      break
    case 7:
    case 8:
      frame.payload = withWrongUtf8(frame.payload, random)
      break
    case 9:
      frame.opcode = 8
      frame.final = true
      frame.payload = random.chance(0.2) ? Uint8Array.of(3) : closePayload(random)
      break
    case 10:
      frames.splice(at, 1, ...(frames.length > 1 ? [] : [frame]))
      break
    case 11:
      frames.splice(at, 0, { ...frame })
      break
    case 12:
      frames.splice(random.below(frames.length), 0, ...frames.splice(at, 1))
      break
    default:
      frames.splice(at, 0, ...Array.from({ length: random.chance(0.2) ? 14 : 1 }, () => control(random)))
  }
}

export function withWrongUtf8(payload: Uint8Array, random: Random): Uint8Array {
  const wrong = (random.pick(wrongUtf8).match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16))
  const at = random.below(payload.length + 1)
  return concat(payload.subarray(0, at), Uint8Array.from(wrong), payload.subarray(at))
}
