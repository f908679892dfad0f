// When bytes leave a path: delay and jitter behind one another, and the clock of a line of limited rate. Pure.
import type { Random } from '../random.ts'

/** Delays each piece from its receipt on; none overtakes another. */
export class DelayLine {
  readonly #random: Random
  #lastMs = Number.NEGATIVE_INFINITY

  constructor(random: Random) {
    this.#random = random
  }

  /** When a piece that came at `receivedMs` is due. Each call draws once, so that the n-th piece's jitter is the seed's alone. */
  dueMs(receivedMs: number, delayMs: number, jitterMs: number): number {
    const dueMs = receivedMs + delayMs + this.#random() * jitterMs
    this.#lastMs = Math.max(this.#lastMs, dueMs)
    return this.#lastMs
  }
}

/** A line that carries one byte after the other. */
export class SerialLine {
  #freeMs = Number.NEGATIVE_INFINITY

  /** When the last of so many bytes has left, if nothing else is sent before them. Null: no limit, they leave at once. */
  finishMs(readyMs: number, bytes: number, bytesPerSecond: number | null): number {
    if (bytesPerSecond === null) return readyMs
    return Math.max(readyMs, this.#freeMs) + (bytes / bytesPerSecond) * 1000
  }

  /** They have left, at that time. */
  occupy(untilMs: number): void {
    this.#freeMs = untilMs
  }

  /** Forgets what it was busy with: the rate has changed. */
  clear(): void {
    this.#freeMs = Number.NEGATIVE_INFINITY
  }
}

/** So much of a rate leaves in one write: ten milliseconds' worth, at least a small segment and at most a large read. */
export function sliceBytes(bytesPerSecond: number | null): number {
  if (bytesPerSecond === null) return 64 * 1024
  return Math.round(Math.min(64 * 1024, Math.max(512, bytesPerSecond / 100)))
}
