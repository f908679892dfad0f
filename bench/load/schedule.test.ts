// The schedule: seeded, ascending, and Poisson.
import { describe, expect, it } from 'vitest'
import { randomStream } from '../random.ts'
import { burstSchedule, poissonSchedule } from './schedule.ts'

const options = { ratePerSecond: 1000, durationMs: 60_000 }

describe('poissonSchedule', () => {
  const times = poissonSchedule(randomStream(7, 'schedule'), options)
  const gaps = times.map((time, index) => time - (times[index - 1] ?? 0))

  it('is the same for the same seed and another for another', () => {
    expect(poissonSchedule(randomStream(7, 'schedule'), options)).toEqual(times)
    expect(poissonSchedule(randomStream(8, 'schedule'), options)).not.toEqual(times)
    expect(poissonSchedule(randomStream(7, 'other'), options)).not.toEqual(times)
  })

  it('ascends and stays within the duration', () => {
    expect(gaps.every((gap) => gap >= 0)).toBe(true)
    expect(times.at(-1)).toBeLessThan(options.durationMs)
  })

  it('has as many messages as the rate says, within four standard deviations', () => {
    expect(Math.abs(times.length - 60_000)).toBeLessThan(4 * Math.sqrt(60_000))
  })

  it('has exponential gaps: the standard deviation is the mean, and a share of 1/e is longer than it', () => {
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length
    expect(Math.sqrt(variance) / mean).toBeCloseTo(1, 1)
    expect(gaps.filter((gap) => gap > mean).length / gaps.length).toBeCloseTo(1 / Math.E, 2)
  })

  it('is empty when there is no time', () => {
    expect(poissonSchedule(randomStream(7, 'schedule'), { ratePerSecond: 20, durationMs: 0 })).toEqual([])
  })
})

describe('burstSchedule', () => {
  it('sends so many at one moment, evenly spaced', () => {
    const times = burstSchedule({ ratePerSecond: 8, durationMs: 1000, burst: 4 })
    expect(times).toEqual([250, 250, 250, 250, 750, 750, 750, 750])
  })

  it('is empty in a window that is shorter than half a spacing', () => {
    expect(burstSchedule({ ratePerSecond: 1, durationMs: 400, burst: 1 })).toEqual([])
  })
})
