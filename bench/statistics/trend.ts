// Whether values grow as time goes by: Mann and Kendall's test, with Theil and Sen's slope.
import { median } from './ratio.ts'
import { normalCdf } from './student.ts'

export interface Trend {
  /** The median of all pairs' slopes, per step. */
  readonly slope: number
  /** One-sided: how often chance alone grows like this. */
  readonly pValue: number
}

/**
 * S counts the pairs that rise less those that fall; without ties its variance is n(n − 1)(2n + 5)/18 where nothing grows, and each
 * group of t ties takes t(t − 1)(2t + 5)/18 off (Mann 1945, Kendall 1975). Nothing is assumed of how the values are spread.
 */
export function trendOf(values: readonly number[]): Trend {
  const count = values.length
  const slopes: number[] = []
  let rises = 0
  for (const [later, value] of values.entries()) {
    for (const [earlier, before] of values.slice(0, later).entries()) {
      rises += Math.sign(value - before)
      slopes.push((value - before) / (later - earlier))
    }
  }
  if (slopes.length === 0) return { slope: Number.NaN, pValue: 1 }
  const weight = (size: number): number => size * (size - 1) * (2 * size + 5)
  let ties = 0
  for (const group of Map.groupBy(values, (value) => value).values()) ties += weight(group.length)
  const variance = (weight(count) - ties) / 18
  const z = variance > 0 ? (rises - Math.sign(rises)) / Math.sqrt(variance) : 0
  return { slope: median(slopes), pValue: 1 - normalCdf(z) }
}

/**
 * Whether medians of consecutive stretches say that a backlog grows: a rise that chance gives one time in a hundred, and a last third
 * at least half as much again as the first. Both, since a long window finds a rise of nothing.
 */
export function isDiverging(mediansUs: readonly number[]): boolean {
  if (mediansUs.length < 4) return false
  const third = Math.max(1, Math.floor(mediansUs.length / 3))
  const grown = median(mediansUs.slice(-third)) >= 1.5 * median(mediansUs.slice(0, third))
  return grown && trendOf(mediansUs).pValue < (mediansUs.length < 6 ? 0.05 : 0.01)
}
