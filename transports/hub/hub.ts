// The hub: rooms over one log. Server transports publish into it and subscribe to it; it knows no wire.
import { type Clock, systemClock } from '../clock.ts'
import type { Hub, HubStats, QueueStats, Subscriber, Subscription } from '../contract.server.ts'
import type { Gap, Reset, Start } from '../contract.ts'
import type { Cursor } from '../cursor.ts'
import { serverLimits, wireLimits } from '../limits.ts'
import type { Draft, Message } from '../message.ts'
import { ProblemError, problem } from '../problem.ts'
import { type Queued, sumUp, together } from '../queued.server.ts'
import { Batch } from './batch.ts'
import { LinkRegistry } from './links.ts'
import type { Log, Page, Range, ReadLimit } from './log.ts'
import { type Counters, Room } from './room.ts'

export interface HubOptions {
  readonly clock?: Clock
  /** Draws the spread of reconnects on a drain; uniform in [0, 1). */
  readonly random?: () => number
}

/** Rooms without subscribers whose newest messages stay in memory, for polls. */
const warmRooms = 256
/** Rooms that one new room looks at to let one go. More than one, so that it keeps up. */
const looksAtOnce = 16
/** Memory of all rings together; each room gets its share of it, within the limits of one ring. */
const allRingsBytes = 64 * 1024 * 1024
const smallestRingBytes = 32 * 1024

