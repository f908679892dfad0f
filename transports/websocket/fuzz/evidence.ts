// What the data frames of a trace say together, inflated in the plainest way: evidence for the rules, no decoder.

import { inflatePlainly, type PlainInflation } from '../plain-inflate.ts'
import { concat } from '../protocol/testing.ts'
import type { Agreement } from './agreement.ts'
import { fuzzLimits } from './limits.ts'
import { type ScannedFrame, scan } from './scan.ts'

/** A message as far as it goes with one of its frames. */
export interface MessageSoFar {
  readonly frame: ScannedFrame
  readonly text: boolean
  /** Payload bytes of its frames, as they are declared. */
  readonly declaredBytes: bigint
  /** What is in it. A little more than the limit at most. */
  readonly content: Uint8Array
  /** Null for one that isn't compressed. */
  readonly inflated: Inflated | null
}

export interface Inflated {
  /** What comes behind the content is no DEFLATE. */
  readonly corrupt: boolean
  /** A reference goes further back than the agreed window. */
  readonly beyondWindow: boolean
  /** Something other than the empty block that has to follow stands behind one that says that it is the last. */
  readonly goesOnAfterFinal: boolean
}

export interface Evidence {
  readonly frames: readonly ScannedFrame[]
  readonly restBytes: number
  readonly messages: readonly MessageSoFar[]
}

/** The end of an empty block, which a sender leaves out (RFC 7692 §7.2.1). */
const leftOut = Uint8Array.of(0x00, 0x00, 0xff, 0xff)
const emptyBlockStart = 0x00

/** @param agreement null where nothing is compressed */
export function gather(trace: Uint8Array, agreement: Agreement | null): Evidence {
  const { frames, restBytes } = scan(trace)
  const messages: MessageSoFar[] = []
  const context = new Context(agreement)
  let message: MessageSoFar | null = null
  for (const frame of frames) {
    if (frame.opcode >= 8) continue
    if (frame.opcode !== 0 || message === null) {
      const compressed = agreement !== null && (frame.reserved & 4) !== 0
      const inflated = compressed ? intact : null
      const text = frame.opcode === 1
      message = { frame, text, declaredBytes: 0n, content: new Uint8Array(0), inflated }
      context.begin()
    }
    const text: boolean = message.text
    const declaredBytes: bigint = message.declaredBytes + frame.declaredBytes
    if (message.inflated === null) {
      const content: Uint8Array = concat(message.content, frame.payload)
      message = { frame, text, declaredBytes, content, inflated: null }
    } else {
      message = { frame, text, declaredBytes, ...context.goOn(frame) }
    }
    messages.push(message)
    if (frame.final && frame.whole) {
      if (message.inflated !== null) context.end()
      message = null
    }
  }
  return { frames, restBytes, messages }
}

const intact: Inflated = {
  corrupt: false,
  beyondWindow: false,
  goesOnAfterFinal: false,
}

/** All that has been compressed since the window was last empty: read again from there for each frame. */
class Context {
  readonly #agreement: Agreement | null
  #bytes: Uint8Array = new Uint8Array(0)
  /** Where the message at hand begins, in what is compressed and in what comes of it. */
  #compressedStart = 0
  #contentStart = 0
  #known: PlainInflation = inflatePlainly(this.#bytes, 0)
  #startsOver = false

  constructor(agreement: Agreement | null) {
    this.#agreement = agreement
  }

  begin(): void {
    this.#compressedStart = this.#bytes.length
    this.#contentStart = this.#known.output.length
  }

  goOn(frame: ScannedFrame): { readonly content: Uint8Array; readonly inflated: Inflated } {
    const { windowBits } = this.#agreement ?? { windowBits: 15 }
    const ends = frame.final && frame.whole
    const payloads = concat(this.#bytes, frame.payload)
    const maxOutputBytes = this.#contentStart + 2 * fuzzLimits.maxMessageBytes
    this.#bytes = ends ? concat(payloads, leftOut) : payloads
    this.#known = inflatePlainly(this.#bytes, maxOutputBytes)
    // A last block that ends within what is put back: the rest of that is nothing.
    const dropped = this.#known.finalEnds.find((end) => end >= payloads.length && end < this.#bytes.length)
    this.#startsOver = dropped !== undefined
    if (dropped !== undefined) this.#known = inflatePlainly(this.#bytes.subarray(0, dropped), maxOutputBytes)
    const { output, corrupt, farthestBytes, finalEnds } = this.#known
    const isRegular = (end: number): boolean =>
      ends && end === payloads.length - 1 && payloads[end] === emptyBlockStart
    const inflated: Inflated = {
      corrupt,
      beyondWindow: farthestBytes > 2 ** windowBits,
      goesOnAfterFinal: finalEnds.some(
        (end) => end >= this.#compressedStart && end < payloads.length && !isRegular(end),
      ),
    }
    return { content: output.slice(this.#contentStart), inflated }
  }

  end(): void {
    if (this.#agreement?.noContextTakeover !== true && !this.#startsOver) return
    this.#bytes = new Uint8Array(0)
    this.#known = inflatePlainly(this.#bytes, 0)
  }
}
