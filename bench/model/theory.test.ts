// The model beside a row: which figures it predicts, when it says nothing, and when it flags.
import { describe, expect, it } from 'vitest'
import { floorUs, type TheoryInput, theoryOf } from './theory.ts'

const load = {
  subscribers: 100,
  rooms: 1,
  ratePerSecond: 20,
  burst: 1,
  textBytes: 64,
  secure: true,
  upLink: 'publisher',
  delayUpMs: 0,
  delayDownMs: 0,
} as const

const input: TheoryInput = {
  wire: 'websocket',
  server: 'parley',
  load,
  protocol: 'h2, TLS',
  intervalMs: 0,
  flow: { deliveries: 2000, reads: 2000, requests: 0, connectionSeconds: 100, messagesOfRoom: 9 },
  measured: {
    p50Us: 1500,
    p99Us: 2500,
    completionP50Us: 2000,
    bytesDownPerDelivery: 276,
    bytesUpPerDelivery: 0,
  },
  base: { distribution: [{ value: 1000, share: 1 }], samples: 400 },
  writeUs: 10,
}

describe('theoryOf', () => {
  it('predicts a push: the base, and a row of writes', () => {
    const theory = theoryOf(input)
    expect(theory.p50Us?.value).toBeCloseTo(1500, 1)
    expect(theory.p99Us?.value).toBeCloseTo(1990, 1)
    expect(theory.completionUs?.value).toBeCloseTo(2000, 1)
    expect(theory.bytesDown).toEqual({ value: 276, ratio: 1, tolerance: 0.02, flagged: false })
    expect(theory).toMatchObject({ bytesUp: null, floorUs: 0, p50Us: { flagged: false } })
  })

  it('predicts a poll: a straight line over the interval and a round trip', () => {
    const theory = theoryOf({
      ...input,
      wire: 'poll',
      intervalMs: 250,
      flow: { ...input.flow, requests: 400, reads: 400 },
      measured: { ...input.measured, p50Us: 126_500, p99Us: 200_000 },
    })
    expect(theory.p50Us?.value).toBeCloseTo(1000 + 125_500, 0)
    expect(theory.p99Us?.value).toBeCloseTo(1000 + 0.99 * 251_000, 0)
    expect([theory.p50Us?.flagged, theory.p99Us?.flagged]).toEqual([false, true])
    expect(theory.bytesUp?.value).toBeGreaterThan(20)
  })

  it('flags what is too far off, bytes by 2 %', () => {
    const measured = { ...input.measured, bytesDownPerDelivery: 276 * 1.03, p50Us: 4000 }
    expect(theoryOf({ ...input, measured })).toMatchObject({
      bytesDown: { flagged: true },
      p50Us: { flagged: true },
    })
  })

  it('says nothing of latency without a base, and nothing of what was not measured', () => {
    expect(theoryOf({ ...input, base: null })).toMatchObject({ p50Us: null, p99Us: null, completionUs: null })
    const measured = { ...input.measured, p99Us: null }
    expect(theoryOf({ ...input, measured }).p99Us).toBeNull()
  })

  it('counts the way up and its receipt where messages go over the same link', () => {
    const native = theoryOf({
      ...input,
      load: { ...load, upLink: 'native', subscribers: 10 },
      flow: { ...input.flow, reads: 2200 },
    })
    // 138 bytes of JSON up in a frame of 8 and a record; a receipt of 99 or so in 2 and 22 down, each for ten deliveries.
    expect(native.bytesUp?.value).toBeCloseTo((151 + 8 + 22) / 10, 0)
    expect((native.bytesDown?.value ?? 0) - 276).toBeCloseTo((109 + 2 + 22) / 10, 0)
  })

  it('has a floor where a relay holds', () => {
    expect(floorUs({ ...load, delayUpMs: 50, delayDownMs: 50 })).toBe(49_000)
    expect(floorUs({ ...load, delayUpMs: 50, delayDownMs: 50, upLink: 'native' })).toBe(98_000)
  })
})
