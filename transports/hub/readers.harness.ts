// Readers and logs for the tests of rooms and hubs: a reader that checks all that it gets, and a log that answers when told.
import { expect } from 'vitest'
import type { Subscriber, Subscription } from '../contract.server.ts'
import type { Closed, Gap, Reset } from '../contract.ts'
import type { Cursor } from '../cursor.ts'
import { serverLimits } from '../limits.ts'
import type { Draft, Message } from '../message.ts'
import { utf8Bytes } from '../text.ts'
import type { Batch } from './batch.ts'
import type { Appended, Log, Page, Range, ReadLimit, Unfollow } from './log.ts'

/** Lets everything happen that is due: commits, microtasks, catch-ups that go on in the next turn. */
export async function turns(count = 1): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A reader that keeps the first thing that is wrong with what it gets. */
export class CheckedReader implements Subscriber {
  readonly name: string
  readonly events: (Batch | Gap | Reset)[] = []
  readonly closings: Closed[] = []
  terminations = 0
  /** What it says that its wire holds. */
  queued = 0
  subscription: Subscription | null = null
  /** Behind everything that it got. */
  position: Cursor
  /** What it answers to writes; after false nothing may come until `writable`. */
  accepts = true
  /** Runs within each write. */
  duringWrite: ((reader: CheckedReader) => void) | null = null
  #blocked = false
  #left = false
  #fault: unknown = null

  constructor(name: string, position: Cursor) {
    this.name = name
    this.position = position
  }

  get offsets(): number[] {
    return this.messages.map(({ offset }) => offset)
  }

  get messages(): Message[] {
    return this.events.flatMap((event) => (event.kind === 'messages' ? event.messages : []))
  }

  get left(): boolean {
    return this.#left
  }

  write(event: Batch | Gap | Reset): boolean {
    try {
      this.#check(event)
    } catch (error) {
      // Thrown from here, it would be the room's to catch.
      this.#fault ??= error
    }
    this.events.push(event)
    this.position = event.cursor
    this.#blocked = !this.accepts
    this.duringWrite?.(this)
    return this.accepts
  }

  close(reason: Closed): void {
    this.closings.push(reason)
  }

  terminate(): void {
    this.terminations += 1
  }

  queuedBytes(): number {
    return this.queued
  }

  /** Its wire takes more again. */
  unblock(): void {
    this.#blocked = false
    this.subscription?.writable()
  }

  leave(): void {
    this.#left = true
    this.subscription?.leave()
  }

  /** Throws the first thing that was wrong with what it got. */
  assertWell(): void {
    if (this.#fault !== null) throw this.#fault
  }

  #check(event: Batch | Gap | Reset): void {
    expect(this.subscription, `${this.name}: written to before subscribe returned`).not.toBeNull()
    expect(this.#left, `${this.name}: written to after it left`).toBe(false)
    expect(this.#blocked, `${this.name}: written to although it said false`).toBe(false)
    switch (event.kind) {
      case 'messages': {
        expect(event.after, `${this.name}: a batch that does not continue`).toEqual(this.position)
        const offsets = event.messages.map(({ offset }) => offset)
        const first = event.after.offset + 1
        expect(offsets).toEqual(offsets.map((_, index) => first + index))
        expect(event.cursor.offset).toBe(event.after.offset + offsets.length)
        // A log counts the messages alone; the commas between them come on top.
        const bytes = event.messages.reduce((sum, one) => sum + utf8Bytes(JSON.stringify(one)), 0)
        if (offsets.length > 1) expect(bytes).toBeLessThanOrEqual(serverLimits.batchBytes)
        expect(JSON.parse(event.document).messages).toEqual(event.messages)
        break
      }
      case 'gap':
        expect(event.after).toEqual(this.position)
        expect(event.cursor.offset).toBeGreaterThan(this.position.offset)
        break
      case 'reset':
        break
    }
  }
}

/** Another log whose reads answer only when told to, in any order; reads of heads and appends are as they were. */
export class DelayedLog implements Log {
  readonly epoch: string
  readonly #log: Log
  #waiting: (() => void)[] = []
  /** The next reads fail. */
  failing = false

  constructor(log: Log) {
    this.#log = log
    this.epoch = log.epoch
  }

  get reads(): number {
    return this.#waiting.length
  }

  /** Answers one of the waiting reads. */
  answer(index: number): void {
    this.#waiting.splice(index % Math.max(1, this.#waiting.length), 1)[0]?.()
  }

  append(room: string, drafts: readonly Draft[]): Promise<readonly Appended[]> {
    return this.#log.append(room, drafts)
  }

  head(room: string): Cursor {
    return this.#log.head(room)
  }

  tail(room: string): Cursor {
    return this.#log.tail(room)
  }

  async read(room: string, range: Range, limit: ReadLimit): Promise<Page | Gap | Reset> {
    const failing = this.failing
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (failing) throw new Error('the disk is gone')
    return this.#log.read(room, range, limit)
  }

  follow(room: string, appended: (messages: readonly Message[]) => void): Unfollow {
    return this.#log.follow(room, appended)
  }

  close(): Promise<void> {
    return this.#log.close()
  }
}
