// The targets `server`, `client` and those with compression: frames in every split, and against the `ws` library.
import { isUtf8 } from 'node:buffer'
import type { Role } from '../protocol/connection.ts'
import { type Agreement, agreementBytes, readAgreement } from './agreement.ts'
import { receiving, zlibInUse } from './compression.node.ts'
import { makeTrace } from './conversation.ts'
import { makeDeflateTrace } from './deflate-conversation.node.ts'
import { gather } from './evidence.ts'
import { type Connect, type Heard, listen, Violation } from './listen.ts'
import { fingerprint, Random } from './random.ts'
import { listenWithLibrary } from './reference.node.ts'
import { explain } from './rules.ts'
import { manySplits, usualSplits } from './splits.ts'
import type { Checked, Target } from './target.ts'

/** Frames, none of them compressed. */
export function frameTarget(role: Role, connect: Connect): Target {
  return {
    name: role,
    summary: `frames to a connection that is a ${role}, and to the ws library's receiver`,
    weight: 8,
    prefixBytes: 0,
    make: (random) => ({ trace: makeTrace(role, random), expected: null }),
    check: ({ trace }, closely) => new FrameCheck(role, connect, null).check(trace, closely),
  }
}

/** Frames with permessage-deflate; the trace begins with what was agreed on. */
export function deflateTarget(role: Role, connect: Connect): Target {
  return {
    name: `${role}-deflate`,
    summary: `compressed messages to a connection that is a ${role}, and to the ws library's receiver`,
    weight: 1.5,
    prefixBytes: agreementBytes,
    make: (random) => ({ trace: makeDeflateTrace(role, random), expected: null }),
    check: ({ trace }, closely) =>
      new FrameCheck(role, connect, readAgreement(trace)).check(trace.subarray(agreementBytes), closely),
  }
}

class FrameCheck {
  readonly #role: Role
  readonly #connect: Connect
  readonly #agreement: Agreement | null
  #whole: Heard | null = null
  /** The splits differ, and may. */
  #isBeyondWindow = false

  constructor(role: Role, connect: Connect, agreement: Agreement | null) {
    this.#role = role
    this.#connect = connect
    this.#agreement = agreement
  }

  async check(trace: Uint8Array, closely: boolean): Promise<Checked> {
    const zlibBefore = zlibInUse()
    try {
      const finding = await this.#compareSplits(trace, closely ? manySplits(trace) : usualSplits(trace))
      if (finding !== null) return this.#found(finding)
      const inUse = zlibInUse() - zlibBefore
      if (inUse !== 0) return this.#found(`${inUse} streams of zlib are left`)
      return await this.#compareWithLibrary(trace)
    } catch (error) {
      if (error instanceof Violation) return this.#found(error.message)
      return this.#found(
        `it throws: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      )
    }
  }

  /** @param index of the split: what else varies goes by it */
  #listen(chunks: readonly Uint8Array[], index: number): Promise<Heard> {
    const role = this.#role
    const impatience = index === 0 ? null : new Random(fingerprint(chunks[0] ?? new Uint8Array(0)) + index)
    return listen(chunks, {
      role,
      // By turns with the runtime's check of UTF-8 and our own, and pulling after each chunk and after three.
      isUtf8: index % 2 === 0 ? isUtf8 : null,
      pushes: index % 3 === 2 ? 3 : 1,
      // And by turns as from the buffer that all sockets are read into.
      borrowed: index % 2 === 1,
      connect: this.#connect,
      compression: this.#agreement === null ? null : receiving(role, this.#agreement, impatience),
    })
  }

  async #compareSplits(
    trace: Uint8Array,
    splits: readonly (readonly Uint8Array[])[],
  ): Promise<string | null> {
    for (const [index, chunks] of splits.entries()) {
      const heard = await this.#listen(chunks, index)
      this.#whole ??= heard
      const difference = firstDifference(this.#whole, heard)
      if (difference === null) continue
      this.#isBeyondWindow ||= this.#refersBeyondWindow(trace)
      if (this.#isBeyondWindow) continue
      const lengths = chunks.slice(0, 20).map((chunk) => chunk.length)
      return `cut into ${lengths.join(' ')}${chunks.length > 20 ? ' …' : ''} bytes it is ${difference}`
    }
    return null
  }

  /** See the rule `beyond-the-window`: then zlib itself depends on the splits. */
  #refersBeyondWindow(trace: Uint8Array): boolean {
    if (this.#agreement === null) return false
    return gather(trace, this.#agreement).messages.some(({ inflated }) => inflated?.beyondWindow === true)
  }

  async #compareWithLibrary(trace: Uint8Array): Promise<Checked> {
    const agreement = this.#agreement
    const rule = await explain(trace, agreement, async (bytes) => ({
      ours: (await this.#listen([bytes], 0)).events,
      theirs: await listenWithLibrary(this.#role, bytes, agreement),
    }))
    if (rule === null) {
      const theirs = sayEvents(await listenWithLibrary(this.#role, trace, agreement))
      return this.#found(`ws says ${theirs}, and no rule explains it`)
    }
    const outcome = outcomeOf(this.#whole)
    if (this.#isBeyondWindow) return { outcome, rule: 'beyond-the-window', finding: null }
    return { outcome, rule: rule === 'agree' ? null : rule.name, finding: null }
  }

  #found(finding: string): Checked {
    return { outcome: outcomeOf(this.#whole), rule: null, finding }
  }
}

function firstDifference(whole: Heard, other: Heard): string | null {
  const length = Math.max(whole.events.length, other.events.length)
  for (let index = 0; index < length; index++) {
    const [one = 'nothing', another = 'nothing'] = [whole.events[index], other.events[index]]
    if (one !== another) return `event ${index + 1}: ${another}, not ${one}`
  }
  return whole.end === other.end ? null : `another end: ${other.end}, not ${whole.end}`
}

function outcomeOf(heard: Heard | null): string {
  return heard === null ? 'nothing' : `${sayEvents(heard.events)}; ${heard.end}`
}

function sayEvents(events: readonly string[]): string {
  return events.length === 0 ? 'nothing' : events.join(', ')
}
