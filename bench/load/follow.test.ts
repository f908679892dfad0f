// A poller's phase: it begins to ask when it is told to, after its own part of the interval, and then by the clock.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { phasedClock } from './follow.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('phasedClock', () => {
  it('waits for the beginning, then for the phase, and has then waited the whole interval', async () => {
    const begin = Promise.withResolvers<void>()
    const clock = phasedClock({ firstWaitMs: 70, begin: begin.promise })
    const startMs = clock.nowMs()
    const called = vi.fn()
    clock.after(250, called)
    await vi.advanceTimersByTimeAsync(10)
    expect(called).not.toHaveBeenCalled()
    begin.resolve()
    await vi.advanceTimersByTimeAsync(69)
    expect(called).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(called).toHaveBeenCalledOnce()
    expect(clock.nowMs() - startMs).toBeGreaterThanOrEqual(250)
    // From then on it is the system's.
    clock.after(250, called)
    await vi.advanceTimersByTimeAsync(249)
    expect(called).toHaveBeenCalledOnce()
    await vi.advanceTimersByTimeAsync(1)
    expect(called).toHaveBeenCalledTimes(2)
  })

  it('can be cancelled, before the beginning and in the phase', async () => {
    const begin = Promise.withResolvers<void>()
    const clock = phasedClock({ firstWaitMs: 70, begin: begin.promise })
    const called = vi.fn()
    const early = clock.after(250, called)
    early()
    begin.resolve()
    await vi.advanceTimersByTimeAsync(500)
    const late = phasedClock({ firstWaitMs: 70 }).after(250, called)
    await vi.advanceTimersByTimeAsync(30)
    late()
    await vi.advanceTimersByTimeAsync(500)
    expect(called).not.toHaveBeenCalled()
  })
})
