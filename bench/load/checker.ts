// Watches that every subscriber gets every message once and in order. Knows nothing of transports.

/** What a cell's deliveries amount to. Everything but `expected` and `delivered` must be zero. */
export interface Tally {
  readonly expected: number
  /** First deliveries of a message to a subscriber. */
  readonly delivered: number
  readonly lost: number
  readonly duplicated: number
  /** Deliveries of a message that is older than one that the subscriber has already had. */
  readonly reordered: number
  /** Deliveries of something that was never sent. */
  readonly foreign: number
}

export class Checker {
  readonly #capacity: number
  readonly #audienceOf: (index: number) => number
  readonly #seen: Uint8Array
  /** The highest offset that each subscriber has had. */
  readonly #highest: Float64Array
  #sent = 0
  #expected = 0
  #delivered = 0
  #duplicated = 0
  #reordered = 0
  #foreign = 0

  /** `capacity`: how many messages may be sent at most. `audienceOf`: how many are to get a message; all of them without it. */
  constructor(size: {
    readonly capacity: number
    readonly subscribers: number
    readonly audienceOf?: (index: number) => number
  }) {
    this.#capacity = size.capacity
    this.#audienceOf = size.audienceOf ?? (() => size.subscribers)
    this.#seen = new Uint8Array(size.capacity * size.subscribers)
    this.#highest = new Float64Array(size.subscribers)
  }

  /** Notes that a message leaves, and gives it its index. Throws a RangeError beyond the capacity. */
  send(): number {
    if (this.#sent >= this.#capacity) throw new RangeError(`More than ${this.#capacity} messages.`)
    this.#expected += this.#audienceOf(this.#sent)
    this.#sent += 1
    return this.#sent - 1
  }

  /** Notes a delivery: message `index` at the room's `offset`. True when it is the first of that message to that subscriber. */
  deliver(subscriber: number, index: number, offset: number): boolean {
    if (!(index >= 0 && index < this.#sent)) {
      this.#foreign += 1
      return false
    }
    const place = subscriber * this.#capacity + index
    if (this.#seen[place] === 1) {
      this.#duplicated += 1
      return false
    }
    this.#seen[place] = 1
    this.#delivered += 1
    if (offset <= (this.#highest[subscriber] ?? 0)) this.#reordered += 1
    else this.#highest[subscriber] = offset
    return true
  }

  /** Everything that was sent so far has reached everyone. */
  get complete(): boolean {
    return this.#delivered === this.#expected
  }

  get sent(): number {
    return this.#sent
  }

  get delivered(): number {
    return this.#delivered
  }

  tally(): Tally {
    const expected = this.#expected
    return {
      expected,
      delivered: this.#delivered,
      lost: expected - this.#delivered,
      duplicated: this.#duplicated,
      reordered: this.#reordered,
      foreign: this.#foreign,
    }
  }
}
