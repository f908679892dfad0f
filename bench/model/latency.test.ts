// The waits in closed form against simulations of what they describe.
import { describe, expect, it } from 'vitest'
import { exponential, randomStream } from '../random.ts'
import { bands, outsideBand } from './bands.ts'
import {
  burstWaits,
  emptyPollShare,
  longPolling,
  longPollingPeriodic,
  percentileOfSumUs,
  pollEcdf,
  pollLastPercentileUs,
  pollLastUs,
  pollMeanUs,
  pushLastUs,
  pushMeanUs,
  roundTripUs,
} from './latency.ts'

const random = randomStream(5, 'latency')

describe('pushing', () => {
  const push = { baseUs: 1000, writeUs: 10, subscribers: 100, burst: 1 }

  it('adds half a row of writes on average and a whole one for the last', () => {
    expect([pushMeanUs(push), pushLastUs(push)]).toEqual([1500, 2000])
    expect(pushLastUs({ ...push, burst: 200 })).toBe(1000 + 200 * 100 * 10)
  })

  it('adds nothing for the way but once up and once down', () => {
    expect(roundTripUs(10, 15)).toBe(25_000)
  })
})

describe('a burst', () => {
  it('comes between its first document and its last: 200 messages to 50, in one document, two, or very many', () => {
    const burst = { writeUs: 4, subscribers: 50, burst: 200 }
    expect(burstWaits(burst, 1)).toEqual({ firstUs: 40_000, spreadUs: 0 })
    expect(burstWaits(burst, 2)).toEqual({ firstUs: 20_000, spreadUs: 20_000 })
    expect(burstWaits(burst, 200).firstUs).toBe(200)
  })
})

describe('polling', () => {
  it('is a straight line from the base to a period later', () => {
    expect([0, 1000, 126_000, 251_000, 300_000].map((us) => pollEcdf(us, 1000, 250_000))).toEqual([
      0, 0, 0.5, 1, 1,
    ])
    expect(pollMeanUs(1000, 250_000)).toBe(126_000)
    const base = [{ value: 1000, share: 1 }]
    for (const percent of [1, 50, 99])
      expect(percentileOfSumUs(base, 250_000, percent)).toBeCloseTo(1000 + 2500 * percent, 1)
  })

  it('has the percentiles of its sum with a base that varies, as drawn', () => {
    const base = [
      { value: 1000, share: 0.9 },
      { value: 50_000, share: 0.1 },
    ]
    const drawn = Array.from({ length: 40_000 }, () => (random() < 0.9 ? 1000 : 50_000) + random() * 100_000)
    drawn.sort((one, other) => one - other)
    for (const percent of [10, 50, 90, 99])
      expect(
        Math.abs(percentileOfSumUs(base, 100_000, percent) / (drawn[percent * 400] ?? 0) - 1),
      ).toBeLessThan(0.03)
    expect(percentileOfSumUs(base, 0, 50)).toBeCloseTo(1000, 1)
    expect(percentileOfSumUs(base, 0, 95)).toBeCloseTo(50_000, 0)
  })

  it('has the largest of N uniform waits last', () => {
    const drawn = Array.from({ length: 20_000 }, () => Math.max(...Array.from({ length: 10 }, random)))
    expect(drawn.reduce((sum, one) => sum + one, 0) / drawn.length).toBeCloseTo(pollLastUs(0, 1, 10), 2)
    drawn.sort((one, other) => one - other)
    expect(drawn[10_000]).toBeCloseTo(pollLastPercentileUs(0, 1, 10, 50), 2)
  })

  it('finds nothing with e^(−λP)', () => {
    expect(emptyPollShare(2, 500)).toBeCloseTo(Math.exp(-1), 12)
    expect(emptyPollShare(0, 500)).toBe(1)
  })
})

describe('long polling', () => {
  it('waits and answers as a simulation of its cycles does', () => {
    const [rate, gapMs] = [20, 40]
    let [waited, messages, answers, nextMs, openMs] = [0, 0, 0, exponential(random, 1000 / rate), 0]
    while (answers < 60_000) {
      // A question is there at `openMs`: what came before waits for it, else the next message ends it at once.
      let found = 0
      for (; nextMs <= openMs; nextMs += exponential(random, 1000 / rate)) {
        waited += openMs - nextMs
        found += 1
      }
      let answerMs = openMs
      if (found === 0) {
        answerMs = nextMs
        found = 1
        nextMs += exponential(random, 1000 / rate)
      }
      messages += found
      answers += 1
      openMs = answerMs + gapMs
    }
    const { extraWaitMs, messagesPerAnswer } = longPolling(rate, gapMs)
    expect(messages / answers / messagesPerAnswer).toBeCloseTo(1, 1.7)
    expect(waited / messages / extraWaitMs).toBeCloseTo(1, 1.5)
  })

  it('costs a periodic source nothing while its period is longer than the gap', () => {
    expect(longPollingPeriodic(50, 40).extraWaitMs).toBe(0)
    // One every 10 ms, a gap of 25: 0 waits for nothing, 10 waits for 15, 20 for 5.
    expect(longPollingPeriodic(10, 25).extraWaitMs).toBeCloseTo(20 / 3, 9)
    expect(longPolling(0, 40)).toEqual({ extraWaitMs: 0, messagesPerAnswer: 1 })
  })
})

it('says what lies far outside of a band', () => {
  expect(outsideBand(bands.cpuUsPerDelivery, 20)).toBeNull()
  expect(outsideBand(bands.cpuUsPerDelivery, 60)).toBeNull()
  expect(outsideBand(bands.cpuUsPerDelivery, 90)).toContain('CPU per delivery is 90 µs')
  expect(outsideBand(bands.cpuUsPerDelivery, 1)).not.toBeNull()
})
