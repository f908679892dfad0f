// Traces of compressed messages: as a good peer sends them, with all that RFC 7692 §7.2 allows, and then spoilt.
import { constants, deflateRawSync } from 'node:zlib'
import type { Role } from '../protocol/connection.ts'
import { buildFrame, concat } from '../protocol/testing.ts'
import { type Agreement, writeAgreement } from './agreement.ts'
import { mutateBytes } from './bytes.ts'
import {
  closePayload,
  control,
  type Frame,
  lengthOf,
  maskFor,
  spoil,
  textPayload,
  withWrongUtf8,
} from './conversation.ts'
import { fuzzLimits } from './limits.ts'
import type { Random } from './random.ts'

const rsv1 = 4
const tailBytes = 4
/** How many things are wrong with a conversation. */
const faults = [0, 0, 1, 1, 1, 2, 3]
const { Z_SYNC_FLUSH, Z_FINISH } = constants
const bombs = [
  fuzzLimits.maxMessageBytes,
  fuzzLimits.maxMessageBytes + 1,
  fuzzLimits.maxMessageBytes + 300,
  80_000,
  200_000,
  1_000_000,
]
/** Each a whole message: empty ones (RFC 7692 §7.2.3.6), no block at all, wrong blocks, the reserved kind of block. */
const oddPayloads = [
  '00',
  '0200',
  '',
  '000000ffff00',
  '01',
  '0100',
  '0100000000',
  '07',
  '0300',
  '06',
  'ff',
  '04',
]

const reservedBlock = Uint8Array.of(0x06)

/** What was agreed on, and bytes for a connection of this role to receive. */
export function makeDeflateTrace(role: Role, random: Random): Uint8Array {
  const agreement: Agreement = {
    windowBits: random.chance(0.4) ? 15 : random.chance(0.3) ? 8 : 9 + random.below(6),
    noContextTakeover: random.chance(0.3),
  }
  const frames = conversation(new Sender(agreement, random), random)
  for (let count = random.pick(faults); count > 0; count--) {
    const frame = random.pick(frames)
    if (random.chance(0.3)) spoil(frame, frames, random)
    else spoilCompressed(frame, frames, random)
  }
  if (random.chance(0.04)) frames.push(wrongFrame(random))
  const whole = concat(...frames.map((frame) => buildFrame({ mask: maskFor(role, random), ...frame })))
  const trace = random.chance(0.08) ? whole.slice(0, -1 - random.below(20)) : whole
  return concat(writeAgreement(agreement), random.chance(0.1) ? mutateBytes(trace, random) : trace)
}

function conversation(sender: Sender, random: Random): Frame[] {
  const frames: Frame[] = []
  for (let count = 1 + random.below(4); count > 0; count--) {
    if (random.chance(0.2)) frames.push(control(random))
    frames.push(...message(sender, random))
  }
  if (random.chance(0.3)) frames.push({ opcode: 8, payload: closePayload(random) })
  return frames
}

function message(sender: Sender, random: Random): Frame[] {
  const { text, content } = contentOf(random)
  const compressed = random.chance(0.85)
  const payload = compressed ? sender.compress(content) : content
  const fragments = random.chance(0.5) ? 1 : 1 + random.below(random.chance(0.1) ? 16 : 5)
  const frames: Frame[] = []
  let from = 0
  for (let index = 0; index < fragments; index++) {
    const last = index === fragments - 1
    const to = last ? payload.length : Math.min(payload.length, from + random.below(payload.length + 1))
    frames.push({
      opcode: index > 0 ? 0 : text ? 1 : 2,
      final: last,
      reserved: compressed && index === 0 ? rsv1 : 0,
      payload: payload.slice(from, to),
    })
    from = to
    if (!last && random.chance(0.2)) frames.push(control(random))
  }
  return frames
}

/** One that is wrong long before it ends. */
function wrongFrame(random: Random): Frame {
  const wrong = random.chance(0.5)
    ? reservedBlock
    : new Uint8Array(deflateRawSync(new Uint8Array(random.pick(bombs)), { finishFlush: Z_SYNC_FLUSH }))
  return { opcode: random.pick([1, 2]), reserved: rsv1, payload: concat(wrong, random.bytes(30)) }
}

