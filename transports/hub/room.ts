// A room's pump: hands each tick's batch to every subscriber at the head, and lets those that are behind read on from the log.
import type { HubStats, Subscriber, Subscription } from '../contract.server.ts'
import type { Closed, Gap, Reset } from '../contract.ts'
import type { Cursor } from '../cursor.ts'
import { serverLimits, wireLimits } from '../limits.ts'
import type { Message } from '../message.ts'
import { Batch } from './batch.ts'
import type { Log, Unfollow } from './log.ts'
import { Ring } from './ring.ts'

/** Counters that all rooms of a hub share. */
export type Counters = { -readonly [name in keyof HubStats]: HubStats[name] }

/** Pages that one subscriber may read in one turn, so that a long catch-up doesn't hold the event loop. */
const pagesPerTurn = 8

/** Shared catch-up pages: after a restart many readers ask for the same ones. */
const rememberedPages = 64

export class Room {
  readonly name: string
  readonly #log: Log
  readonly #counters: Counters
  readonly #ring: Ring
  readonly #unfollow: Unfollow
  /** At the head and writable: they get every batch. The order is of no meaning. */
  readonly #live: RoomSubscription[] = []
  readonly #all = new Set<RoomSubscription>()
  readonly #pages = new Map<number, Batch>()
  #pagesBytes = 0
  readonly #maximumBytes: () => number
  #pumping = false
  #leftWhilePumping = false

  /** `maximumBytes`: how much of what is read from it the room may hold in memory, once as a ring and once as pages. */
  constructor(name: string, log: Log, counters: Counters, maximumBytes: () => number) {
    this.name = name
    this.#maximumBytes = maximumBytes
    this.#log = log
    this.#counters = counters
    this.#ring = new Ring(log.head(name), maximumBytes)
    this.#unfollow = log.follow(name, (messages) => this.#appended(messages))
  }

  get subscribers(): number {
    return this.#all.size
  }

  get behind(): number {
    return this.#all.size - this.#live.length
  }

  head(): Cursor {
    return this.#ring.head
  }

  /** Stops following the log. The room must be empty. */
  dispose(): void {
    this.#unfollow()
  }

  subscribe(start: Cursor, subscriber: Subscriber): RoomSubscription {
    const subscription = new RoomSubscription(this, start, this.head(), subscriber)
    this.#all.add(subscription)
    if (this.#isAtHead(subscription)) this.#join(subscription)
    else queueMicrotask(() => this.advance(subscription))
    return subscription
  }

  leave(subscription: RoomSubscription): void {
    if (!this.#all.delete(subscription)) return
    this.#counters.subscribers -= 1
    if (this.#pumping) this.#leftWhilePumping = true
    else this.#quit(subscription)
  }

  /** Those of this moment: they may leave while they are gone through. */
  subscriptionsNow(): readonly RoomSubscription[] {
    return [...this.#all]
  }

  /** One page after `cursor`, from memory where it is still there. */
  page(cursor: Cursor): Batch | Gap | Reset | Promise<Batch | Gap | Reset> {
    const remembered = cursor.epoch === this.#log.epoch ? this.#pages.get(cursor.offset) : undefined
    if (remembered !== undefined) return remembered
    const recent = this.#ring.after(cursor, serverLimits.batchBytes)
    if (recent !== null) return this.#remember(recent)
    const limit = { messages: wireLimits.pageMessages, bytes: serverLimits.batchBytes }
    const page = this.#log.read(this.name, { after: cursor }, limit)
    if (page instanceof Promise) {
      return page.then((one) => (one.kind === 'page' ? new Batch(one.after, one.messages) : one))
    }
    return page.kind === 'page' ? this.#remember(new Batch(page.after, page.messages)) : page
  }

  /** Lets a subscriber that is behind read on, until it is at the head, or its wire or its turn is full. */
  advance(subscription: RoomSubscription): void {
    try {
      this.#readOn(subscription)
    } catch {
      // The log cannot be read; nobody is above this call to hear of it.
      subscription.fail()
    }
  }

  #readOn(subscription: RoomSubscription): void {
    for (let pages = 0; pages < pagesPerTurn; pages++) {
      if (subscription.left || subscription.live || subscription.blocked || subscription.reading) return
      if (this.#isAtHead(subscription)) {
        this.#join(subscription)
        return
      }
      const page = this.page(subscription.cursor)
      if (page instanceof Promise) {
        subscription.reading = true
        page.then(
          (event) => {
            subscription.reading = false
            this.#hand(subscription, event)
            this.advance(subscription)
          },
          () => subscription.fail(),
        )
        return
      }
      this.#hand(subscription, page)
    }
    setImmediate(() => this.advance(subscription))
  }

  #appended(messages: readonly Message[]): void {
    // A room that is made while a commit is being told knows of that commit's messages already.
    const known = this.#ring.head.offset + 1 - (messages[0]?.offset ?? 0)
    for (const batch of this.#ring.push(known > 0 ? messages.slice(known) : messages)) {
      this.#forgetPages()
      this.#pump(batch)
    }
  }

  /** The hot loop: one shared batch, one write for each subscriber. */
  #pump(batch: Batch): void {
    const live = this.#live
    this.#counters.batches += 1
    this.#counters.delivered += live.length * batch.messages.length
    this.#pumping = true
    // Backwards: taking one out moves the last one, which has been served already, into its place.
    for (let index = live.length - 1; index >= 0; index--) {
      const subscription = live[index]
      if (subscription === undefined || subscription.left) continue
      if (!subscription.write(batch)) {
        subscription.blocked = true
        subscription.cursor = batch.cursor
        this.#quit(subscription)
      }
    }
    this.#pumping = false
    if (!this.#leftWhilePumping) return
    this.#leftWhilePumping = false
    for (const subscription of live.filter((one) => one.left)) this.#quit(subscription)
  }

  #hand(subscription: RoomSubscription, event: Batch | Gap | Reset): void {
    if (subscription.left) return
    // At the head of the log while the room is still being told what led there: it goes on in the next turn.
    if (event.kind === 'messages' && event.messages.length === 0) return
    subscription.cursor = event.cursor
    if (event.kind === 'messages') this.#counters.delivered += event.messages.length
    if (!subscription.write(event)) subscription.blocked = true
  }

  #isAtHead(subscription: RoomSubscription): boolean {
    const { head } = this.#ring
    return subscription.cursor.offset === head.offset && subscription.cursor.epoch === head.epoch
  }

