// Ranks with their error in view: subjects whose intervals overlap share a tier.
import type { RatioEstimate } from './ratio.ts'

export interface Ranked {
  readonly subject: string
  /** To the baseline; null where it can't be ranked, and for the baseline itself. */
  readonly ratio: RatioEstimate | null
}

/**
 * Tiers from 1, the cheapest. The baseline's ratio to itself is exactly 1. A new tier begins where an interval lies wholly above those
 * of all members of the tier before, so that whoever overlaps with one of them is in it.
 */
export function tiersOf(rows: readonly Ranked[], baseline: string): ReadonlyMap<string, number> {
  const exactly = { ratio: 1, low: 1, high: 1, pairs: 0 }
  const ordered = rows
    .map(({ subject, ratio }) => ({ subject, at: subject === baseline ? exactly : ratio }))
    .filter((row): row is { subject: string; at: RatioEstimate } => row.at !== null)
    .sort((one, other) => one.at.low - other.at.low)
  const tiers = new Map<string, number>()
  let tier = 0
  let ceiling = Number.NEGATIVE_INFINITY
  for (const { subject, at } of ordered) {
    if (at.low > ceiling) tier += 1
    ceiling = Math.max(ceiling, at.high)
    tiers.set(subject, tier)
  }
  return tiers
}