function contentOf(random: Random): { readonly text: boolean; readonly content: Uint8Array } {
  const text = random.chance(0.6)
  if (random.chance(0.03)) return { text, content: new Uint8Array(random.pick(bombs)).fill(0x61) }
  if (random.chance(0.01)) return { text: false, content: random.bytes(random.pick(bombs.slice(0, 3))) }
  if (random.chance(0.1)) {
    // What repeats itself at a distance.
    const part = random.bytes(200 + random.below(1000))
    return { text: false, content: concat(part, part) }
  }
  if (!text) return { text, content: random.bytes(lengthOf(random, false)) }
  const content = textPayload(random, false)
  return { text, content: random.chance(0.08) ? withWrongUtf8(content, random) : content }
}

/** Compresses as a peer may: all messages in one context or each alone, in one or many blocks of any kind. */
class Sender {
  readonly #agreement: Agreement
  readonly #random: Random
  /** What the peer's window holds. */
  #window: Uint8Array = new Uint8Array(0)

  constructor(agreement: Agreement, random: Random) {
    this.#agreement = agreement
    this.#random = random
  }

  compress(content: Uint8Array): Uint8Array {
    const random = this.#random
    if (random.chance(0.03)) return random.bytes(random.below(40))
    if (random.chance(0.06)) return Uint8Array.from(Buffer.from(random.pick(oddPayloads), 'hex'))
    if (this.#agreement.noContextTakeover && !random.chance(0.05)) this.#window = new Uint8Array(0)
    if (content.length > fuzzLimits.maxMessageBytes && random.chance(0.5)) {
      return concat(this.#piece(content, false, false), reservedBlock)
    }
    const pieces: Uint8Array[] = []
    const cuts = random.chance(0.7) ? 1 : 1 + random.below(4)
    const pieceBytes = Math.ceil(content.length / cuts)
    for (let cut = 0; cut < cuts; cut++) {
      const piece = content.subarray(cut * pieceBytes, (cut + 1) * pieceBytes)
      const isLast = cut === cuts - 1
      pieces.push(this.#piece(piece, random.chance(0.1), isLast))
    }
    return concat(...pieces)
  }

  /** A flush's blocks; as the last ones of a message without the four bytes at the end (RFC 7692 §7.2.1). */
  #piece(content: Uint8Array, final: boolean, isLast: boolean): Uint8Array {
    const random = this.#random
    // Now and then more than was agreed on.
    const windowBits = random.chance(content.length > 400 ? 0.4 : 0.03)
      ? 15
      : Math.max(9, this.#agreement.windowBits)
    const compressed = deflateRawSync(content, {
      windowBits,
      level: random.chance(0.6) ? 6 : random.below(10),
      memLevel: 1 + random.below(9),
      strategy: random.chance(0.7) ? 0 : random.below(5),
      finishFlush: final ? Z_FINISH : Z_SYNC_FLUSH,
      ...(this.#window.length === 0 ? {} : { dictionary: this.#window.slice(-(2 ** windowBits)) }),
    })
    this.#window = final ? new Uint8Array(0) : concat(this.#window, content)
    if (final && isLast) return random.chance(0.2) ? compressed : concat(compressed, Uint8Array.of(0))
    return isLast ? new Uint8Array(compressed.subarray(0, -tailBytes)) : new Uint8Array(compressed)
  }
}

/** One thing wrong with what is compressed, or with the bit that says that it is. */
function spoilCompressed(frame: Frame, frames: Frame[], random: Random): void {
  const { payload } = frame
  const at = random.below(payload.length + 1)
  switch (random.below(8)) {
    case 0:
    case 1:
      frame.payload = payload.slice()
      if (at < payload.length) frame.payload[at] = (payload[at] ?? 0) ^ (1 << random.below(8))
      break
    case 2:
      frame.payload = payload.slice(0, at)
      break
    case 3:
      frame.payload = mutateBytes(payload, random)
      break
    case 4:
      // Without what the sender leaves out, and with it.
      frame.payload = concat(payload, Uint8Array.of(0, 0, 0xff, 0xff))
      break
    case 5:
      frame.reserved = (frame.reserved ?? 0) ^ rsv1
      break
    case 6:
      frames.splice(frames.indexOf(frame), 0, { ...frame })
      break
    default:
      for (const one of frames) if (one.opcode === 0 || one.opcode >= 8) one.reserved = rsv1
  }
}
