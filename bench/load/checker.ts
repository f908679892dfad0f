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
  readonly #messages: number
  readonly #subscribers: number
  readonly #seen: Uint8Array
  /** The highest offset that each subscriber has had. */
  readonly #highest: Float64Array
  #delivered = 0
  #duplicated = 0
  #reordered = 0
  #foreign = 0

  constructor(size: { readonly messages: number; readonly subscribers: number }) {
    this.#messages = size.messages
    this.#subscribers = size.subscribers
    this.#seen = new Uint8Array(size.messages * size.subscribers)
    this.#highest = new Float64Array(size.subscribers)
  }

  /** Notes a delivery: message `index` of the schedule, at the room's `offset`. True when it is the first of that message to that subscriber. */
  deliver(subscriber: number, index: number, offset: number): boolean {
    if (!(index >= 0 && index < this.#messages && Number.isInteger(index))) {
      this.#foreign += 1
      return false
    }
    const place = subscriber * this.#messages + index
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

  /** Notes a delivery whose message is not one of the schedule's. */
  deliverForeign(): void {
    this.#foreign += 1
  }

  get complete(): boolean {
    return this.#delivered === this.#messages * this.#subscribers
  }

  get delivered(): number {
    return this.#delivered
  }

  tally(): Tally {
    const expected = this.#messages * this.#subscribers
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
