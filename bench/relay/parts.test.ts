// The relay's pure parts, each alone: delay, rate, holding, re-chunking, accidents, and that a seed means the same every time.
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../transports/errors.ts'
import { randomStream } from '../random.ts'
import { nextStall, plannedCut } from './accidents.ts'
import { Holding, joinedRule } from './holding.ts'
import { DelayLine, SerialLine, sliceBytes } from './line.ts'
import { profileNames, profileOf, profiles } from './profile.ts'
import { mostSingleBytes, nextWriteBytes } from './rechunk.ts'

describe('delay', () => {
  test('counts from receipt', () => {
    const line = new DelayLine(() => 0)
    expect([line.dueMs(100, 50, 0), line.dueMs(130, 50, 0)]).toEqual([150, 180])
  })

  test('jitter stays within its bounds, and nothing overtakes', () => {
    const line = new DelayLine(randomStream(5, 'jitter'))
    let lastMs = 0
    for (let receivedMs = 0; receivedMs < 1000; receivedMs++) {
      const dueMs = line.dueMs(receivedMs, 20, 30)
      expect(dueMs).toBeGreaterThanOrEqual(receivedMs + 20)
      expect(dueMs).toBeLessThan(receivedMs + 50)
      expect(dueMs).toBeGreaterThanOrEqual(lastMs)
      lastMs = dueMs
    }
  })

  test('the same seed jitters the same, piece by piece, whatever other connections do', () => {
    const schedule = (ordinal: number): number[] => {
      const line = new DelayLine(randomStream(9, `connection ${ordinal} up`))
      return Array.from({ length: 20 }, (_, index) => line.dueMs(index * 100, 10, 50))
    }
    const first = schedule(1)
    const second = schedule(2)
    expect(schedule(1)).toEqual(first)
    expect(second).not.toEqual(first)
  })

  test('one draw a piece, with jitter or without: a change of profile shifts nothing', () => {
    const random = randomStream(3, 'draws')
    const line = new DelayLine(random)
    line.dueMs(0, 0, 0)
    line.dueMs(1, 0, 0)
    const other = randomStream(3, 'draws')
    other()
    other()
    expect(random()).toBe(other())
  })
})

describe('rate', () => {
  test('bytes leave one after the other', () => {
    const line = new SerialLine()
    expect(line.finishMs(1000, 100, 1000)).toBe(1100)
    line.occupy(1100)
    expect(line.finishMs(1050, 200, 1000)).toBe(1300)
    // A line that was idle saves nothing up.
    expect(line.finishMs(5000, 100, 1000)).toBe(5100)
  })

  test('without a limit they leave at once, and a new rate forgets the old one', () => {
    const line = new SerialLine()
    line.occupy(9000)
    expect(line.finishMs(10, 1e9, null)).toBe(10)
    line.clear()
    expect(line.finishMs(10, 10, 1000)).toBe(20)
  })

  test('slices are ten milliseconds long, within bounds', () => {
    expect([sliceBytes(100), sliceBytes(100_000), sliceBytes(1e9), sliceBytes(null)]).toEqual([
      512, 1000, 65_536, 65_536,
    ])
  })
})

describe('holding', () => {
  const rule = { bytes: 10, holdMs: 1000, quietMs: Number.POSITIVE_INFINITY }

  test('lets go at its size, of everything at once', () => {
    const holding = new Holding()
    expect(holding.push(Buffer.from('12345'), 0, rule)).toBeNull()
    expect(holding.push(Buffer.from('678'), 1, rule)).toBeNull()
    expect(holding.bytes).toBe(8)
    expect(String(holding.push(Buffer.from('9abcd'), 2, rule))).toBe('123456789abcd')
    expect([holding.bytes, holding.dueMs(rule), holding.take()]).toEqual([0, null, null])
  })

  test('or when the oldest byte is old enough, whatever follows', () => {
    const holding = new Holding()
    holding.push(Buffer.from('1'), 100, rule)
    holding.push(Buffer.from('2'), 900, rule)
    expect(holding.dueMs(rule)).toBe(1100)
    expect(String(holding.take())).toBe('12')
  })

  test('or at a pause, but not for ever while there is none', () => {
    const holding = new Holding()
    holding.push(Buffer.from('1'), 0, joinedRule)
    expect(holding.dueMs(joinedRule)).toBe(joinedRule.quietMs)
    for (let nowMs = 10; nowMs <= 500; nowMs += 10) holding.push(Buffer.from('x'), nowMs, joinedRule)
    expect(holding.dueMs(joinedRule)).toBe(joinedRule.holdMs)
  })
})

