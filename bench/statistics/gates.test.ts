// Each gate with a case that it must let through and one that it must not.
import { describe, expect, it } from 'vitest'
import { randomStream } from '../random.ts'
import {
  controlsDiffer,
  faultsOf,
  holdsFirstBatch,
  isSaturated,
  littleOfLoop,
  littleOfPolls,
  notAlike,
  saturation,
  sharedCore,
  tooFast,
  tooManyDiscarded,
  tooSmall,
  wrongProtocol,
} from './gates.ts'

const tally = { expected: 10, delivered: 10, lost: 0, duplicated: 0, reordered: 0, foreign: 0 }

describe('deliveries', () => {
  it.each([
    ['lost', { lost: 1, delivered: 9 }],
    ['doubled', { duplicated: 1 }],
    ['out of order', { reordered: 1 }],
    ['never sent', { foreign: 1 }],
    ['Nothing was sent', { expected: 0, delivered: 0 }],
  ])('%s', (words, fault) => {
    expect(faultsOf(tally)).toEqual([])
    expect(faultsOf({ ...tally, ...fault })).toEqual([expect.stringContaining(words)])
  })

  it('do not come before the path could bring them', () => {
    expect(tooFast(50_000, 49_000)).toEqual([])
    expect(tooFast(null, 49_000)).toEqual([])
    expect(tooFast(20_000, 49_000)).toEqual([expect.stringContaining('of the path')])
  })

  it('take at least the bytes that must be in them', () => {
    const predicted = { value: 276, ratio: 1, tolerance: 0.02, flagged: false }
    const row = {
      wire: 'websocket',
      textBytes: 64,
      bytesDown: 276,
      payloadBytesDown: 250,
      predicted,
    } as const
    expect(tooSmall(row)).toEqual([])
    expect(tooSmall({ ...row, bytesDown: 200 })).toEqual([expect.stringContaining('compresses')])
    expect(tooSmall({ ...row, bytesDown: 200, payloadBytesDown: 0, predicted: null })).toEqual([])
    expect(tooSmall({ ...row, bytesDown: 90, payloadBytesDown: 0, predicted: null })).toHaveLength(1)
    expect(tooSmall({ ...row, wire: 'poll', payloadBytesDown: 0, bytesDown: 230 })).toEqual([])
  })
})

describe('the generator', () => {
  const cell = { generatorUtilisation: 0.3, generatorDelayP99Us: 1000 }

  it('is saturated when its loop is busy or late', () => {
    expect(isSaturated([cell, cell, { ...cell, generatorDelayP99Us: 90_000 }])).toBe(false)
    expect(isSaturated([{ ...cell, generatorDelayP99Us: 6000 }])).toBe(true)
    expect(isSaturated([{ ...cell, generatorUtilisation: 0.8 }])).toBe(true)
    expect(isSaturated([{ ...cell, generatorDelayP99Us: 6000 }], 5000)).toBe(false)
  })

  it('ends the run but for more readers than one generator carries', () => {
    expect(saturation(true, 100, 'websocket')).toHaveLength(1)
    expect(saturation(true, 2000, 'websocket')).toEqual([])
    expect(saturation(false, 100, 'websocket')).toEqual([])
    // A long poll asks for every delivery: that is labelled, not fatal.
    expect(saturation(true, 100, 'long-poll')).toEqual([])
  })
})

it('has a core of its own', () => {
  expect(sharedCore(null)).toEqual([])
  expect(sharedCore({ server: 2, generator: 3 })).toEqual([])
  expect(sharedCore({ server: 2, generator: 2 })).toEqual(['The generator shares core 2 with the server.'])
})

