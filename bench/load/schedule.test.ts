// The schedule: seeded, ascending, and Poisson.
import { describe, expect, it } from 'vitest'
import { randomStream } from '../random.ts'
import { burstSchedule, givenCountSchedule, poissonSchedule } from './schedule.ts'

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
    expect(times).toEqual([0, 0, 0, 0, 500, 500, 500, 500])
  })
})

describe('givenCountSchedule', () => {
  it('has as many messages as the rate makes, at times that are spread evenly', () => {
    const random = randomStream(4, 'count')
    const all = Array.from({ length: 2000 }, () =>
      givenCountSchedule(random, { ratePerSecond: 2, durationMs: 1500 }),
    )
    expect(all.every((times) => times.length === 3)).toBe(true)
    expect(all.every((times) => times.every((time, place) => time >= (times[place - 1] ?? 0)))).toBe(true)
    const mean = all.flat().reduce((sum, time) => sum + time, 0) / 6000
    // The mean of a uniform time is 750 ms, its standard error here 5.6 ms.
    expect(Math.abs(mean - 750)).toBeLessThan(25)
  })

  it('keeps the rate where a stretch is to have half a message', () => {
    const random = randomStream(4, 'half')
    let messages = 0
    for (let stretch = 0; stretch < 2000; stretch++)
      messages += givenCountSchedule(random, { ratePerSecond: 2, durationMs: 250 }).length
    expect(messages).toBeGreaterThan(900)
    expect(messages).toBeLessThan(1100)
  })
})