  #join(subscription: RoomSubscription): void {
    subscription.liveIndex = this.#live.length
    this.#live.push(subscription)
  }

  #quit(subscription: RoomSubscription): void {
    const index = subscription.liveIndex
    if (index < 0) return
    subscription.liveIndex = -1
    const last = this.#live.pop()
    if (last === undefined || last === subscription) return
    this.#live[index] = last
    last.liveIndex = index
  }

  #forgetPages(): void {
    this.#pages.clear()
    this.#pagesBytes = 0
  }

  #remember(page: Batch): Batch {
    // As much again as the ring may take.
    const bytes = page.document.length
    if (this.#pages.size >= rememberedPages || this.#pagesBytes + bytes > this.#maximumBytes())
      this.#forgetPages()
    this.#pages.set(page.after.offset, page)
    this.#pagesBytes += bytes
    return page
  }
}

/** A subscriber's place in its room. */
export class RoomSubscription implements Subscription {
  readonly start: Cursor
  readonly head: Cursor
  readonly subscriber: Subscriber
  readonly #room: Room
  /** What has been written, while it is not live: a live one is at the room's head. */
  cursor: Cursor
  /** Its place in the room's list of live ones, or -1. */
  liveIndex = -1
  /** The wire said false and has not called `writable` since. */
  blocked = false
  /** A page is on its way from the log. */
  reading = false
  left = false

  constructor(room: Room, start: Cursor, head: Cursor, subscriber: Subscriber) {
    this.#room = room
    this.start = start
    this.head = head
    this.cursor = start
    this.subscriber = subscriber
  }

  get live(): boolean {
    return this.liveIndex >= 0
  }

  /** A subscriber that throws is ended; the others notice nothing. */
  write(event: Batch | Gap | Reset): boolean {
    try {
      return this.subscriber.write(event)
    } catch {
      this.fail()
      return true
    }
  }

  /** Says goodbye; a wire that cannot even do that is ended. */
  close(reason: Closed): void {
    try {
      this.subscriber.close(reason)
    } catch {
      this.fail()
    }
  }

  /** Ends it: its wire is broken, or the log cannot be read. */
  fail(): void {
    this.leave()
    this.subscriber.terminate()
  }

  writable(): void {
    if (!this.blocked) return
    this.blocked = false
    this.#room.advance(this)
  }

  leave(): void {
    if (this.left) return
    this.left = true
    this.#room.leave(this)
  }
}
