// Ranks with their error in view: subjects whose intervals overlap share a tier.
import type { RatioEstimate } from './ratio.ts'

export interface Ranked {
  readonly subject: string
  /** To the baseline; null where it can't be ranked, and for the baseline itself. */
  readonly ratio: RatioEstimate | null
}

/** A ratio that is known no better than this, up or down, has no rank: with two blocks an interval may reach from 0.005 to 100. */
export const widestRanked = 1.5

/**
 * Tiers from 1, the cheapest. The baseline's ratio to itself is exactly 1. Whoever's interval overlaps with that of a tier's first is in
 * that tier: not with just any member's, or a chain of neighbours would put all into one.
 */
export function tiersOf(rows: readonly Ranked[], baseline: string): ReadonlyMap<string, number> {
  const exactly = { ratio: 1, low: 1, high: 1, pairs: 0 }
  const ordered = rows
    .map(({ subject, ratio }) => ({ subject, at: subject === baseline ? exactly : ratio }))
    .filter((row): row is { subject: string; at: RatioEstimate } => row.at !== null && isNarrow(row.at))
    .sort((one, other) => one.at.ratio - other.at.ratio)
  const tiers = new Map<string, number>()
  let tier = 0
  let ceiling = Number.NEGATIVE_INFINITY
  for (const { subject, at } of ordered) {
    if (at.low > ceiling) {
      tier += 1
      ceiling = at.high
    }
    tiers.set(subject, tier)
  }
  return tiers
}

function isNarrow({ low, high }: RatioEstimate): boolean {
  return low > 0 && Math.sqrt(high / low) <= widestRanked
}
