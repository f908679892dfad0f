// The log in memory: the suite of every log, and how it trims.
import { describe, expect, test } from 'vitest'
import { draftOf, draftsOf } from './log.drafts.ts'
import { logSuite } from './log.suite.ts'
import { MemoryLog } from './memory-log.ts'

logSuite('MemoryLog', ({ keepMessages = 1_000_000 }) => opened(keepMessages))

function opened(keepMessages: number, unixMs: () => number = () => 0): MemoryLog {
  return new MemoryLog({ epoch: 'memory', unixMs, keepMessages })
}

const wide = { messages: 500, bytes: 1024 * 1024 }

describe('MemoryLog, for itself', () => {
  test('trims a fifth at a time, down to what it is told to keep', async () => {
    const log = opened(100)
    const tails: number[] = []
    for (let number = 1; number <= 260; number++) {
      await log.append('room', [draftOf(number)])
      const tail = log.tail('room').offset
      const kept = log.head('room').offset - tail
      expect(kept).toBeLessThanOrEqual(120)
      expect(kept).toBeGreaterThanOrEqual(Math.min(number, 100))
      if (tail !== (tails.at(-1) ?? 0)) tails.push(tail)
    }
    expect(tails).toEqual([21, 42, 63, 84, 105, 126, 147])
  })

  test('an id is known as long as its message is kept, and no longer', async () => {
    const log = opened(10)
    await log.append('room', draftsOf(1, 13))
    expect(log.tail('room').offset).toBe(3)
    const [trimmed, kept] = await log.append('room', [draftOf(3), draftOf(4)])
    expect(trimmed).toMatchObject({ kind: 'created', message: { offset: 14 } })
    expect(kept).toMatchObject({ kind: 'existing', message: { offset: 4 } })
  })

  test('a commit that is longer than what is kept reaches the followers whole', async () => {
    const log = opened(10)
    const heard: number[] = []
    log.follow('room', (messages) => heard.push(...messages.map(({ offset }) => offset)))
    await Promise.all(draftsOf(1, 50).map((draft) => log.append('room', [draft])))
    expect(heard).toEqual(draftsOf(1, 50).map((_, index) => index + 1))
    expect(log.head('room').offset - log.tail('room').offset).toBeLessThanOrEqual(12)
  })

  test('a clock that is set back does not set back the time of messages', async () => {
    let now = 5000
    const log = opened(100, () => now)
    const [before] = await log.append('room', [draftOf(1)])
    now = 1000
    const [after] = await log.append('room', [draftOf(2)])
    const [other] = await log.append('elsewhere', [draftOf(3)])
    expect(before).toMatchObject({ message: { time: 5000 } })
    expect(after).toMatchObject({ message: { time: 5000 } })
    expect(other).toMatchObject({ message: { time: 1000 } })
  })

  test('a page is a copy: trimming does not change it', async () => {
    const log = opened(10)
    await log.append('room', draftsOf(1, 10))
    const page = log.read('room', { last: 5 }, wide)
    await log.append('room', draftsOf(11, 30))
    expect(page).toMatchObject({ kind: 'page', after: { offset: 5 } })
    if (page instanceof Promise || page.kind !== 'page') throw new Error('The log gave no page.')
    expect(page.messages.map(({ offset }) => offset)).toEqual([6, 7, 8, 9, 10])
  })
})
