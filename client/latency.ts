// Delivery latency: from the call of send to the moment the same message is handed up again, on one monotonic clock.
import type { TransportName } from '../transports/contract.ts'

/** One message that came back. */
export interface LatencySample {
  /** Monotonic clock, ms: when it was handed up. */
  readonly atMs: number
  readonly durationMs: number
  readonly transport: TransportName
}

/** Percentiles of a window, by nearest rank. */
export interface LatencySummary {
  /** How many samples the window holds. */
  readonly samples: number
  readonly p50Ms: number
  /** The slowest while there are fewer than 100 samples. */
  readonly p99Ms: number
}

export const latencyLimits = {
  /** Samples of a transport that its percentiles look at: the newest ones. */
  windowSamples: 200,
  /** Samples that the chart may hold. */
  chartSamples: 4000,
  /** How far back the chart looks. */
  chartMs: 60_000,
  /** Messages on their way; beyond it the oldest is forgotten. */
  onTheWay: 10_000,
} as const

/** Matches sends with deliveries. Its memory is bounded by `latencyLimits`. */
export class Latencies {
  /** When what was sent and has not come back, by id. */
  private readonly sentAtMs = new Map<string, number>()
  private readonly windows = new Map<TransportName, number[]>()
  private chart: LatencySample[] = []
  /** Counts the samples ever taken, so that a view knows when to draw. */
  taken = 0

  /** Notes a send, once for each id. */
  sent(id: string, atMs: number): void {
    if (this.sentAtMs.has(id)) return
    this.sentAtMs.set(id, atMs)
    if (this.sentAtMs.size > latencyLimits.onTheWay) {
      for (const oldest of this.sentAtMs.keys()) {
        this.sentAtMs.delete(oldest)
        break
      }
    }
  }

  /** Leaves a message out: it failed, or it waited for a link. */
  forget(id: string): void {
    this.sentAtMs.delete(id)
  }

  /**
   * Notes a delivery; null when it makes no sample. `liveSinceMs`: since when the transport has carried the session, null when
   * it does not. What was sent before that waited for another transport, or for the switch, and says nothing of this one.
   */
  delivered(
    id: string,
    atMs: number,
    transport: TransportName,
    liveSinceMs: number | null,
  ): LatencySample | null {
    const sentAtMs = this.sentAtMs.get(id)
    if (sentAtMs === undefined) return null
    this.sentAtMs.delete(id)
    if (liveSinceMs === null || sentAtMs < liveSinceMs) return null
    const sample = { atMs, durationMs: Math.max(0, atMs - sentAtMs), transport }
    this.taken += 1
    this.chart.push(sample)
    if (this.chart.length > latencyLimits.chartSamples)
      this.chart = this.chart.slice(-latencyLimits.chartSamples / 2)
    const window = this.windows.get(transport) ?? []
    window.push(sample.durationMs)
    if (window.length > latencyLimits.windowSamples) window.shift()
    this.windows.set(transport, window)
    return sample
  }

  /** The newest samples of one transport, summed up; null when there are none. */
  summary(transport: TransportName): LatencySummary | null {
    const window = this.windows.get(transport)
    if (window === undefined || window.length === 0) return null
    const sorted = Float64Array.from(window).sort()
    return { samples: sorted.length, p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) }
  }

  /** What the chart shows at `nowMs`, oldest first. */
  recent(nowMs: number): readonly LatencySample[] {
    const from = nowMs - latencyLimits.chartMs
    let first = 0
    while (first < this.chart.length && (this.chart[first]?.atMs ?? 0) < from) first += 1
    if (first > 0) this.chart = this.chart.slice(first)
    return this.chart
  }
}

/** The value of nearest rank: the smallest that is at least as great as the share `p` of all. Sorted upwards, not empty. */
export function percentile(sorted: Float64Array, p: number): number {
  const rank = Math.max(1, Math.ceil(p * sorted.length))
  return sorted[rank - 1] ?? Number.NaN
}

/** The smallest step that a clock makes, in ms, from a handful of its steps (R37). */
export function clockResolution(now: () => number, steps = 20): number {
  let smallest = Number.POSITIVE_INFINITY
  let last = now()
  for (let seen = 0; seen < steps; ) {
    const next = now()
    if (next === last) continue
    smallest = Math.min(smallest, next - last)
    last = next
    seen += 1
  }
  return smallest
}
