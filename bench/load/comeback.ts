// How one client comes back after its connection was cut: what it is told, in order, and the three times that count. Pure.

/** Ms on the clock of whoever calls; null: not yet. */
export interface ComebackTimes {
  readonly cutMs: number | null
  /** A link is open again. One that outlives its connection, as polling's may, is back with its first new message. */
  readonly reconnectedMs: number | null
  /** The first message that was sent after the cut. */
  readonly firstMessageMs: number | null
  /** Everything that had been sent when its link was open again; of one that was never told of, all before the first new message. */
  readonly caughtUpMs: number | null
}

export class Comeback {
  readonly #has: Uint8Array
  /** The lowest index that it does not have. */
  #next = 0
  #cutMs: number | null = null
  #hasBroken = false
  #reconnectedMs: number | null = null
  #firstMessageMs: number | null = null
  #caughtUpMs: number | null = null
  /** How many messages it has to have to be even. */
  #owed = Number.POSITIVE_INFINITY

  /** `capacity`: how many messages may be sent at most. */
  constructor(capacity: number) {
    this.#has = new Uint8Array(capacity)
  }

  get times(): ComebackTimes {
    return {
      cutMs: this.#cutMs,
      reconnectedMs: this.#reconnectedMs,
      firstMessageMs: this.#firstMessageMs,
      caughtUpMs: this.#caughtUpMs,
    }
  }

  get isComplete(): boolean {
    return this.#caughtUpMs !== null && this.#firstMessageMs !== null
  }

  cut(atMs: number): void {
    this.#cutMs = atMs
  }

  /** The link ended, or is open. `sent`: how many messages have been sent so far. */
  changed(isOpen: boolean, atMs: number, sent: number): void {
    if (this.#cutMs === null) return
    if (!isOpen) this.#hasBroken = true
    else if (this.#hasBroken) this.#back(atMs, sent)
  }

  /** Message `index`, which left at `sentMs`, has come. */
  received(index: number, sentMs: number, atMs: number): void {
    this.#has[index] = 1
    while (this.#has[this.#next] === 1) this.#next += 1
    if (this.#cutMs === null) return
    if (sentMs >= this.#cutMs && this.#firstMessageMs === null) {
      this.#firstMessageMs = atMs
      // What was sent since the server answered is not missed: it is due with the next answer.
      this.#back(atMs, index + 1)
    }
    this.#settle(atMs)
  }

  #back(atMs: number, sent: number): void {
    if (this.#reconnectedMs !== null) return
    this.#reconnectedMs = atMs
    this.#owed = sent
    this.#settle(atMs)
  }

  #settle(atMs: number): void {
    if (this.#caughtUpMs === null && this.#next >= this.#owed) this.#caughtUpMs = atMs
  }
}

/** The largest share of `timesMs` that lies within one stretch of `widthMs`; 0 of none. */
export function busiestShare(timesMs: readonly number[], widthMs: number): number {
  if (timesMs.length === 0) return 0
  const sorted = [...timesMs].sort((one, other) => one - other)
  let most = 0
  let first = 0
  for (const [place, time] of sorted.entries()) {
    while (time - (sorted[first] ?? 0) >= widthMs) first += 1
    most = Math.max(most, place - first + 1)
  }
  return most / sorted.length
}
