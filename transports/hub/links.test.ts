// The registry of links: the newest wins, the older ones go a moment later, and what is stale is forgotten (R24).
import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../clock.harness.ts'
import type { LinkIdentity } from '../contract.server.ts'
import { serverLimits } from '../limits.ts'
import { ProblemError, problemName } from '../problem.ts'
import { LinkRegistry } from './links.ts'

const { handoverMs, sessionMemoryMs, sessions } = serverLimits

let clock: ManualClock
let links: LinkRegistry
let replaced: number[]

beforeEach(() => {
  clock = new ManualClock()
  links = new LinkRegistry(clock)
  replaced = []
})

function identity(link: number, session = 'one', origin: string | null = null): LinkIdentity {
  return { session, link, origin }
}

function enter(link: number, session = 'one', origin: string | null = null) {
  return links.enter(identity(link, session, origin), () => replaced.push(link))
}

function refusal(call: () => unknown): string | null {
  try {
    call()
  } catch (error) {
    if (error instanceof ProblemError) return problemName(error.problem)
    throw error
  }
  return null
}

describe('a newer link takes over', () => {
  test('the older one is told, exactly when the time of the handover is over', () => {
    enter(1)
    clock.advance(5000)
    enter(2)
    clock.advance(handoverMs - 1)
    expect(replaced).toEqual([])
    clock.advance(1)
    expect(replaced).toEqual([1])
    clock.advance(60_000)
    expect(replaced).toEqual([1])
  })

  test('each link has its own time from the moment that it was taken over', () => {
    enter(1)
    enter(2)
    clock.advance(handoverMs - 100)
    enter(3)
    clock.advance(100)
    expect(replaced).toEqual([1])
    clock.advance(handoverMs - 101)
    expect(replaced).toEqual([1])
    clock.advance(1)
    expect(replaced).toEqual([1, 2])
  })

  test('one that has left in time is not told', () => {
    const leave = enter(1)
    enter(2)
    leave()
    leave()
    clock.advance(handoverMs * 2)
    expect(replaced).toEqual([])
  })

  test('a poll of a newer link replaces an older one that is open', () => {
    enter(1)
    links.touch(identity(2))
    clock.advance(handoverMs)
    expect(replaced).toEqual([1])
  })

  test('polls that follow each other add no timer each', () => {
    enter(1)
    links.touch(identity(2))
    for (let poll = 0; poll < 50; poll++) {
      clock.advance(100)
      links.touch(identity(2))
    }
    expect(replaced).toEqual([1])
    expect(clock.nextInMs).toBeNull()
  })

  test('the same number again ends the first of them at once', () => {
    enter(1)
    const second: string[] = []
    links.enter(identity(1), () => second.push('replaced'))
    expect(replaced).toEqual([1])
    clock.advance(handoverMs * 2)
    expect(second).toEqual([])
  })

  test('the first of the same number does not take the second with it when it leaves', () => {
    const leaveFirst = enter(1)
    const second: string[] = []
    links.enter(identity(1), () => second.push('replaced'))
    leaveFirst()
    enter(2)
    clock.advance(handoverMs)
    expect(second).toEqual(['replaced'])
  })

  test('links of other sessions are left alone', () => {
    enter(1, 'one')
    enter(7, 'two')
    enter(2, 'one')
    clock.advance(handoverMs)
    expect(replaced).toEqual([1])
  })
})

describe('an older link', () => {
  test('may still come, and ask, while the handover lasts, and not afterwards', () => {
    enter(2)
    expect(refusal(() => links.touch(identity(1)))).toBeNull()
    clock.advance(handoverMs - 1)
    expect(refusal(() => links.touch(identity(1)))).toBeNull()
    clock.advance(1)
    expect(refusal(() => links.touch(identity(1)))).toBe('replaced')
    expect(refusal(() => enter(1))).toBe('replaced')
  })

  test('that comes during the handover is ended after it, and the newer one stays', () => {
    enter(2)
    clock.advance(10)
    enter(1)
    clock.advance(handoverMs)
    expect(replaced).toEqual([1])
  })

  test('is refused even when the newer one has gone again (R27)', () => {
    const leave = enter(2)
    leave()
    clock.advance(handoverMs)
    expect(refusal(() => enter(1))).toBe('replaced')
    expect(refusal(() => enter(3))).toBeNull()
  })
})

describe('an origin', () => {
  test('once named, no other may use the session', () => {
    enter(1, 'one', 'https://a.example')
    expect(refusal(() => enter(2, 'one', 'https://b.example'))).toBe('forbidden-session')
    expect(refusal(() => links.touch(identity(2, 'one', 'https://b.example')))).toBe('forbidden-session')
    clock.advance(handoverMs * 2)
    expect(replaced).toEqual([])
  })

  test('is learned from the first link that names one; a client without one is no browser', () => {
    enter(1)
    enter(2, 'one', 'https://a.example')
    expect(refusal(() => enter(3, 'one', 'https://b.example'))).toBe('forbidden-session')
    expect(refusal(() => enter(3))).toBeNull()
  })

  test('a refused link does not count as the newest', () => {
    enter(1, 'one', 'https://a.example')
    refusal(() => enter(9, 'one', 'https://b.example'))
    clock.advance(handoverMs * 2)
    expect(refusal(() => links.touch(identity(1, 'one', 'https://a.example')))).toBeNull()
  })
})

describe('memory', () => {
  test('a session without open links is forgotten after a time', () => {
    enter(5)()
    clock.advance(sessionMemoryMs + 1)
    links.touch(identity(1, 'two'))
    expect(links.size).toBe(1)
    expect(refusal(() => enter(1))).toBeNull()
  })

  test('that time counts from the end of its last link', () => {
    const leave = enter(5, 'one', 'https://a.example')
    clock.advance(sessionMemoryMs * 3)
    leave()
    clock.advance(sessionMemoryMs - 1)
    links.touch(identity(1, 'two'))
    expect(refusal(() => enter(6, 'one', 'https://b.example'))).toBe('forbidden-session')
  })

  test('a link that stays open keeps its session, and does not keep the others', () => {
    enter(1, 'long')
    for (let number = 0; number < 1000; number++) links.touch(identity(1, `poll ${number}`))
    expect(links.size).toBe(1001)
    for (let minute = 0; minute < 10; minute++) {
      clock.advance(60_000)
      for (let number = 0; number < 200; number++) links.touch(identity(1, `later ${minute} ${number}`))
    }
    // Those of the last two minutes, and the one that is open.
    expect(links.size).toBeLessThanOrEqual(3 * 200 + 1)
    expect(refusal(() => links.touch(identity(1, 'long')))).toBeNull()
    enter(2, 'long')
    clock.advance(handoverMs)
    expect(replaced).toEqual([1])
  })

  test('there is a bound, and open links are not forgotten for it', () => {
    for (let number = 0; number < 100; number++) enter(1, `open ${number}`)
    for (let number = 0; number < sessions + 500; number++) links.touch(identity(1, `poll ${number}`))
    expect(links.size).toBeLessThanOrEqual(sessions)
    enter(2, 'open 42')
    clock.advance(handoverMs)
    expect(replaced).toEqual([1])
  })
})
