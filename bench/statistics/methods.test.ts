// The small methods against tables and examples that are published: Student's t, Holm, Mann and Kendall, lines, tiers, modes.
import { describe, expect, it } from 'vitest'
import { bucketsOf, countBetween, distributionOf, ecdfAt } from './ecdf.ts'
import { createHistogram, decodeHistogram, encodeHistogram } from './histogram.ts'
import { holm } from './holm.ts'
import { inMostCells, modesOf } from './modes.ts'
import { modeFindings } from './modes-gate.ts'
import { lineThrough } from './slope.ts'
import { normalCdf, studentCdf, studentQuantile, twoSidedP } from './student.ts'
import { isDiverging, trendOf } from './trend.ts'

describe("Student's t", () => {
  it('has the quantiles of its tables', () => {
    const table = [
      [0.975, 1, 12.7062],
      [0.975, 4, 2.7764],
      [0.975, 11, 2.201],
      [0.95, 9, 1.8331],
      [0.995, 30, 2.75],
    ] as const
    for (const [share, degrees, value] of table) expect(studentQuantile(share, degrees)).toBeCloseTo(value, 3)
    expect(studentQuantile(0.025, 11)).toBeCloseTo(-2.201, 3)
  })

  it('is Cauchy’s distribution with one degree, and the normal one with very many', () => {
    expect(studentCdf(1, 1)).toBeCloseTo(0.75, 10)
    expect(twoSidedP(1, 1)).toBeCloseTo(0.5, 10)
    expect(normalCdf(1.959964)).toBeCloseTo(0.975, 6)
    expect(normalCdf(-1)).toBeCloseTo(0.158655, 6)
    expect(twoSidedP(Number.POSITIVE_INFINITY, 5)).toBe(0)
  })
})

describe('holm', () => {
  it('is right about the usual example: of four, the first and the last are different', () => {
    const adjusted = holm([0.01, 0.04, 0.03, 0.005])
    for (const [index, value] of [0.03, 0.06, 0.06, 0.02].entries())
      expect(adjusted[index]).toBeCloseTo(value, 12)
  })

  it('leaves out what was not tested, and never exceeds 1', () => {
    expect(holm([0.04, Number.NaN, 0.9])).toEqual([0.08, Number.NaN, 0.9])
    expect(holm([0.6, 0.7])).toEqual([1, 1])
  })
})

describe('trendOf', () => {
  it('has the closed form of five that rise: S = 10, z = 9/√(50/3)', () => {
    const { slope, pValue } = trendOf([1, 2, 3, 4, 5])
    expect(slope).toBe(1)
    expect(pValue).toBeCloseTo(1 - normalCdf(9 / Math.sqrt(50 / 3)), 12)
  })

  it('finds no trend where there is none', () => {
    expect(trendOf([3, 3, 3, 3])).toEqual({ slope: 0, pValue: 0.5 })
    expect(trendOf([5, 4, 3, 2, 1]).pValue).toBeGreaterThan(0.95)
  })

  it('calls a backlog diverging when it grows, and not when it is only noisy or hardly grows', () => {
    expect(isDiverging([10, 20, 30, 40, 50, 60, 70, 80])).toBe(true)
    expect(isDiverging([10, 11, 9, 10, 11, 10, 9, 10])).toBe(false)
    expect(isDiverging([100, 101, 102, 103, 104, 105, 106, 107])).toBe(false)
    expect(isDiverging([1, 9])).toBe(false)
  })
})

it('draws a line through points: 4 KB a connection on top of 60 MB', () => {
  const line = lineThrough([100, 200, 400].map((x) => ({ x, y: 60e6 + 4096 * x })))
  expect(line?.slope).toBeCloseTo(4096, 6)
  expect(line?.intercept).toBeCloseTo(60e6, 2)
  expect(line?.fit).toBeCloseTo(1, 12)
  expect(lineThrough([{ x: 1, y: 2 }])).toBeNull()
})

describe('a histogram as a distribution', () => {
  const histogram = createHistogram()
  for (const value of [100, 200, 200, 50_000]) histogram.recordValue(value)
  const buckets = bucketsOf(decodeHistogram(encodeHistogram(histogram)))

  it('has the values and their shares, also when it was read from a file', () => {
    expect(distributionOf(histogram).map(({ share }) => share)).toEqual([0.25, 0.5, 0.25])
    expect(buckets.slice(0, 2)).toEqual([
      { value: 100, count: 1 },
      { value: 200, count: 2 },
    ])
  })

  it('counts', () => {
    expect(countBetween(buckets, 100, 200)).toBe(1)
    expect([ecdfAt(buckets, 99), ecdfAt(buckets, 200), ecdfAt(buckets, 60_000)]).toEqual([0, 0.75, 1])
  })
})

describe('modes', () => {
  const spread = (fromMs: number, toMs: number, count: number) =>
    Array.from({ length: count }, (_, index) => ({
      value: (fromMs + ((toMs - fromMs) * index) / count) * 1000,
      count: 1,
    }))

  it('finds a cluster at 40 ms, and one at 200', () => {
    expect(modesOf([...spread(1, 4, 90), ...spread(40, 42, 10)])).toEqual([{ timerMs: 40, share: 0.1 }])
    expect(modesOf([...spread(1, 4, 90), ...spread(200, 205, 10)])).toEqual([{ timerMs: 200, share: 0.1 }])
  })

  it('finds none where an even spread or a long tail passes by, nor where the path takes that long', () => {
    expect(modesOf(spread(0, 250, 1000))).toEqual([])
    expect(modesOf([...spread(1, 20, 90), ...spread(20, 90, 30)])).toEqual([])
    expect(modesOf(spread(40, 44, 100), 38)).toEqual([])
  })

  it('is none where one message of one cell was held up', () => {
    const [calm, held] = [spread(1, 4, 90), [...spread(1, 4, 80), ...spread(40, 41, 10)]]
    const modes = modesOf([...calm, ...held])
    expect(modes).toHaveLength(1)
    expect(inMostCells(modes, [calm, held])).toEqual([])
    expect(inMostCells(modes, [held, held, calm])).toEqual(modes)
  })

  it('is NODELAY where only some have it, and the machine where all do', () => {
    const mode = [{ timerMs: 40, share: 0.1 }] as const
    const [with40, without] = [
      { subject: 'ws', modes: mode },
      { subject: 'websocket', modes: [] },
    ]
    expect(modeFindings([with40, without]).problems).toEqual([expect.stringContaining('NODELAY')])
    expect(modeFindings([with40, { ...without, modes: mode }])).toEqual({
      problems: [],
      warnings: [expect.stringContaining('ws, websocket: deliveries gather at 40 ms')],
    })
    expect(modeFindings([without])).toEqual({ problems: [], warnings: [] })
  })
})