test('bytewise: so many single bytes, and then the rest at once', () => {
  const length = mostSingleBytes + 1000
  let written = 0
  const writes: number[] = []
  while (written < length) {
    const next = nextWriteBytes('bytewise', written, length)
    writes.push(next)
    written += next
  }
  expect(written).toBe(length)
  expect(writes.slice(0, mostSingleBytes).every((bytes) => bytes === 1)).toBe(true)
  expect(writes.slice(mostSingleBytes)).toEqual([1000])
  expect(nextWriteBytes('as-read', 0, 700)).toBe(700)
})

describe('accidents', () => {
  test('stalls last as long as they may and come as often as they should', () => {
    const random = randomStream(1, 'stalls')
    const stalls = { everyMs: 1000, shortestMs: 50, longestMs: 80 }
    const drawn = Array.from({ length: 2000 }, () => nextStall(random, stalls))
    for (const { durationMs } of drawn) {
      expect(durationMs).toBeGreaterThanOrEqual(50)
      expect(durationMs).toBeLessThan(80)
    }
    const meanMs = drawn.reduce((sum, { afterMs }) => sum + afterMs, 0) / drawn.length
    expect(meanMs).toBeGreaterThan(900)
    expect(meanMs).toBeLessThan(1100)
  })

  test('the n-th connection of a seed is cut at the same time and in the same way', () => {
    const cutOf = (seed: number, ordinal: number): unknown =>
      plannedCut(randomStream(seed, `connection ${ordinal} cut`), { everyMs: 1000 })
    expect(cutOf(4, 1)).toEqual(cutOf(4, 1))
    expect(cutOf(4, 1)).not.toEqual(cutOf(4, 2))
    expect(cutOf(4, 1)).not.toEqual(cutOf(5, 1))
    const ways = new Set(
      Array.from(
        { length: 50 },
        (_, n) => plannedCut(randomStream(1, `connection ${n} cut`), { everyMs: 1 }).how,
      ),
    )
    expect(ways).toEqual(new Set(['rst', 'fin']))
  })
})

describe('profiles', () => {
  test('each says its name and what it models, and never speaks of loss, which it does not model', () => {
    for (const name of profileNames) {
      const profile = profiles[name]
      expect(profile.name).toBe(name)
      expect(profile.summary.length).toBeGreaterThan(10)
      expect(profile.summary).not.toMatch(/loss|lost|retransmi/i)
      expect(profile.bufferBytes).toBeGreaterThan(0)
    }
  })

  test('the words give the figures', () => {
    const { '3g': slow } = profiles
    expect([slow.delayUpMs + slow.delayDownMs, slow.downBytesPerSecond, slow.upBytesPerSecond]).toEqual([
      150, 200_000, 93_750,
    ])
    expect(slow.summary).toContain('150 ms')
    expect(profiles['buffering-proxy'].proxy).toEqual({ bytes: 4096, holdMs: 1000 })
  })

  test('a name that there is not is one line', () => {
    expect(profileOf('train')).toBe(profiles.train)
    expect(() => profileOf('5g')).toThrow(UsageError)
    expect(() => profileOf('toString')).toThrow('There is no profile "toString"')
  })
})
