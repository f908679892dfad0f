// A room against its promise, under many interleavings: each subscriber sees each offset once, in order, without a hole.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Cursor } from '../cursor.ts'
import { draftOf } from './log.drafts.ts'
import type { Log } from './log.ts'
import { MemoryLog } from './memory-log.ts'
import { CheckedReader, DelayedLog, turns } from './readers.harness.ts'
import { type Counters, Room } from './room.ts'

/** What a reader does to others, or to itself, while it is written to. */
type Mischief = 'none' | 'leave' | 'leave another' | 'unblock another' | 'subscribe another' | 'throw'

type Step =
  | { readonly kind: 'append'; readonly count: number; readonly length: number }
  | { readonly kind: 'turn' }
  | { readonly kind: 'answer'; readonly index: number }
  | {
      readonly kind: 'subscribe'
      readonly at: 'head' | 'behind' | 'beyond' | 'elsewhere'
      readonly back: number
      readonly mischief: Mischief
    }
  | {
      readonly kind: 'leave' | 'block' | 'unblock'
      readonly index: number
    }

const index = fc.nat(1000)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      count: fc.integer({ min: 1, max: 12 }),
      length: fc.constantFrom(1, 50, 7000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('answer' as const), index }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('subscribe' as const),
      at: fc.constantFrom(
        'head' as const,
        'behind' as const,
        'behind' as const,
        'beyond' as const,
        'elsewhere' as const,
      ),
      back: fc.nat(60),
      mischief: fc.constantFrom<Mischief>(
        'none',
        'none',
        'none',
        'leave',
        'leave another',
        'unblock another',
        'subscribe another',
        'throw',
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('leave' as const, 'block' as const, 'block' as const, 'unblock' as const),
      index,
    }),
  },
)

class World {
  readonly memory = new MemoryLog({ epoch: 'here', unixMs: () => 0, keepMessages: 40 })
  readonly delayed: DelayedLog | null
  readonly log: Log
  readonly counters: Counters = {
    rooms: 0,
    subscribers: 0,
    behind: 0,
    published: 0,
    delivered: 0,
    batches: 0,
  }
  readonly room: Room
  readonly readers: CheckedReader[] = []
  readonly thrown = new Set<CheckedReader>()
  #drafts = 0

  constructor(delayed: boolean) {
    this.delayed = delayed ? new DelayedLog(this.memory) : null
    this.log = this.delayed ?? this.memory
    this.room = new Room('room', this.log, this.counters, () => 4000)
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const one of steps) {
      await this.#do(one)
      expect(this.room.subscribers).toBe(this.counters.subscribers)
    }
    await this.#settle()
  }

  async #do(one: Step): Promise<void> {
    switch (one.kind) {
      case 'append': {
        const text = 'x'.repeat(one.length)
        for (let count = 0; count < one.count; count++) {
          this.#drafts += 1
          void this.log.append('room', [draftOf(this.#drafts, text)])
        }
        break
      }
      case 'turn':
        await turns()
        break
      case 'answer':
        this.delayed?.answer(one.index)
        await Promise.resolve()
        break
      case 'subscribe':
        this.#subscribe(this.#position(one.at, one.back), one.mischief)
        break
      case 'leave':
        this.#pick(one.index)?.leave()
        break
      case 'block': {
        const reader = this.#pick(one.index)
        if (reader !== undefined) reader.accepts = false
        break
      }
      case 'unblock':
        this.#unblock(this.#pick(one.index))
    }
  }

  #pick(index: number): CheckedReader | undefined {
    const here = this.readers.filter((reader) => !reader.left && !this.thrown.has(reader))
    return here[index % Math.max(1, here.length)]
  }

  #unblock(reader: CheckedReader | undefined): void {
    if (reader === undefined) return
    reader.accepts = true
    reader.unblock()
  }

  #position(at: 'head' | 'behind' | 'beyond' | 'elsewhere', back: number): Cursor {
    const head = this.log.head('room')
    switch (at) {
      case 'head':
        return head
      case 'behind':
        return { ...head, offset: Math.max(0, head.offset - back) }
      case 'beyond':
        return { ...head, offset: head.offset + back + 1 }
      case 'elsewhere':
        return { epoch: 'elsewhere', offset: back }
    }
  }

  #subscribe(at: Cursor, mischief: Mischief): void {
    const reader = new CheckedReader(`reader ${this.readers.length}`, at)
    this.readers.push(reader)
    this.counters.subscribers += 1
    reader.duringWrite = () => this.#mischief(reader, mischief)
    reader.subscription = this.room.subscribe(at, reader)
  }

  #mischief(reader: CheckedReader, mischief: Mischief): void {
    const another = this.readers.findLast((one) => one !== reader && !one.left && !this.thrown.has(one))
    switch (mischief) {
      case 'none':
        return
      case 'leave':
        reader.leave()
        return
      case 'leave another':
        if (reader.events.length === 2) another?.leave()
        return
      case 'unblock another':
        this.#unblock(another)
        return
      case 'subscribe another':
        if (reader.events.length === 2) this.#subscribe(this.room.head(), 'none')
        return
      case 'throw':
        this.thrown.add(reader)
        throw new Error('a broken wire')
    }
  }

  /** Lets everyone catch up; then nobody may miss anything. */
  async #settle(): Promise<void> {
    for (let round = 0; round < 200; round++) {
      for (const reader of this.readers) if (!reader.left && !this.thrown.has(reader)) this.#unblock(reader)
      while ((this.delayed?.reads ?? 0) > 0) {
        this.delayed?.answer(0)
        await turns()
      }
      await turns(2)
      if (this.room.behind === 0 && (this.delayed?.reads ?? 0) === 0) break
    }
    const head = this.log.head('room')
    for (const reader of this.readers) {
      reader.assertWell()
      if (this.thrown.has(reader)) expect(reader.terminations).toBe(1)
      else if (!reader.left) expect(reader.position, reader.name).toEqual(head)
    }
    const left = this.readers.filter((reader) => !reader.left && !this.thrown.has(reader))
    expect(this.room.subscribers).toBe(left.length)
    for (const reader of left) reader.leave()
    expect(this.room.subscribers).toBe(0)
    expect(this.room.behind).toBe(0)
    this.room.dispose()
    await this.log.close()
  }
}

test.each([
  ['answers at once', false],
  ['answers later, in any order', true],
])('over a log that %s', async (_what, delayed) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) =>
      new World(delayed).run(steps),
    ),
    { numRuns: 400 },
  )
})
