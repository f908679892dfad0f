// Ratios and their intervals against cases that can be worked out by hand, a known data set, and simulations of what they promise.
import { describe, expect, it } from 'vitest'
import { randomStream } from '../random.ts'
import { halfWidth, logRatios, median, type Pair, pValueOf, quantile, ratioOf, spreadOf } from './ratio.ts'

/** A normal number by the sum of twelve uniform ones. */
function normal(random: () => number): number {
  let sum = -6
  for (let one = 0; one < 12; one++) sum += random()
  return sum
}

interface Drawn {
  readonly count: number
  readonly ratio: number
  readonly spread: number
  /** Blocks that share servers, and the share of the variance that is the servers'. */
  readonly perEpoch?: number
  readonly correlation?: number
}

function noisyPairs(drawn: Drawn, random: () => number): Pair[] {
  const { count, ratio, spread, perEpoch = count, correlation = 0 } = drawn
  const shared = Array.from({ length: count }, () => Math.sqrt(correlation) * normal(random))
  return Array.from({ length: count }, (_, index) => {
    const epoch = Math.floor(index / perEpoch)
    const base = 10 * Math.exp(0.5 * normal(random))
    const noise = (shared[epoch] ?? 0) + Math.sqrt(1 - correlation) * normal(random)
    return { base, value: base * ratio * Math.exp(spread * noise), epoch }
  })
}

/** Additional hours of sleep of ten patients by two drugs (Student 1908; R's `sleep`), as pairs whose log-ratio is the difference. */
const sleep: readonly Pair[] = [
  [0.7, 1.9],
  [-1.6, 0.8],
  [-0.2, 1.1],
  [-1.2, 0.1],
  [-0.1, -0.1],
  [3.4, 4.4],
  [3.7, 5.5],
  [0.8, 1.6],
  [0.0, 4.6],
  [2.0, 3.4],
].map(([first = 0, second = 0]) => ({ base: Math.exp(first), value: Math.exp(second) }))

