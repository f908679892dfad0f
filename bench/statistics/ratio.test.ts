// Ratios and their intervals against cases that can be worked out by hand.
import { describe, expect, it } from 'vitest'
import { randomStream } from '../random.ts'
import { median, type Pair, quantile, ratioOf } from './ratio.ts'
import { tiersOf } from './tiers.ts'

/** A normal number by the sum of twelve uniform ones. */
function normal(random: () => number): number {
  let sum = -6
  for (let one = 0; one < 12; one++) sum += random()
  return sum
}

function noisyPairs(count: number, ratio: number, spread: number, seed: number): Pair[] {
  const random = randomStream(seed, 'pairs')
  return Array.from({ length: count }, () => {
    const base = 10 * Math.exp(0.5 * normal(random))
    return { base, value: base * ratio * Math.exp(spread * normal(random)) }
  })
}

describe('ratioOf', () => {
  it('is exact where all pairs agree, whatever the blocks were like', () => {
    const pairs = [1, 10, 100].map((base) => ({ base, value: base * 1.3 }))
    const estimate = ratioOf(pairs, 1)
    expect(estimate?.ratio).toBeCloseTo(1.3, 12)
    expect(estimate?.low).toBeCloseTo(1.3, 12)
    expect(estimate?.high).toBeCloseTo(1.3, 12)
  })

  it('takes the geometric mean: twice and half are no difference', () => {
    expect(
      ratioOf(
        [
          { value: 2, base: 1 },
          { value: 1, base: 2 },
        ],
        1,
      )?.ratio,
    ).toBeCloseTo(1, 12)
  })

  it('has the interval of the closed form: exp(mean ± 1.96 σ/√n) for many pairs', () => {
    const pairs = noisyPairs(400, 1.2, 0.2, 5)
    const logs = pairs.map(({ value, base }) => Math.log(value / base))
    const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length
    const sigma = Math.sqrt(logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / logs.length)
    const half = (1.96 * sigma) / Math.sqrt(logs.length)
    const estimate = ratioOf(pairs, 5)
    expect(Math.log(estimate?.low ?? 0)).toBeCloseTo(mean - half, 2.5)
    expect(Math.log(estimate?.high ?? 0)).toBeCloseTo(mean + half, 2.5)
  })

  it('covers the truth about 19 times of 20', () => {
    let covered = 0
    for (let seed = 0; seed < 60; seed++) {
      const estimate = ratioOf(noisyPairs(20, 0.8, 0.3, seed), seed)
      if (estimate !== null && estimate.low <= 0.8 && estimate.high >= 0.8) covered += 1
    }
    expect(covered).toBeGreaterThanOrEqual(50)
    expect(covered).toBeLessThanOrEqual(60)
  })

  it('is the same for the same seed', () => {
    const pairs = noisyPairs(10, 1.1, 0.1, 3)
    expect(ratioOf(pairs, 9)).toEqual(ratioOf(pairs, 9))
  })

  it('says nothing of its error from one pair, and nothing at all from none', () => {
    expect(ratioOf([{ value: 3, base: 2 }], 1)).toEqual({
      ratio: 1.5,
      low: 0,
      high: Number.POSITIVE_INFINITY,
      pairs: 1,
    })
    expect(ratioOf([], 1)).toBeNull()
  })

  it('leaves out pairs that could not be measured', () => {
    expect(
      ratioOf(
        [
          { value: Number.NaN, base: 1 },
          { value: 2, base: 1 },
          { value: 2, base: 1 },
        ],
        1,
      )?.pairs,
    ).toBe(2)
  })
})

describe('quantile', () => {
  it('interpolates between neighbours', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5)
    expect(quantile([1, 2, 3, 4], 1)).toBe(4)
    expect(median([9, 1, 5])).toBe(5)
  })
})

describe('tiersOf', () => {
  const at = (ratio: number, low: number, high: number) => ({ ratio, low, high, pairs: 12 })

  it('puts those whose intervals overlap together', () => {
    const rows = [
      { subject: 'base', cpuRatio: null },
      { subject: 'alike', cpuRatio: at(1.02, 0.97, 1.06) },
      { subject: 'cheap', cpuRatio: at(0.5, 0.45, 0.55) },
      { subject: 'dear', cpuRatio: at(2, 1.8, 2.2) },
    ]
    expect(Object.fromEntries(tiersOf(rows, 'base'))).toEqual({ cheap: 1, base: 2, alike: 2, dear: 3 })
  })
})
