// Ratios of paired measurements with bootstrap intervals. Pure: the same pairs and seed give the same interval.
import { type Random, randomStream } from '../random.ts'
import { normalCdf, studentQuantile, twoSidedP } from './student.ts'

/** A measured value and the one that it is compared to, from the same block. Both above zero. */
export interface Pair {
  readonly value: number
  readonly base: number
  /** Which server processes carried it; without it all pairs had the same ones. */
  readonly epoch?: number
  readonly block?: number
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

/** A logarithm of a ratio, and the server processes that it was measured with. */
export interface LogRatio {
  readonly log: number
  readonly epoch: number
  readonly block?: number | undefined
}

/** What is known of a mean of log-ratios. */
export interface Spread {
  readonly count: number
  readonly mean: number
  /** Of the mean; the epochs are in it. */
  readonly standardError: number
  readonly degrees: number
  /** By how much the epochs widen the variance of the mean: 1 where they don't matter. */
  readonly designEffect: number
}

const resamples = 10_000

/** With fewer blocks than this a bootstrap can't reach beyond the blocks' own range: Student's t takes its place. */
const leastResampled = 6

/** What no table prints: ratios nearer to 1 than half a percent are the same, however sure one is of them. */
export const indifference = Math.log(1.005)

/**
 * The geometric mean of the ratios with its 95 % interval. The interval comes from 10,000 bootstrap means of the paired log-ratios,
 * with two corrections, since 12 blocks are few:
 *
 * - A plain percentile interval of n values is too narrow by √((n − 1)/n) · 1.96/t(n − 1): of twelve, it holds the truth in 91 of
 *   100 cases. The percentiles are taken farther out, at Φ(−√(n/(n − 1)) · t), as Hesterberg proposes (2015, "What Teachers Should Know
 *   About the Bootstrap", §4.2.3, expanded percentile interval).
 * - Blocks of one epoch share server processes, and how a process is laid out in memory is part of the error (Kalibera and Jones 2013,
 *   "Rigorous Benchmarking in Reasonable Time": repetition counts at the highest level that varies). But a run has three or four
 *   epochs: resampling these alone would know nothing but their range. So the variance of the mean is multiplied by Kish's design
 *   effect, 1 + (m − 1)ρ, with m blocks an epoch and ρ their intraclass correlation by an analysis of variance, not below 0; and n
 *   blocks count for n / (design effect) in the degrees of freedom.
 *
 * It is the mean over blocks of their ratios' logarithms, and not the ratio of what the columns show, which are pooled over all blocks:
 * where what a cell divides by is a matter of chance (the deliveries that a poll found in a short window), the logarithm of a quotient is
 * larger on average than that of its expectation, by about half the divisor's relative variance, and the two differ: 5.2 beside 4.5, say.
 *
 * Null without a pair. One pair gives an interval without an end: a single block says nothing about its own error.
 */
export function ratioOf(pairs: readonly Pair[], seed: number): RatioEstimate | null {
  return estimateOf(logRatios(pairs), seed)
}

/** The same from log-ratios. */
export function estimateOf(logs: readonly LogRatio[], seed: number): RatioEstimate | null {
  if (logs.length === 0) return null
  const spread = spreadOf(logs)
  const ratio = Math.exp(spread.mean)
  if (logs.length === 1) return { ratio, low: 0, high: Number.POSITIVE_INFINITY, pairs: 1 }
  const t = studentQuantile(0.975, spread.degrees)
  if (logs.length < leastResampled) {
    const half = t * spread.standardError
    return {
      ratio,
      low: Math.exp(spread.mean - half),
      high: Math.exp(spread.mean + half),
      pairs: logs.length,
    }
  }
  const count = logs.length
  const means = bootstrapMeans(
    logs.map(({ log }) => log),
    randomStream(seed, 'bootstrap'),
  )
  const share = normalCdf(-Math.sqrt(count / (count - 1)) * t)
  const wider = Math.sqrt(spread.designEffect)
  const at = (quantileShare: number): number =>
    Math.exp(spread.mean + wider * (quantile(means, quantileShare) - spread.mean))
  return { ratio, low: at(share), high: at(1 - share), pairs: count }
}

/** The logarithms of the pairs that could be measured. */
export function logRatios(pairs: readonly Pair[]): readonly LogRatio[] {
  return pairs
    .map(({ value, base, epoch = 0, block }) => ({ log: Math.log(value / base), epoch, block }))
    .filter(({ log }) => Number.isFinite(log))
}

/** Mean, standard error and degrees of freedom of log-ratios, with what the epochs add. */
export function spreadOf(logs: readonly LogRatio[]): Spread {
  const count = logs.length
  const values = logs.map(({ log }) => log)
  const centre = mean(values)
  const variance = count < 2 ? Number.NaN : sumOfSquares(values, centre) / (count - 1)
  const designEffect = designEffectOf(logs, centre)
  const degrees = Math.max(1, count / designEffect - 1)
  const standardError = Math.sqrt((variance * designEffect) / count)
  return { count, mean: centre, standardError, degrees, designEffect }
}

/**
 * How often chance alone gives means so far from 0: the two-sided p-value of Student's t, beyond the half percent that doesn't matter.
 * By t and not by counting resamples, of which 10,000 know nothing of the small p-values that Holm's correction asks for.
 */
export function pValueOf(logs: readonly LogRatio[], margin: number = indifference): number {
  if (logs.length < 2) return Number.NaN
  const { mean: centre, standardError, degrees } = spreadOf(logs)
  const beyond = Math.abs(centre) - margin
  if (beyond <= 0) return 1
  return twoSidedP(beyond / standardError, degrees)
}

/** 1 + (m − 1)ρ, from a one-way analysis of variance with epochs of unequal sizes (m is then n₀ = (n − Σnᵢ²/n)/(k − 1)). */
function designEffectOf(logs: readonly LogRatio[], centre: number): number {
  const epochs = Map.groupBy(logs, ({ epoch }) => epoch)
  const [count, groups] = [logs.length, epochs.size]
  if (groups < 2 || count <= groups) return 1
  let [within, between, squares] = [0, 0, 0]
  for (const members of epochs.values()) {
    const values = members.map(({ log }) => log)
    const own = mean(values)
    within += sumOfSquares(values, own)
    between += values.length * (own - centre) ** 2
    squares += values.length ** 2
  }
  const perEpoch = (count - squares / count) / (groups - 1)
  const [meanWithin, meanBetween] = [within / (count - groups), between / (groups - 1)]
  const correlation = (meanBetween - meanWithin) / (meanBetween + (perEpoch - 1) * meanWithin)
  // Where nothing varies at all there is nothing to correlate.
  return Number.isNaN(correlation) ? 1 : 1 + (perEpoch - 1) * Math.max(0, correlation)
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

function sumOfSquares(values: readonly number[], centre: number): number {
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0)
}

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((one, other) => one - other),
    0.5,
  )
}

/** The quantile of ascending values, interpolated between neighbours (Hyndman and Fan's type 7). */
export function quantile(ascending: ArrayLike<number>, share: number): number {
  const place = (ascending.length - 1) * share
  const below = ascending[Math.floor(place)] ?? Number.NaN
  const above = ascending[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}

/** Means of resamples, ascending. */
export function bootstrapMeans(values: readonly number[], random: Random): Float64Array {
  const count = values.length
  const from = Float64Array.from(values)
  const means = new Float64Array(resamples)
  for (let round = 0; round < resamples; round++) {
    let sum = 0
    for (let draw = 0; draw < count; draw++) sum += from[Math.floor(random() * count)] ?? 0
    means[round] = sum / count
  }
  return means.sort()
}