describe('ratioOf', () => {
  it('is exact where all pairs agree, whatever the blocks were like', () => {
    for (const bases of [
      [1, 10, 100],
      [1, 2, 3, 4, 5, 6, 7],
    ]) {
      const estimate = ratioOf(
        bases.map((base, epoch) => ({ base, value: base * 1.3, epoch: epoch % 2 })),
        1,
      )
      expect(estimate?.ratio).toBeCloseTo(1.3, 12)
      expect(estimate?.low).toBeCloseTo(1.3, 12)
      expect(estimate?.high).toBeCloseTo(1.3, 12)
    }
  })

  it('takes the geometric mean: twice and half are no difference', () => {
    const pairs = [
      { value: 2, base: 1 },
      { value: 1, base: 2 },
    ]
    expect(ratioOf(pairs, 1)?.ratio).toBeCloseTo(1, 12)
  })

  it('has the interval of the closed form: exp(mean ± 1.96 σ/√n) for many pairs', () => {
    const pairs = noisyPairs({ count: 400, ratio: 1.2, spread: 0.2 }, randomStream(5, 'pairs'))
    const { mean, standardError } = spreadOf(logRatios(pairs))
    const estimate = ratioOf(pairs, 5)
    expect(Math.log(estimate?.low ?? 0)).toBeCloseTo(mean - 1.96 * standardError, 2.5)
    expect(Math.log(estimate?.high ?? 0)).toBeCloseTo(mean + 1.96 * standardError, 2.5)
  })

  it("knows Student's sleep: t = 4.0621 with 9 degrees, p = 0.002833, 0.70 to 2.46 hours", () => {
    const logs = logRatios(sleep)
    const { mean, standardError, degrees } = spreadOf(logs)
    expect(mean).toBeCloseTo(1.58, 9)
    expect(mean / standardError).toBeCloseTo(4.0621, 4)
    expect(degrees).toBe(9)
    expect(pValueOf(logs, 0)).toBeCloseTo(0.002833, 6)
    const estimate = ratioOf(sleep, 1)
    // Five pairs are too few to resample: then it is Student's own interval.
    expect(Math.log(estimate?.low ?? 0)).toBeGreaterThan(0.7)
    expect(Math.abs(Math.log(estimate?.high ?? 0) - 2.46)).toBeLessThan(0.3)
    const few = ratioOf(sleep.slice(0, 5), 1)
    // The differences 1.2, 2.4, 1.3, 1.3, 0: mean 1.24, s = 0.8503, t(4) = 2.7764.
    expect(Math.log(few?.low ?? 0)).toBeCloseTo(1.24 - (2.7764 * 0.8503) / Math.sqrt(5), 3)
  })

  it.each<[string, Drawn, number]>([
    ['12 blocks', { count: 12, ratio: 0.8, spread: 0.3 }, 0.92],
    ['4 blocks', { count: 4, ratio: 0.8, spread: 0.3 }, 0.92],
    [
      '15 blocks of which five share servers that matter',
      { count: 15, ratio: 0.8, spread: 0.3, perEpoch: 5, correlation: 0.3 },
      0.84,
    ],
  ])('covers the truth about 19 times of 20: %s', (_name, drawn, least) => {
    const random = randomStream(11, 'coverage')
    const runs = 250
    let covered = 0
    for (let run = 0; run < runs; run++) {
      const estimate = ratioOf(noisyPairs(drawn, random), run)
      if (estimate !== null && estimate.low <= 0.8 && estimate.high >= 0.8) covered += 1
    }
    expect(covered / runs).toBeGreaterThanOrEqual(least)
    expect(covered / runs).toBeLessThanOrEqual(0.985)
  })

  it('grows with what the servers themselves differ by', () => {
    const values = [1, 1, 1, 1, 1, 1.3, 1.3, 1.3, 1.3, 1.31]
    const pairs = values.map((value, index) => ({ value, base: 1, epoch: Math.floor(index / 5) }))
    const [apart, together] = [
      ratioOf(pairs, 1),
      ratioOf(
        pairs.map((pair) => ({ ...pair, epoch: 0 })),
        1,
      ),
    ]
    expect(apart === null ? 0 : halfWidth(apart)).toBeGreaterThan(
      2 * (together === null ? 1 : halfWidth(together)),
    )
    expect(spreadOf(logRatios(pairs)).designEffect).toBeCloseTo(5, 1)
  })

  it('calls A/A different in fewer than 5 of 100 runs', () => {
    const random = randomStream(3, 'alike')
    const runs = 400
    let declared = 0
    for (let run = 0; run < runs; run++) {
      const pairs = noisyPairs({ count: 12, ratio: 1, spread: 0.1, perEpoch: 5 }, random)
      if (pValueOf(logRatios(pairs)) <= 0.05) declared += 1
    }
    expect(declared / runs).toBeLessThan(0.05)
  })

  it('does not take half a percent for a difference, however sure of it', () => {
    const pairs = Array.from({ length: 12 }, () => ({ value: 1.004, base: 1 }))
    expect(pValueOf(logRatios(pairs))).toBe(1)
    expect(pValueOf(logRatios(pairs.map((pair) => ({ ...pair, value: 1.01 }))))).toBeLessThan(1e-9)
  })

  it('is the same for the same seed', () => {
    const pairs = noisyPairs({ count: 10, ratio: 1.1, spread: 0.1 }, randomStream(3, 'pairs'))
    expect(ratioOf(pairs, 9)).toEqual(ratioOf(pairs, 9))
  })

  it('says nothing of its error from one pair, and nothing at all from none', () => {
    const one = { ratio: 1.5, low: 0, high: Number.POSITIVE_INFINITY, pairs: 1 }
    expect(ratioOf([{ value: 3, base: 2 }], 1)).toEqual(one)
    expect(ratioOf([], 1)).toBeNull()
    expect(pValueOf(logRatios([{ value: 3, base: 2 }]))).toBeNaN()
  })

  it('leaves out pairs that could not be measured', () => {
    const pairs = [
      { value: Number.NaN, base: 1 },
      { value: 2, base: 1 },
      { value: 2, base: 1 },
    ]
    expect(ratioOf(pairs, 1)?.pairs).toBe(2)
  })
})

describe('quantile', () => {
  it('interpolates between neighbours', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5)
    expect(quantile([1, 2, 3, 4], 1)).toBe(4)
    expect(median([9, 1, 5])).toBe(5)
  })
})
