// Ranks with their error in view: subjects whose intervals overlap share a tier.
import type { RatioEstimate } from './ratio.ts'

interface Ranked {
  readonly subject: string
  readonly cpuRatio: RatioEstimate | null
}

/** Tiers from 1, the cheapest. The baseline's ratio to itself is exactly 1. A new tier begins where an interval lies wholly above the first one of the tier before. */
export function tiersOf(rows: readonly Ranked[], baseline: string): ReadonlyMap<string, number> {
  const exactly = { ratio: 1, low: 1, high: 1, pairs: 0 }
  const ordered = rows
    .map(({ subject, cpuRatio }) => ({ subject, at: subject === baseline ? exactly : cpuRatio }))
    .filter((row): row is { subject: string; at: RatioEstimate } => row.at !== null)
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
