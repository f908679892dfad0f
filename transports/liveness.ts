// Finds a link that has gone silent: one timer for each link of a client, moved only when it fires.
import type { CancelTimer, Clock } from './clock.ts'

export class Liveness {
  readonly #limitMs: number
  readonly #clock: Clock
  readonly #dead: () => void
  #lastMs: number
  #cancel: CancelTimer | null
  /** A demand that nothing has met yet. */
  #cancelDemand: CancelTimer | null = null

  /** `dead` is called once when nothing was heard for `limitMs`. */
  constructor(limitMs: number, clock: Clock, dead: () => void) {
    this.#limitMs = limitMs
    this.#clock = clock
    this.#dead = dead
    this.#lastMs = clock.nowMs()
    this.#cancel = clock.after(limitMs, () => this.check())
  }

  /** Something was heard. Cheap: the timer is not touched. */
  alive(): void {
    this.#lastMs = this.#clock.nowMs()
    // Not by the clock, which some browsers round to 100 ms: the answer may come at the moment of the question.
    if (this.#cancelDemand !== null) this.#meetDemand()
  }

  /** Looks at once, for instance after the machine has slept. */
  check(): void {
    if (this.#cancel === null) return
    this.#cancel()
    const leftMs = this.#lastMs + this.#limitMs - this.#clock.nowMs()
    if (leftMs > 0) {
      this.#cancel = this.#clock.after(leftMs, () => this.check())
      return
    }
    this.stop()
    this.#dead()
  }

  /** Something must be heard within `limitMs` from now, whatever the ordinary limit is. An earlier demand stands. */
  demand(limitMs: number): void {
    if (this.#cancel === null || this.#cancelDemand !== null) return
    this.#cancelDemand = this.#clock.after(limitMs, () => {
      this.stop()
      this.#dead()
    })
  }

  stop(): void {
    this.#meetDemand()
    this.#cancel?.()
    this.#cancel = null
  }

  #meetDemand(): void {
    this.#cancelDemand?.()
    this.#cancelDemand = null
  }
}
