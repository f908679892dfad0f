// Finds a link that has gone silent: one timer for each link of a client, moved only when it fires.
import type { CancelTimer, Clock } from './clock.ts'

export class Liveness {
  readonly #limitMs: number
  readonly #clock: Clock
  readonly #dead: () => void
  #lastMs: number
  #cancel: CancelTimer | null
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
    this.#cancel = null
    this.#dead()
  }

  /** Something must be heard within `limitMs` from now, whatever the ordinary limit is. */
  demand(limitMs: number): void {
    if (this.#cancel === null) return
    const askedAtMs = this.#clock.nowMs()
    this.#cancelDemand?.()
    this.#cancelDemand = this.#clock.after(limitMs, () => {
      if (this.#cancel === null || this.#lastMs > askedAtMs) return
      this.stop()
      this.#dead()
    })
  }

  stop(): void {
    this.#cancelDemand?.()

    this.#cancel?.()
    this.#cancel = null
  }
}
