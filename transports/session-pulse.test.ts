// The pulse of HTTP/2 connections: a silent one is cut in time, one that answers, or could not be heard, is left alone.
import type { Http2Session } from 'node:http2'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SessionPulse } from './session-pulse.server.ts'

const intervalMs = 10_000

/** A connection that the test answers for. */
class Played {
  destroyed = false
  readonly socket = { bytesRead: 0 }
  readonly pings: (() => void)[] = []

  ping(answer: () => void): void {
    this.pings.push(answer)
  }

  destroy(): void {
    this.destroyed = true
  }
}

let pulse: SessionPulse
let played: Played

const beat = (): void => pulse.beat(played as unknown as Http2Session)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  pulse = new SessionPulse(intervalMs)
  played = new Played()
})

afterEach(() => {
  vi.useRealTimers()
})

test('R34: one that goes right after an answer is cut within two intervals, 20 s', () => {
  beat()
  played.pings[0]?.()
  vi.advanceTimersByTime(intervalMs)
  beat()
  expect(played.pings).toHaveLength(2)
  vi.advanceTimersByTime(intervalMs - 1001)
  expect(played.destroyed).toBe(false)
  vi.advanceTimersByTime(1001)
  expect(played.destroyed).toBe(true)
})

test('one that answers late, but in time, is left alone', () => {
  for (let round = 0; round < 20; round++) {
    beat()
    vi.advanceTimersByTime(intervalMs * 0.85)
    played.pings.at(-1)?.()
    vi.advanceTimersByTime(intervalMs * 0.15)
  }
  expect(played.destroyed).toBe(false)
  expect(played.pings).toHaveLength(20)
})

test('one whose answer waits behind what is on its way is left alone while it takes it', () => {
  for (let round = 0; round < 5; round++) {
    beat()
    played.socket.bytesRead += 13
    vi.advanceTimersByTime(intervalMs)
  }
  expect(played.destroyed).toBe(false)
  expect(played.pings).toHaveLength(1)
  vi.advanceTimersByTime(intervalMs)
  expect(played.destroyed).toBe(true)
})

test('many streams that beat at different times make one question an interval', () => {
  for (let slot = 0; slot < 20; slot++) {
    beat()
    vi.advanceTimersByTime(intervalMs / 20)
  }
  expect(played.pings).toHaveLength(1)
})

test('an answer that waits to be read while this process is held up counts', () => {
  beat()
  // The process wakes up long after everything was due: its timers run first, then what has arrived is read.
  vi.advanceTimersByTime(intervalMs * 0.7)
  played.pings[0]?.()
  vi.advanceTimersByTime(intervalMs * 10)
  expect(played.destroyed).toBe(false)
})