export class RoomHub implements Hub {
  readonly links: LinkRegistry
  readonly #log: Log
  readonly #clock: Clock
  readonly #random: () => number
  /** Rooms in memory, the one used last at the end. */
  readonly #rooms = new Map<string, Room>()
  readonly #counters: Counters = {
    rooms: 0,
    subscribers: 0,
    behind: 0,
    published: 0,
    delivered: 0,
    batches: 0,
  }
  readonly #answers: (() => Queued)[] = []
  #draining: Promise<void> | null = null
  #drained: (() => void) | null = null
  /** Subscribers when the drain began, or sessions where they are more: those that poll. */
  #crowd = 0

  constructor(log: Log, options: HubOptions = {}) {
    this.#log = log
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? Math.random
    this.links = new LinkRegistry(this.#clock)
  }

  get draining(): boolean {
    return this.#draining !== null
  }

  assertServing(): void {
    if (this.#draining === null) return
    const detail = 'The server is going away. It will be back soon.'
    throw new ProblemError(problem('draining', detail, { retryAfterMs: this.#comeBackMs() }))
  }

  async publish(room: string, draft: Draft): Promise<{ message: Message; created: boolean }> {
    this.assertServing()
    const [appended] = await this.#log.append(room, [draft])
    if (appended === undefined)
      throw new ProblemError(problem('internal', 'The log did not say what became of it.'))
    if (appended.kind === 'conflict') {
      const detail = 'A message with this id is stored already, and it is another one.'
      throw new ProblemError(problem('draft-conflict', detail, { id: draft.id }))
    }
    this.#counters.published += 1
    return { message: appended.message, created: appended.kind === 'created' }
  }

  head(room: string): Cursor {
    return this.#log.head(room)
  }

  read(
    room: string,
    range: Range,
    limit: Partial<ReadLimit> = {},
  ): Batch | Gap | Reset | Promise<Batch | Gap | Reset> {
    if ('after' in range && limit.messages === undefined && limit.bytes === undefined) {
      // A room that nobody has written to costs a poll no memory.
      if (this.#log.head(room).offset > 0) return this.#room(room).page(range.after)
    }
    const bounds = { messages: wireLimits.pageMessages, bytes: serverLimits.batchBytes, ...limit }
    const page = this.#log.read(room, range, bounds)
    return page instanceof Promise ? page.then(asBatch) : asBatch(page)
  }

  subscribe(room: string, start: Start, subscriber: Subscriber): Subscription {
    this.assertServing()
    if (this.#counters.subscribers >= serverLimits.subscribers) {
      const detail = `This lab serves at most ${serverLimits.subscribers} readers at a time.`
      throw new ProblemError(problem('overloaded', detail, { retryAfterMs: 5000 }))
    }
    const subscription = this.#room(room).subscribe(this.#position(room, start), subscriber)
    this.#counters.subscribers += 1
    return subscription
  }

  drain(): Promise<void> {
    this.#draining ??= new Promise((resolve) => {
      this.#drained = resolve
      // As many as there are now: they leave one by one.
      this.#crowd = Math.max(this.#counters.subscribers, this.links.size)
      for (const room of this.#rooms.values()) {
        for (const subscription of room.subscriptionsNow()) {
          const detail = 'The server is going away. It will be back soon.'
          subscription.close({ cause: 'peer', retry: true, retryAfterMs: this.#comeBackMs(), detail })
        }
      }
      const deadline = this.#clock.nowMs() + serverLimits.drainDeadlineMs
      this.#watchDrain(deadline)
    })
    return this.#draining
  }

  stats(): HubStats {
    let behind = 0
    for (const room of this.#rooms.values()) behind += room.behind
    return { ...this.#counters, rooms: this.#rooms.size, behind }
  }

  queues(): QueueStats {
    return { readers: sumUp(this.#queuedBytes()), answers: together(this.#answers.map((queued) => queued())) }
  }

  alsoHolds(answers: () => Queued): void {
    this.#answers.push(answers)
  }

  *#queuedBytes(): Generator<number, void> {
    for (const room of this.#rooms.values()) {
      for (const { subscriber } of room.subscriptionsNow()) yield subscriber.queuedBytes()
    }
  }

  #watchDrain(deadlineMs: number): void {
    if (this.#counters.subscribers === 0) {
      this.#drained?.()
      return
    }
    if (this.#clock.nowMs() >= deadlineMs) {
      for (const room of this.#rooms.values()) {
        for (const subscription of room.subscriptionsNow()) subscription.subscriber.terminate()
      }
      this.#drained?.()
      return
    }
    this.#clock.after(10, () => this.#watchDrain(deadlineMs))
  }

  #position(room: string, start: Start): Cursor {
    if ('after' in start) return start.after
    const head = this.#log.head(room)
    const tail = this.#log.tail(room)
    return { epoch: head.epoch, offset: Math.max(tail.offset, head.offset - start.last) }
  }

  #room(name: string): Room {
    let room = this.#rooms.get(name)
    if (room === undefined) {
      this.#coolDown()
      room = new Room(name, this.#log, this.#counters, () => this.#ringBytes())
    } else {
      this.#rooms.delete(name)
    }
    this.#rooms.set(name, room)
    return room
  }

  /** Lets go of a room that has been without subscribers for longest, when there are too many such rooms. */
  #coolDown(): void {
    if (this.#rooms.size < warmRooms) return
    let looks = 0
    for (const [name, room] of this.#rooms) {
      this.#rooms.delete(name)
      if (room.subscribers === 0) {
        room.dispose()
        return
      }
      // Rooms with subscribers stay, and go to the back, so that the next look starts with others. A few looks at a time.
      this.#rooms.set(name, room)
      looks += 1
      if (looks === looksAtOnce) return
    }
  }

  #ringBytes(): number {
    const share = allRingsBytes / Math.max(1, this.#rooms.size)
    return Math.min(serverLimits.ringBytes, Math.max(smallestRingBytes, share))
  }

  #comeBackMs(): number {
    const spreadMs = Math.min(serverLimits.drainSpreadMs, this.#crowd * serverLimits.drainSpreadPerClientMs)
    return Math.round(serverLimits.drainAwayMs + this.#random() * spreadMs)
  }
}

function asBatch(page: Page | Gap | Reset): Batch | Gap | Reset {
  return page.kind === 'page' ? new Batch(page.after, page.messages) : page
}
