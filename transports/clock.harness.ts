// A clock for tests that stands still until it is told to move.
import type { CancelTimer, Clock } from './clock.ts'

interface Timer {
  readonly atMs: number
  readonly callback: () => void
}

export class ManualClock implements Clock {
  #nowMs = 1000
  readonly #timers = new Set<Timer>()

  nowMs(): number {
    return this.#nowMs
  }

  unixMs(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  after(delayMs: number, callback: () => void): CancelTimer {
    const timer = { atMs: this.#nowMs + delayMs, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#timers.size
  }

  /** When the next timer is due, in ms from now; null: there is none. */
  get nextInMs(): number | null {
    const next = this.#earliest()
    return next === undefined ? null : next.atMs - this.#nowMs
  }

  /** Moves on, and calls what falls due on the way, in order. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (let next = this.#earliest(); next !== undefined && next.atMs <= untilMs; next = this.#earliest()) {
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.callback()
    }
    this.#nowMs = untilMs
  }

  /** Time passes, and no timer is called: the browser holds a hidden tab's back. They are due at the next `advance`. */
  hold(ms: number): void {
    this.#nowMs += ms
  }

  /** The machine sleeps: time passes, and what fell due meanwhile is called late, at the end. */
  sleep(ms: number): void {
    this.#nowMs += ms
    for (
      let next = this.#earliest();
      next !== undefined && next.atMs <= this.#nowMs;
      next = this.#earliest()
    ) {
      this.#timers.delete(next)
      next.callback()
    }
  }

  #earliest(): Timer | undefined {
    let earliest: Timer | undefined
    for (const timer of this.#timers)
      if (earliest === undefined || timer.atMs < earliest.atMs) earliest = timer
    return earliest
  }
}

/** A seeded source of numbers in [0, 1), for tests that must be repeatable (mulberry32, public domain). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
