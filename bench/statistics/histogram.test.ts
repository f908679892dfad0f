// Histograms: exactness, merging, encoding, and which percentiles may be said.
import { describe, expect, it } from 'vitest'
import {
  createHistogram,
  decodeHistogram,
  encodeHistogram,
  mayBeSaid,
  mergeHistograms,
  percentileUs,
} from './histogram.ts'

function of(from: number, to: number) {
  const histogram = createHistogram()
  for (let value = from; value <= to; value++) histogram.recordValue(value)
  return histogram
}

describe('histograms', () => {
  it('know the percentiles of 1 to 1,000 exactly', () => {
    const histogram = of(1, 1000)
    expect(percentileUs(histogram, 50)).toBe(500)
    expect(percentileUs(histogram, 99)).toBe(990)
    expect(histogram.maxValue).toBe(1000)
  })

  it('keep three significant digits up to an hour', () => {
    const histogram = createHistogram()
    for (let one = 0; one < 20; one++) histogram.recordValue(3_600_000_000)
    const value = percentileUs(histogram, 50) ?? 0
    expect(Math.abs(value - 3.6e9) / 3.6e9).toBeLessThan(0.001)
  })

  it('merge into what one histogram of all samples would be', () => {
    const merged = mergeHistograms([of(1, 400), of(401, 1000)])
    expect(merged.totalCount).toBe(1000)
    expect(percentileUs(merged, 99)).toBe(990)
  })

  it('come through their encoding, the maximum with its three digits', () => {
    const decoded = decodeHistogram(encodeHistogram(of(1, 5000)))
    expect(decoded.totalCount).toBe(5000)
    expect(percentileUs(decoded, 50)).toBe(percentileUs(of(1, 5000), 50))
    expect(Math.abs(decoded.maxValue - 5000)).toBeLessThanOrEqual(5)
  })

  it('come through it empty', () => {
    expect(decodeHistogram(encodeHistogram(createHistogram())).totalCount).toBe(0)
  })
})

describe('the rule n(1 − p) ≥ 10', () => {
  it.each([
    [19, 50, false],
    [20, 50, true],
    [999, 99, false],
    [1000, 99, true],
    [9999, 99.9, false],
    [10_000, 99.9, true],
  ])('with %i samples, p%d: %s', (samples, percent, said) => {
    expect(mayBeSaid(samples, percent)).toBe(said)
  })

  it('silences a percentile', () => {
    expect(percentileUs(of(1, 999), 99)).toBeNull()
    expect(percentileUs(of(1, 999), 50)).toBe(500)
  })
})
