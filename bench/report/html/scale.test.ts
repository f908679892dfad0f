// Scales, ticks and the spreading of labels against values that are known in closed form.
import { describe, expect, it } from 'vitest'
import { simplified, spread } from './chart.ts'
import {
  durationLabel,
  lastPercentile,
  linearScale,
  logScale,
  nines,
  percentileScale,
  plain,
  roundBounds,
  roundStep,
} from './scale.ts'

describe('linearScale', () => {
  it('ends at round numbers with steps of 1, 2 or 5', () => {
    const scale = linearScale(0, 9.3, 5, String)
    expect(scale.ticks.map((tick) => tick.value)).toEqual([0, 2, 4, 6, 8, 10])
    expect([scale.place(0), scale.place(5), scale.place(10)]).toEqual([0, 0.5, 1])
  })
})

describe('logScale', () => {
  it('puts powers of ten at even distances', () => {
    const scale = logScale(1, 1000, 5, plain)
    expect(scale.ticks.map((tick) => tick.label)).toEqual(['1', '10', '100', '1,000'])
    expect(scale.place(10)).toBeCloseTo(1 / 3)
    expect(scale.place(100)).toBeCloseTo(2 / 3)
  })

  it('adds ticks between the powers where there is room, and leaves some out where there is none', () => {
    expect(logScale(1, 10, 8, plain).ticks.map((tick) => tick.value)).toEqual([1, 2, 5, 10])
    expect(logScale(0.001, 100, 3, plain).ticks.map((tick) => tick.value)).toEqual([0.001, 0.1, 10])
  })
})

describe('percentileScale', () => {
  it('makes each nine as wide as the one before', () => {
    expect([0, 90, 99, 99.9].map((percent) => Math.round(nines(percent) * 1000) / 1000)).toEqual([0, 1, 2, 3])
    const scale = percentileScale(99.9)
    expect(scale.place(90)).toBeCloseTo(1 / 3)
    expect(scale.ticks.map((tick) => tick.label)).toEqual(['0 %', '50 %', '90 %', '99 %', '99.9 %'])
  })

  it('is cut where fewer than ten samples lie beyond', () => {
    expect(lastPercentile(1000)).toBeCloseTo(99)
    expect(lastPercentile(20)).toBeCloseTo(50)
    expect(lastPercentile(10)).toBe(0)
  })
})

describe('bounds and labels', () => {
  it('rounds outwards', () => {
    expect(roundBounds([0.35, 7.2])).toEqual([0.2, 10])
    expect(roundBounds([])).toEqual([1, 10])
    const [low, high] = roundBounds([5, 5])
    expect(low <= 5 && high >= 5 && high > low).toBe(true)
    expect([roundStep(0.9), roundStep(1), roundStep(3), roundStep(60)]).toEqual([1, 1, 5, 100])
  })

  it('says durations with their unit', () => {
    expect([0, 0.05, 0.25, 12, 1500].map(durationLabel)).toEqual([
      '0 ms',
      '50 µs',
      '0.25 ms',
      '12 ms',
      '1.5 s',
    ])
  })

  it('moves labels apart by no less than the gap and keeps them inside', () => {
    const places = spread([10, 10, 11, 90, 99, 100], 15, [0, 100])
    for (let index = 1; index < places.length; index++)
      expect((places[index] ?? 0) - (places[index - 1] ?? 0)).toBeGreaterThanOrEqual(15 - 1e-9)
    expect(places.at(-1)).toBeLessThanOrEqual(100)
    expect(places[0]).toBeGreaterThanOrEqual(0)
  })

  it('drops points that lie on the line, and no others', () => {
    const straight = Array.from({ length: 50 }, (_, x) => ({ x, y: 2 * x }))
    expect(simplified(straight)).toHaveLength(2)
    expect(
      simplified([
        { x: 0, y: 0 },
        { x: 1, y: 5 },
        { x: 2, y: 0 },
      ]),
    ).toHaveLength(3)
  })
})
