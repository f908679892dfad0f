// Holds bytes back until there are enough of them or they are old enough: a buffering proxy, and the joining of chunks. Pure.

export interface HoldingRule {
  /** Everything is passed on once it has so many bytes, */
  readonly bytes: number
  /** or when the oldest has been held so long, */
  readonly holdMs: number
  /** or when nothing has come for so long. */
  readonly quietMs: number
}

/** What the profile `joined` holds back: everything up to a pause. */
export const joinedRule: HoldingRule = { bytes: 64 * 1024, holdMs: 200, quietMs: 20 }

export class Holding {
  #chunks: Uint8Array[] = []
  #bytes = 0
  #firstMs = 0
  #lastMs = 0

  get bytes(): number {
    return this.#bytes
  }

  /** Takes a chunk; gives all that is held when that is enough now, else null. */
  push(chunk: Uint8Array, nowMs: number, rule: HoldingRule): Buffer | null {
    if (this.#bytes === 0) this.#firstMs = nowMs
    this.#lastMs = nowMs
    this.#chunks.push(chunk)
    this.#bytes += chunk.byteLength
    return this.#bytes >= rule.bytes ? this.take() : null
  }

  /** When what is held must be passed on; null while nothing is. */
  dueMs(rule: HoldingRule): number | null {
    if (this.#bytes === 0) return null
    return Math.min(this.#firstMs + rule.holdMs, this.#lastMs + rule.quietMs)
  }

  /** Gives all that is held, in one piece; null when nothing is. */
  take(): Buffer | null {
    if (this.#bytes === 0) return null
    const all = Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#bytes = 0
    return all
  }
}