describe("Little's law", () => {
  it('holds for a closed loop: 32 connections of 4 ms make 8,000 a second', () => {
    const loop = { requests: 8000, wallMs: 1000, meanUs: 4000, connections: 32 }
    expect(littleOfLoop(loop)).toEqual([])
    expect(littleOfLoop({ ...loop, meanUs: 3700 })).toEqual([expect.stringContaining('29.6 at a time')])
  })

  it('holds for polls: a question for each interval and round trip', () => {
    const polls = { requests: 400, links: 100, wallMs: 1000, intervalMs: 250, mostRoundTripMs: 5 }
    expect(littleOfPolls(polls)).toEqual([])
    expect(littleOfPolls({ ...polls, requests: 393 })).toEqual([])
    expect(littleOfPolls({ ...polls, requests: 330 })).toHaveLength(1)
    expect(littleOfPolls({ ...polls, requests: 440 })).toHaveLength(1)
    expect(littleOfPolls({ ...polls, requests: 440, furtherPages: 1 })).toEqual([])
    // 200 ms of path: one question in 450 ms.
    const far = { ...polls, leastRoundTripMs: 200, mostRoundTripMs: 210, links: 10_000 }
    expect(littleOfPolls({ ...far, requests: 22_000 })).toEqual([])
    expect(littleOfPolls({ ...far, requests: 40_000 })).toHaveLength(1)
  })

  it('grants chance where a window takes few intervals in', () => {
    const polls = { requests: 2, links: 10, wallMs: 1500, intervalMs: 5000, mostRoundTripMs: 5 }
    expect(littleOfPolls(polls)).toEqual([])
    expect(littleOfPolls({ ...polls, requests: 10 })).toHaveLength(1)
  })
})

describe('a table', () => {
  const load = {
    subject: 'ws',
    subscribers: 10,
    rooms: 1,
    ratePerSecond: 20,
    burst: 1,
    textBytes: 64,
    secure: true,
    upLink: 'publisher',
    delayUpMs: 0,
    delayDownMs: 0,
  } as const

  it('has everyone configured alike', () => {
    expect(notAlike([load, { ...load, subject: 'tcp' }])).toEqual([])
    expect(notAlike([load, { ...load, subject: 'tcp', secure: false }])).toEqual([
      'Not configured alike: secure is true for ws and false for tcp.',
    ])
  })

  it('speaks what its label says', () => {
    expect(wrongProtocol('h2, TLS', 'h2, TLS')).toEqual([])
    expect(wrongProtocol('http/1.1, TLS', 'h2, TLS')).toEqual([
      'It spoke http/1.1, TLS where h2, TLS is measured.',
    ])
  })

  it('is in steady state', () => {
    const steady = { firstMessageUs: 4000, p25Us: 3000, messages: 20 }
    const held = { ...steady, firstMessageUs: 100_000 }
    expect(holdsFirstBatch([steady, steady, held])).toEqual([])
    expect(holdsFirstBatch([steady, held, held])).toEqual([expect.stringContaining('first batch')])
    expect(holdsFirstBatch([{ ...held, messages: 2 }])).toEqual([])
    // A quiet room's blocks have three messages each: together they tell.
    const quiet = (count: number, one: typeof steady) =>
      Array.from({ length: count }, () => ({ ...one, messages: 3 }))
    expect(holdsFirstBatch(quiet(12, held))).toEqual([expect.stringContaining('12 of 12')])
    expect(holdsFirstBatch([...quiet(8, steady), ...quiet(4, held)])).toEqual([])
  })

  it('has not lost more than 40 % of its passes', () => {
    const one = { scenario: 's', load: 'l', block: 1, subject: 'ws', sendLagP99Us: 3000, boundUs: 2000 }
    const lost = (count: number) => Array.from({ length: count }, () => one)
    expect(tooManyDiscarded(lost(2), 1)).toEqual([])
    expect(tooManyDiscarded(lost(8), 12)).toEqual([])
    expect(tooManyDiscarded(lost(9), 12)).toEqual([expect.stringContaining('9 of 21')])
  })
})

describe('A/A', () => {
  const controls = (pValues: readonly number[]) =>
    pValues.map((pValue, index) => ({ name: `t${index}`, pValue }))

  it('ends a run only where chance is no explanation', () => {
    expect(controlsDiffer(controls([0.01, 0.2, 0.5, 0.9]))).toEqual([])
    expect(controlsDiffer(controls([0.0001, 0.2, Number.NaN, 0.9]))).toEqual([
      expect.stringContaining('A/A: t0'),
    ])
  })

  it('ends about one honest run of a hundred, where intervals without 1 would end most', () => {
    const random = randomStream(1, 'controls')
    const runs = 2000
    let [fatal, naive] = [0, 0]
    for (let run = 0; run < runs; run++) {
      const honest = controls(Array.from({ length: 25 }, random))
      if (controlsDiffer(honest).length > 0) fatal += 1
      if (honest.some(({ pValue }) => pValue < 0.05)) naive += 1
    }
    expect(fatal / runs).toBeLessThan(0.02)
    expect(naive / runs).toBeGreaterThan(0.6)
  })
})
