// Tiers against the standings that they must agree with.
import { expect, it } from 'vitest'
import type { LogRatio, RatioEstimate } from './ratio.ts'
import type { Standing } from './summary.ts'
import { tiersOf } from './tiers.ts'

interface Made {
  readonly subject: string
  readonly standing: Standing
  readonly ratio: number
  readonly half?: number
  readonly pairs?: number
}

/** Errors of ± 1 % in turns. */
function between(rows: readonly Made[]): (subject: string, other: string) => readonly LogRatio[] {
  const of = (name: string): number => Math.log(rows.find(({ subject }) => subject === name)?.ratio ?? 1)
  return (subject, other) =>
    Array.from({ length: 12 }, (_, block) => ({
      log: of(subject) - of(other) + (block % 2 === 0 ? 0.01 : -0.01),
      epoch: 0,
    }))
}

function tiers(rows: readonly Made[]): Record<string, number> {
  const ranked = rows.map(({ subject, standing, ratio, half = 0.02, pairs = 12 }) => {
    const estimate: RatioEstimate = {
      ratio,
      low: ratio * Math.exp(-half),
      high: ratio * Math.exp(half),
      pairs,
    }
    return { subject, standing, ratio: standing === 'baseline' ? null : estimate }
  })
  return Object.fromEntries(tiersOf(ranked, { limit: 0.15, alpha: 0.05, between: between(rows) }))
}

const baseline = { subject: 'websocket', standing: 'baseline', ratio: 1 } as const

it('keeps what is unresolved with the baseline, and what is not out of its tier', () => {
  const rows: readonly Made[] = [
    baseline,
    { subject: 'tcp', standing: 'less', ratio: 0.6 },
    { subject: 'ws', standing: 'less', ratio: 0.97 },
    { subject: 'a', standing: 'unresolved', ratio: 0.9, half: 0.14 },
    { subject: 'b', standing: 'unresolved', ratio: 1.13, half: 0.14 },
    { subject: 'c', standing: 'more', ratio: 1.02 },
    { subject: 'd', standing: 'more', ratio: 1.021 },
    { subject: 'e', standing: 'more', ratio: 1.3 },
  ]
  expect(tiers(rows)).toEqual({ tcp: 1, ws: 2, websocket: 3, a: 3, b: 3, c: 4, d: 4, e: 5 })
})

it('gives what is hardly known no tier, and lets it move no other', () => {
  const rows: readonly Made[] = [
    baseline,
    { subject: 'ws', standing: 'less', ratio: 0.6 },
    { subject: 'polling 5 s', standing: 'unresolved', ratio: 0.7, half: 4 },
    { subject: 'three pairs', standing: 'more', ratio: 2, pairs: 3 },
    { subject: 'polling', standing: 'more', ratio: 3 },
  ]
  expect(tiers(rows)).toEqual({ ws: 1, websocket: 2, polling: 3 })
})
