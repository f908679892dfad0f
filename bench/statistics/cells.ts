// What tables ask of a delivery cell, worked out once: its figures by metric, and which transport its subject is.
import type { DeliveryCell } from '../measurement.ts'
import { twinSuffix } from '../subjects.ts'
import {
  createHistogram,
  decodeHistogram,
  encodeHistogram,
  type Histogram,
  mayBeSaid,
  mergeHistograms,
  percentileUs,
} from './histogram.ts'
import type { Pair } from './ratio.ts'
import type { LatencySummary, Metric } from './summary.ts'

/** A cell and its histograms. */
export interface ReadCell {
  readonly cell: DeliveryCell
  readonly latency: Histogram
  readonly completion: Histogram
  readonly figures: Readonly<Record<Metric, number>>
}

export function readCell(cell: DeliveryCell): ReadCell {
  const latency = decodeHistogram(cell.latency)
  const completion = decodeHistogram(cell.completion)
  const { deliveries, serverCpuUs, bytesDown, bytesUp } = cell
  return {
    cell,
    latency,
    completion,
    figures: {
      // A median of few is still what its block had; only a tail of few is nothing but the largest.
      p50: latency.totalCount === 0 ? Number.NaN : latency.getValueAtPercentile(50),
      p99: mayBeSaid(latency.totalCount, 99) ? latency.getValueAtPercentile(99) : Number.NaN,
      completion: completion.totalCount === 0 ? Number.NaN : completion.getValueAtPercentile(50),
      cpu: serverCpuUs / deliveries,
      bytes: (bytesDown + bytesUp) / deliveries,
    },
  }
}

/** Every block that has both, by one metric. */
export function pairsOf(
  cells: readonly ReadCell[],
  subject: string,
  baseline: string,
  metric: Metric,
): readonly Pair[] {
  const bases = new Map(
    cells.filter(({ cell }) => cell.subject === baseline).map((one) => [one.cell.block, one.figures[metric]]),
  )
  return cells.flatMap(({ cell, figures }) => {
    const base = cell.subject === subject ? bases.get(cell.block) : undefined
    return base === undefined ? [] : [{ value: figures[metric], base, epoch: cell.epoch, block: cell.block }]
  })
}

export function isTwin(subject: string): boolean {
  return subject.endsWith(twinSuffix)
}

/** Encoded histograms as one, with the percentiles that may be said. */
export function latencyOf(encoded: readonly string[]): LatencySummary {
  return summaryOf(encoded.length === 0 ? createHistogram() : mergeHistograms(encoded.map(decodeHistogram)))
}

export function summaryOf(merged: Histogram): LatencySummary {
  return {
    samples: merged.totalCount,
    meanUs: merged.totalCount === 0 ? null : merged.mean,
    p50Us: percentileUs(merged, 50),
    p90Us: percentileUs(merged, 90),
    p99Us: percentileUs(merged, 99),
    p999Us: percentileUs(merged, 99.9),
    maxUs: merged.maxValue,
    histogram: encodeHistogram(merged),
  }
}
