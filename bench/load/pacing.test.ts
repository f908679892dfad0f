// Pacing against a clock that only moves when pacing asks for time.
import { describe, expect, it } from 'vitest'
import { type PacingClock, pace } from './pacing.ts'

/** Sleeps take what was asked for and `lateMs` more; a turn takes 0.1 ms. */
class PlayedClock implements PacingClock {
  now = 1000
  lateMs = 0
  readonly sleeps: number[] = []
  turns = 0

  nowMs(): number {
    return this.now
  }

  sleep(call: () => void, ms: number): void {
    this.sleeps.push(ms)
    this.now += ms + this.lateMs
    queueMicrotask(call)
  }

  turn(call: () => void): void {
    this.turns += 1
    this.now += 0.1
    queueMicrotask(call)
  }
}

async function play(clock: PlayedClock, times: readonly number[], slow: (index: number) => number = () => 0) {
  const sent: { index: number; lagMs: number }[] = []
  const send = (index: number, nowMs: number): void => {
    sent.push({ index, lagMs: nowMs - 1000 - (times[index] ?? 0) })
    clock.now += slow(index)
  }
  await pace(clock, 1000, times, send, () => false)
  return sent
}

describe('pace', () => {
  it('sends each message once, in order, never early and at most a turn late', async () => {
    const sent = await play(new PlayedClock(), [0, 5, 5, 5.3, 80, 200.7])
    expect(sent.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5])
    for (const { lagMs } of sent) {
      expect(lagMs).toBeGreaterThanOrEqual(0)
      expect(lagMs).toBeLessThan(0.11)
    }
  })

  it('sleeps until the last millisecond and turns from there', async () => {
    const clock = new PlayedClock()
    await play(clock, [80])
    expect(clock.sleeps).toEqual([79])
    expect(clock.turns).toBeGreaterThan(5)
    expect(clock.turns).toBeLessThan(15)
  })

  it('catches up after a stall without shifting the schedule', async () => {
    const stall = (index: number) => (index === 1 ? 50 : 0)
    const sent = await play(new PlayedClock(), [0, 10, 20, 30, 100], stall)
    expect(sent.map(({ lagMs }) => Math.floor(lagMs))).toEqual([0, 0, 40, 30, 0])
  })

  it('counts a sleep that is too long as lag of that message alone', async () => {
    const clock = new PlayedClock()
    clock.lateMs = 4
    const sent = await play(clock, [20, 21, 60])
    expect(sent.map(({ lagMs }) => Math.round(lagMs))).toEqual([3, 2, 3])
  })

  it('stops when it is told to', async () => {
    const clock = new PlayedClock()
    const sent: number[] = []
    await pace(
      clock,
      1000,
      [0, 1, 50, 90],
      (index) => sent.push(index),
      () => sent.length === 2,
    )
    expect(sent).toEqual([0, 1])
  })

  it('rejects with what sending throws', async () => {
    const failing = pace(
      new PlayedClock(),
      1000,
      [0],
      () => {
        throw new RangeError('full')
      },
      () => false,
    )
    await expect(failing).rejects.toThrow('full')
  })
})
