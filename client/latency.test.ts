// Latency: which sends meet which deliveries, and what the percentiles say.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clockResolution, Latencies, latencyLimits, percentile } from './latency.ts'

describe('samples', () => {
  test('go from send to delivery', () => {
    const latencies = new Latencies()
    latencies.sent('a', 100)
    expect(latencies.delivered('a', 112.5, 'websocket', 0)).toEqual({
      atMs: 112.5,
      durationMs: 12.5,
      transport: 'websocket',
    })
  })

  test('are taken once: a message that comes twice is the proof line’s business', () => {
    const latencies = new Latencies()
    latencies.sent('a', 100)
    latencies.delivered('a', 101, 'websocket', 0)
    expect(latencies.delivered('a', 102, 'websocket', 0)).toBeNull()
    expect(latencies.taken).toBe(1)
  })

  test('start at the first send, not at a repeated one', () => {
    const latencies = new Latencies()
    latencies.sent('a', 100)
    latencies.sent('a', 150)
    expect(latencies.delivered('a', 160, 'polling', 0)?.durationMs).toBe(60)
  })

  test('leave out what was forgotten and what others sent', () => {
    const latencies = new Latencies()
    latencies.sent('a', 100)
    latencies.forget('a')
    expect(latencies.delivered('a', 101, 'polling', 0)).toBeNull()
    expect(latencies.delivered('of somebody else', 101, 'polling', 0)).toBeNull()
    expect(latencies.summary('polling')).toBeNull()
  })
})

describe('a switch', () => {
  test('leaves out what was sent before the new transport was live, and what the old one still brings', () => {
    const latencies = new Latencies()
    for (const id of ['before', 'after', 'late']) latencies.sent(id, id === 'after' ? 200 : 100)
    expect(latencies.delivered('before', 600, 'websocket', 150)).toBeNull()
    expect(latencies.delivered('late', 600, 'polling', null)).toBeNull()
    expect(latencies.delivered('after', 203, 'websocket', 150)?.durationMs).toBe(3)
  })
})

describe('windows', () => {
  test('belong to one transport and hold the newest samples', () => {
    const latencies = new Latencies()
    const all = latencyLimits.windowSamples + 50
    for (let index = 0; index < all; index++) {
      latencies.sent(`${index}`, 0)
      latencies.delivered(`${index}`, index, 'polling', 0)
    }
    latencies.sent('other', 0)
    latencies.delivered('other', 3, 'websocket', 0)
    expect(latencies.summary('polling')).toEqual({ samples: 200, p50Ms: 149, p99Ms: 247 })
    expect(latencies.summary('websocket')).toEqual({ samples: 1, p50Ms: 3, p99Ms: 3 })
  })

  test('the chart forgets what is older than it shows', () => {
    const latencies = new Latencies()
    for (const atMs of [1000, 50_000, 61_500]) {
      latencies.sent(`${atMs}`, atMs - 5)
      latencies.delivered(`${atMs}`, atMs, 'polling', 0)
    }
    expect(latencies.recent(61_600).map((sample) => sample.atMs)).toEqual([50_000, 61_500])
  })
})

test('a percentile is the smallest value that the share does not exceed', () => {
  const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (list, p) => {
      const sorted = Float64Array.from(list).sort()
      const value = percentile(sorted, p)
      const atMost = list.filter((one) => one <= value).length
      const below = list.filter((one) => one < value).length
      expect(atMost).toBeGreaterThanOrEqual(p * list.length - 1e-9)
      expect(below).toBeLessThan(p * list.length)
    }),
  )
})

test('a clock’s resolution is its smallest step (R37)', () => {
  const steps = [0, 0, 0.2, 0.2, 0.3, 0.3, 0.7, 0.9]
  let at = 0
  const now = () => steps[at++] ?? 100
  expect(clockResolution(now, 4)).toBeCloseTo(0.1)
})
