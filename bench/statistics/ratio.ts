// Ratios of paired measurements with bootstrap intervals. Pure: the same pairs and seed give the same interval.
import { type Random, randomStream } from '../random.ts'

/** A measured value and the one that it is compared to, from the same block. Both above zero. */
export interface Pair {
  readonly value: number
  readonly base: number
}

export interface RatioEstimate {
  /** Geometric mean of value ÷ base. */
  readonly ratio: number
  /** 95 % interval. */
  readonly low: number
  readonly high: number
  /** How many pairs it comes from. */
  readonly pairs: number
}

const resamples = 10_000

/**
 * The geometric mean of the ratios with its 95 % percentile-bootstrap interval, from resampled log-ratios.
 * Null without a pair. One pair gives an interval without an end: a single block says nothing about its own error.
 */
export function ratioOf(pairs: readonly Pair[], seed: number): RatioEstimate | null {
  const logs = pairs.map((pair) => Math.log(pair.value / pair.base)).filter(Number.isFinite)
  if (logs.length === 0) return null
  const ratio = Math.exp(mean(logs))
  if (logs.length === 1) return { ratio, low: 0, high: Number.POSITIVE_INFINITY, pairs: 1 }
  const means = bootstrapMeans(logs, randomStream(seed, 'bootstrap'))
  return {
    ratio,
    low: Math.exp(quantile(means, 0.025)),
    high: Math.exp(quantile(means, 0.975)),
    pairs: logs.length,
  }
}

/** Half the width of a ratio's interval as a share of the ratio: 0.05 says ± 5 %. */
export function halfWidth(estimate: RatioEstimate): number {
  return (Math.log(estimate.high) - Math.log(Math.max(estimate.low, Number.MIN_VALUE))) / 2
}

/** What an interval allows to say of the value against its base. Smaller is better. */
export type Verdict = 'less' | 'more' | 'no difference'

export function verdictOf(estimate: RatioEstimate): Verdict {
  if (estimate.high < 1) return 'less'
  return estimate.low > 1 ? 'more' : 'no difference'
}

export function mean(values: readonly number[]): number {
  let sum = 0
  for (const value of values) sum += value
  return sum / values.length
}

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((one, other) => one - other),
    0.5,
  )
}

/** The quantile of ascending values, interpolated between neighbours (Hyndman and Fan's type 7). */
export function quantile(ascending: readonly number[], share: number): number {
  const place = (ascending.length - 1) * share
  const below = ascending[Math.floor(place)] ?? Number.NaN
  const above = ascending[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}

function bootstrapMeans(values: readonly number[], random: Random): number[] {
  const means: number[] = []
  for (let round = 0; round < resamples; round++) {
    let sum = 0
    for (let draw = 0; draw < values.length; draw++) sum += values[Math.floor(random() * values.length)] ?? 0
    means.push(sum / values.length)
  }
  return means.sort((one, other) => one - other)
}
