// A histogram as a distribution: the values with their counts, and what lies between two of them.
import type { Distribution } from '../model/latency.ts'
import type { Histogram } from './histogram.ts'

export interface Bucket {
  readonly value: number
  readonly count: number
}

/** What the library's histograms in JavaScript can do beyond their interface. */
interface Countable extends Histogram {
  valueFromIndex(index: number): number
  getCountAtIndex(index: number): number
  readonly countsArrayLength: number
}

/** The recorded values, ascending, each as the least of what its bucket holds. Throws a TypeError for a histogram of WebAssembly. */
export function bucketsOf(histogram: Histogram): readonly Bucket[] {
  if (!isCountable(histogram)) throw new TypeError('The counts of this histogram cannot be read.')
  const found: Bucket[] = []
  let left = histogram.totalCount
  for (let index = 0; left > 0 && index < histogram.countsArrayLength; index++) {
    const count = histogram.getCountAtIndex(index)
    if (count === 0) continue
    found.push({ value: histogram.valueFromIndex(index), count })
    left -= count
  }
  return found
}

function isCountable(histogram: Histogram): histogram is Countable {
  return 'valueFromIndex' in histogram && 'getCountAtIndex' in histogram
}

/** The recorded values with the share of samples that each has. */
export function distributionOf(histogram: Histogram): Distribution {
  return bucketsOf(histogram).map(({ value, count }) => ({ value, share: count / histogram.totalCount }))
}

/** How many samples lie at or above `low` and below `high`. */
export function countBetween(buckets: readonly Bucket[], low: number, high: number): number {
  let sum = 0
  for (const { value, count } of buckets) if (value >= low && value < high) sum += count
  return sum
}

/** The share of samples up to a value: the step function that a measured ECDF is. */
export function ecdfAt(buckets: readonly Bucket[], value: number): number {
  let [all, below] = [0, 0]
  for (const bucket of buckets) {
    all += bucket.count
    if (bucket.value <= value) below += bucket.count
  }
  return below / all
}
