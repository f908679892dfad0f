// Ranks with their error in view, which say the same as the standings: the baseline's tier holds what can't be told from it, nothing else.
import { holm } from './holm.ts'
import { halfWidth, type LogRatio, pValueOf, type RatioEstimate } from './ratio.ts'
import type { Standing } from './summary.ts'

export interface Ranked {
  readonly subject: string
  /** To the baseline; null for the baseline itself. */
  readonly ratio: RatioEstimate | null
  readonly standing: Standing
}

export interface TierOptions {
  /** A row whose own ratio is known no better than this has no tier, nor has one of fewer than four pairs. */
  readonly limit: number
  readonly alpha: number
  /** The paired log-ratios of two subjects, block by block. */
  readonly between: (subject: string, other: string) => readonly LogRatio[]
}

const leastPairs = 4

/**
 * Tiers from 1, the cheapest. "Can't be told apart" does not carry over from neighbour to neighbour, so tiers can't show every
 * comparison. What they promise is the standings: first all that are `less`, then the baseline with all that are `unresolved`, then all
 * that are `more`. On either side of the baseline a row begins a tier where it differs from the tier's first, block by block, by more
 * than the half percent that doesn't matter, after Holm's correction over all pairs of that side. Two `unresolved` rows that differ from
 * each other stay together: neither differs from the baseline. A row that is known too badly has no tier, and moves no other.
 */
export function tiersOf(
  rows: readonly Ranked[],
  { limit, alpha, between }: TierOptions,
): ReadonlyMap<string, number> {
  const known = rows.filter(({ standing, ratio }) => standing === 'baseline' || isKnown(ratio, limit))
  const side = (wanted: Standing): readonly (readonly string[])[] =>
    split(
      known.filter(({ standing }) => standing === wanted),
      alpha,
      between,
    )
  const middle = known.filter(({ standing }) => standing === 'baseline' || standing === 'unresolved')
  const groups = [...side('less'), middle.map(({ subject }) => subject), ...side('more')]
  return new Map(
    groups
      .filter((group) => group.length > 0)
      .flatMap((group, index) => group.map((subject) => [subject, index + 1] as const)),
  )
}

function split(
  rows: readonly Ranked[],
  alpha: number,
  between: TierOptions['between'],
): readonly (readonly string[])[] {
  const names = rows
    .toSorted((one, other) => (one.ratio?.ratio ?? 1) - (other.ratio?.ratio ?? 1))
    .map(({ subject }) => subject)
  const pairs = names.flatMap((one, place) => names.slice(place + 1).map((other) => [one, other] as const))
  const adjusted = holm(pairs.map(([one, other]) => pValueOf(between(other, one))))
  const differ = new Set(
    pairs.filter((_, index) => (adjusted[index] ?? 1) <= alpha).map((pair) => pair.join('\n')),
  )
  const groups: string[][] = []
  for (const name of names) {
    const group = groups.at(-1)
    if (group === undefined || differ.has(`${group[0]}\n${name}`)) groups.push([name])
    else group.push(name)
  }
  return groups
}

function isKnown(ratio: RatioEstimate | null, limit: number): boolean {
  return ratio !== null && ratio.pairs >= leastPairs && halfWidth(ratio) < limit
}
