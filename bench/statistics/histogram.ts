// Histograms of µs with three significant digits, and the rule of which percentiles may be said.
import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js'

export type { Histogram }

/** Fewer samples than this beyond a percentile, and it says more about luck than about the system. */
const samplesBeyond = 10

export function createHistogram(): Histogram {
  return build({ numberOfSignificantValueDigits: 3, autoResize: true, useWebAssembly: false })
}

/** Records milliseconds as whole µs; what is negative is a broken clock and throws. */
export function recordMs(histogram: Histogram, ms: number): void {
  if (!(ms >= 0)) throw new RangeError(`A latency of ${ms} ms cannot be.`)
  histogram.recordValue(Math.round(ms * 1000))
}

/** HDR's own compressed form in base64. */
export function encodeHistogram(histogram: Histogram): string {
  return encodeIntoCompressedBase64(histogram)
}

export function decodeHistogram(text: string): Histogram {
  return decodeFromCompressedBase64(text, 32, false)
}

/** All samples together: percentiles are never averaged. */
export function mergeHistograms(histograms: Iterable<Histogram>): Histogram {
  const merged = createHistogram()
  for (const one of histograms) merged.add(one)
  return merged
}

/** The percentile in µs, or null when fewer than ten samples lie beyond it: n(1 − p) ≥ 10. `percent`: 50, 99, 99.9. */
export function percentileUs(histogram: Histogram, percent: number): number | null {
  return mayBeSaid(histogram.totalCount, percent) ? histogram.getValueAtPercentile(percent) : null
}

/** Whether n samples allow a percentile to be printed. */
export function mayBeSaid(samples: number, percent: number): boolean {
  // In hundredths of a percent, so that 99.9 % of 10,000 is not lost to binary fractions.
  return samples * (10_000 - Math.round(percent * 100)) >= samplesBeyond * 10_000
}
