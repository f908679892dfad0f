// The links that a session is opening, the best first: one of them, or several that race (happy eyeballs, RFC 8305 §5).
import type { CancelTimer, Clock } from './clock.ts'
import type { TransportName } from './contract.ts'
import type { Attempt } from './session-attempt.ts'

/** How long one that has begun is left alone before the next one begins beside it, in ms. RFC 8305 §5 has 250 ms for addresses; a handshake of ours takes more round trips. */
export const raceStepMs = 300

/** How long a better one may still take once another is open, in ms: a round trip more, on a slow network. Then it is said what keeps it. */
export const overtakeMs = 1000

export class Openings {
  readonly #clock: Clock
  #attempts: Attempt[] = []
  #cancelStep: CancelTimer | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The best of them. */
  get first(): Attempt | null {
    return this.#attempts[0] ?? null
  }

  get all(): readonly Attempt[] {
    return this.#attempts
  }

  get names(): readonly TransportName[] {
    return this.#attempts.map(({ transport }) => transport.name)
  }

  includes(attempt: Attempt): boolean {
    return this.#attempts.includes(attempt)
  }

  /** Adds one that is not better than those that are there. */
  add(attempt: Attempt): void {
    this.#attempts.push(attempt)
  }

  /** Puts another one of the same transport in its place. */
  replace(attempt: Attempt, by: Attempt): void {
    this.#attempts = this.#attempts.map((one) => (one === attempt ? by : one))
  }

  remove(attempt: Attempt): void {
    this.#attempts = this.#attempts.filter((one) => one !== attempt)
    if (this.#attempts.length === 0) this.#stop()
  }

  /** It is open: it leaves, and those that are worse are given up. */
  won(attempt: Attempt): void {
    this.#stop()
    const place = this.#attempts.indexOf(attempt)
    const worse = this.#attempts.slice(place + 1)
    this.#attempts = this.#attempts.slice(0, place)
    for (const one of worse) void one.end()
  }

  /** Gives up all of them. */
  end(): void {
    this.#stop()
    const ended = this.#attempts
    this.#attempts = []
    for (const one of ended) void one.end()
  }

  /** Calls `next` a step from now, in place of what was planned. */
  planNext(next: () => void): void {
    this.#cancelStep?.()
    this.#cancelStep = this.#clock.after(raceStepMs, () => {
      this.#cancelStep = null
      next()
    })
  }

  #stop(): void {
    this.#cancelStep?.()
    this.#cancelStep = null
  }
}
