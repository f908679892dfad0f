// How late the event loop runs, from one timer for the whole process: for `/metrics`, and to turn requests away before it is too late for all.

/** How often it looks. A finer look is dear: a monitor of 10 ms and one of 20 cost about 4.5 ms of CPU a second, in a process of their own. */
const lookEveryMs = 250
/** Looks that are remembered: those of the last minute. */
const rememberedLooks = 240
/** A loop that is late by this much answers 503 until it has caught up. */
export const overloadedMs = 2000

export class EventLoop {
  readonly #nowMs: () => number
  readonly #timer: NodeJS.Timeout
  readonly #delaysMs: number[] = []
  #dueMs: number

  /** Watches until it is closed. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
    this.#dueMs = nowMs() + lookEveryMs
    this.#timer = setInterval(() => this.look(), lookEveryMs).unref()
  }

  /** Whether the last look came too late, or the next one does. */
  get isOverloaded(): boolean {
    const lastMs = this.#delaysMs.at(-1) ?? 0
    return Math.max(lastMs, this.#nowMs() - this.#dueMs) >= overloadedMs
  }

  /** Delays of a timer in the last minute, in ms; all 0 before the first look. */
  delaysMs(): { readonly mean: number; readonly p99: number; readonly max: number } {
    const sorted = [...this.#delaysMs].sort((one, other) => one - other)
    const sum = sorted.reduce((total, delay) => total + delay, 0)
    return {
      mean: sorted.length === 0 ? 0 : sum / sorted.length,
      p99: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0,
      max: sorted.at(-1) ?? 0,
    }
  }

  /** Called by its timer. */
  look(): void {
    const nowMs = this.#nowMs()
    this.#delaysMs.push(Math.max(0, nowMs - this.#dueMs))
    if (this.#delaysMs.length > rememberedLooks) this.#delaysMs.shift()
    this.#dueMs = nowMs + lookEveryMs
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
