// Finds a link that has gone silent: one timer for each link of a client, moved only when it fires.
import type { CancelTimer, Clock } from './clock.ts'

export class Liveness {
  readonly #limitMs: number
  readonly #clock: Clock
  readonly #dead: () => void
  #lastMs: number
  /** Until when it waits although the limit is over; null: it has no reason to. */
  #graceUntilMs: number | null = null
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
    this.#graceUntilMs = null
    // Not by the clock, which some browsers round to 100 ms: the answer may come at the moment of the question.
    if (this.#cancelDemand !== null) this.#meetDemand()
  }

  /** Looks at once, for instance after the machine has slept. */
  check(): void {
    if (this.#cancel === null) return
    this.#cancel()
    const nowMs = this.#clock.nowMs()
    const dueMs = this.#graceUntilMs ?? this.#lastMs + this.#limitMs
    if (nowMs < dueMs) this.#wait(dueMs - nowMs)
    else if (this.#graceUntilMs === null && nowMs - dueMs > this.#limitMs / 10) {
      // So late, this side was asleep itself (R35), or held up: what has come meanwhile has not been read yet.
      this.#graceUntilMs = nowMs + this.#limitMs / 2
      this.#wait(this.#limitMs / 2)
    } else {
      this.stop()
      this.#dead()
    }
  }

  #wait(delayMs: number): void {
    this.#cancel = this.#clock.after(delayMs, () => this.check())
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
