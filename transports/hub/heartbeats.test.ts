// Heartbeats: each member once an interval, spread over it, all of a slot with the same document.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Heartbeats } from './heartbeats.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('every member is called once in each interval', () => {
  const heartbeats = new Heartbeats(10_000, () => 'beat')
  const counts = Array.from({ length: 95 }, () => 0)
  for (const index of counts.keys()) {
    heartbeats.add(() => {
      counts[index] = (counts[index] ?? 0) + 1
    })
  }
  vi.advanceTimersByTime(10_000)
  expect(new Set(counts)).toEqual(new Set([1]))
  vi.advanceTimersByTime(30_000)
  expect(new Set(counts)).toEqual(new Set([4]))
  heartbeats.stop()
})

test('the members are spread over the interval, and those of a slot share one document', () => {
  let made = 0
  const heartbeats = new Heartbeats(10_000, () => ({ number: ++made }))
  const documents: { number: number }[] = []
  for (let member = 0; member < 200; member++) heartbeats.add((document) => documents.push(document))
  let most = 0
  for (let step = 0; step < 20; step++) {
    const before = documents.length
    vi.advanceTimersByTime(500)
    most = Math.max(most, documents.length - before)
  }
  expect(documents).toHaveLength(200)
  expect(most).toBe(10)
  expect(new Set(documents).size).toBe(20)
  expect(made).toBe(20)
  heartbeats.stop()
})

test('without members no document is made', () => {
  const make = vi.fn(() => 'beat')
  const heartbeats = new Heartbeats(1000, make)
  const leave = heartbeats.add(() => undefined)
  leave()
  leave()
  vi.advanceTimersByTime(5000)
  expect(make).not.toHaveBeenCalled()
  heartbeats.stop()
})

test.each([1, 49, 50, 100, 999])('an interval of %i ms is kept on average', (intervalMs) => {
  const heartbeats = new Heartbeats(intervalMs, () => 'beat')
  let beats = 0
  heartbeats.add(() => {
    beats += 1
  })
  vi.advanceTimersByTime(intervalMs * 100)
  expect(beats).toBeGreaterThanOrEqual(98)
  expect(beats).toBeLessThanOrEqual(106)
  heartbeats.stop()
})

test('a member may leave, and others come, while the slot is called', () => {
  const heartbeats = new Heartbeats(50, () => 'beat')
  const called: string[] = []
  const leaveFirst = heartbeats.add(() => {
    called.push('first')
    leaveFirst()
    leaveSecond()
  })
  const leaveSecond = heartbeats.add(() => called.push('second'))
  heartbeats.add(() => called.push('third'))
  vi.advanceTimersByTime(50)
  expect(called).toEqual(['first', 'third'])
  heartbeats.stop()
})

test('after stop nobody is called and no timer is left', () => {
  const heartbeats = new Heartbeats(1000, () => 'beat')
  const beat = vi.fn()
  heartbeats.add(beat)
  heartbeats.stop()
  vi.advanceTimersByTime(5000)
  expect(beat).not.toHaveBeenCalled()
  expect(vi.getTimerCount()).toBe(0)
})
