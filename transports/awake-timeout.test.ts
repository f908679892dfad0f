// The limit of a request: what it is while this side is awake, and after a sleep (R35).
import { beforeEach, expect, test } from 'vitest'
import { awakeTimeout } from './awake-timeout.ts'
import { ManualClock } from './clock.harness.ts'

let clock: ManualClock

beforeEach(() => {
  clock = new ManualClock()
})

test('aborts when the time is over, and not before', () => {
  const { signal } = awakeTimeout(10_000, clock)
  clock.advance(9999)
  expect(signal.aborted).toBe(false)
  clock.advance(1)
  expect(signal.aborted).toBe(true)
  expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
})

test('R35: after a sleep the answer has half the time more, once', () => {
  const { signal } = awakeTimeout(10_000, clock)
  clock.sleep(300_000)
  expect(signal.aborted).toBe(false)
  clock.advance(4999)
  expect(signal.aborted).toBe(false)
  clock.sleep(300_000)
  expect(signal.aborted).toBe(true)
})

test('leaves nothing behind once it is cleared', () => {
  const { signal, clear } = awakeTimeout(10_000, clock)
  clear()
  clock.advance(20_000)
  expect(signal.aborted).toBe(false)
  expect(clock.nextInMs).toBeNull()
})
