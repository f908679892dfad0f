// How long a client is without news: from a break until it is handed something that was published after it. Pure.

export interface Percentiles {
  readonly count: number
  /** By the nearest rank; 0 when there is nothing to rank. */
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export function percentiles(samplesMs: readonly number[]): Percentiles {
  const sorted = [...samplesMs].sort((one, other) => one - other)
  const rank = (share: number): number =>
    Math.round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0)
  return { count: sorted.length, p50: rank(0.5), p99: rank(0.99), max: rank(1) }
}

/** When each message was handed to a session, for as long as somebody may ask. */
export class Publications {
  readonly #atMs = new Map<string, number>()

  add(id: string, atMs: number): void {
    this.#atMs.set(id, atMs)
    if (this.#atMs.size % 1024 === 0) this.#forget(atMs - 300_000)
  }

  atMs(id: string): number {
    return this.#atMs.get(id) ?? Number.NEGATIVE_INFINITY
  }

  #forget(beforeMs: number): void {
    // In the order of publishing.
    for (const [id, atMs] of this.#atMs) {
      if (atMs >= beforeMs) return
      this.#atMs.delete(id)
    }
  }
}

/** One client's clock. A second break before the first is over doesn't start it anew: what a person waits is the whole time. */
export class RecoveryClock {
  readonly samples: { readonly transport: string; readonly ms: number }[] = []
  #broken: { readonly transport: string; readonly atMs: number } | null = null

  get isRunning(): boolean {
    return this.#broken !== null
  }

  /** A link of this transport, which was live, was broken. */
  broken(transport: string, atMs: number): void {
    this.#broken ??= { transport, atMs }
  }

  /** A message was handed up that was published at `publishedMs`. */
  handed(publishedMs: number, nowMs: number): void {
    const broken = this.#broken
    if (broken === null || publishedMs <= broken.atMs) return
    this.#broken = null
    this.samples.push({ transport: broken.transport, ms: nowMs - broken.atMs })
  }
}
