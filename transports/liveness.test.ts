// Liveness: a silent link is found in time, one that speaks is left alone.
import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from './clock.harness.ts'
import { Liveness } from './liveness.ts'

let clock: ManualClock
let deaths: number
let liveness: Liveness

beforeEach(() => {
  clock = new ManualClock()
  deaths = 0
  liveness = new Liveness(1000, clock, () => {
    deaths += 1
  })
})

test('silence is death exactly when the limit is over, once', () => {
  clock.advance(999)
  expect(deaths).toBe(0)
  clock.advance(1)
  expect(deaths).toBe(1)
  clock.advance(100_000)
  liveness.check()
  expect(deaths).toBe(1)
  expect(clock.nextInMs).toBeNull()
})

test('every sign of life begins the limit anew', () => {
  for (let sign = 0; sign < 50; sign++) {
    clock.advance(900)
    liveness.alive()
  }
  expect(deaths).toBe(0)
  clock.advance(999)
  expect(deaths).toBe(0)
  clock.advance(1)
  expect(deaths).toBe(1)
})

test('it costs one timer, however often something is heard', () => {
  for (let sign = 0; sign < 1000; sign++) liveness.alive()
  expect(clock.nextInMs).toBe(1000)
  liveness.stop()
  expect(clock.nextInMs).toBeNull()
})

test('a look at once finds out what the timer has missed, and changes nothing otherwise', () => {
  clock.advance(500)
  liveness.check()
  expect(deaths).toBe(0)
  clock.advance(499)
  expect(deaths).toBe(0)
  clock.advance(1)
  expect(deaths).toBe(1)
})

test('after stop nothing happens', () => {
  liveness.demand(100)
  liveness.stop()
  liveness.stop()
  liveness.check()
  liveness.demand(100)
  liveness.alive()
  clock.advance(10_000)
  expect(deaths).toBe(0)
  expect(clock.nextInMs).toBeNull()
})

describe('a side that was asleep itself (R35)', () => {
  test('does not take its own silence for the other side’s: what has come meanwhile is heard first', () => {
    clock.sleep(300_000)
    expect(deaths).toBe(0)
    liveness.alive()
    clock.advance(999)
    expect(deaths).toBe(0)
    clock.advance(1)
    expect(deaths).toBe(1)
  })

  test('finds out soon when nothing comes, and once', () => {
    clock.sleep(300_000)
    clock.advance(499)
    liveness.check()
    expect(deaths).toBe(0)
    clock.advance(1)
    expect(deaths).toBe(1)
    clock.advance(10_000)
    expect(deaths).toBe(1)
  })

  test('asks anew after each sleep', () => {
    for (let night = 0; night < 5; night++) {
      clock.sleep(300_000)
      clock.advance(100)
      liveness.alive()
    }
    expect(deaths).toBe(0)
  })

  test('five minutes hidden, with timers once a minute: what arrives meanwhile is heard, and nobody dies', () => {
    for (let minute = 0; minute < 5; minute++) {
      for (let sign = 0; sign < 60; sign++) {
        clock.hold(1000)
        liveness.alive()
      }
      clock.advance(0)
    }
    expect(deaths).toBe(0)
  })

  test('hidden, with timers once a minute: a link that went silent is found at the next ones', () => {
    clock.hold(60_000)
    clock.advance(0)
    expect(deaths).toBe(0)
    clock.hold(60_000)
    clock.advance(0)
    expect(deaths).toBe(1)
  })

  test('a timer that is a little late is no sleep', () => {
    clock.sleep(1050)
    expect(deaths).toBe(1)
  })
})

describe('a demand', () => {
  test('that is not met in time is death, before the ordinary limit', () => {
    liveness.demand(100)
    clock.advance(99)
    expect(deaths).toBe(0)
    clock.advance(1)
    expect(deaths).toBe(1)
    clock.advance(10_000)
    expect(deaths).toBe(1)
    expect(clock.nextInMs).toBeNull()
  })

  test('that is met leaves the ordinary limit as it was', () => {
    liveness.demand(100)
    clock.advance(50)
    liveness.alive()
    clock.advance(999)
    expect(deaths).toBe(0)
    clock.advance(1)
    expect(deaths).toBe(1)
  })

  test('is met by an answer that a coarse clock puts at the moment of the question', () => {
    liveness.demand(100)
    liveness.alive()
    clock.advance(100)
    expect(deaths).toBe(0)
  })

  test('is not met by what was heard before it', () => {
    liveness.alive()
    liveness.demand(100)
    clock.advance(100)
    expect(deaths).toBe(1)
  })

  test('made again and again does not put off the first one', () => {
    for (let times = 0; times < 10; times++) {
      liveness.demand(100)
      clock.advance(10)
    }
    expect(deaths).toBe(1)
  })

  test('can be made anew once it was met', () => {
    liveness.demand(100)
    clock.advance(10)
    liveness.alive()
    liveness.demand(100)
    clock.advance(99)
    expect(deaths).toBe(0)
    clock.advance(1)
    expect(deaths).toBe(1)
  })
})
