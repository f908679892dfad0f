// The hub: publishing, reading, subscribing within its limits, cooling down, and draining.
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { ManualClock, seededRandom } from '../clock.harness.ts'
import type { Subscriber } from '../contract.server.ts'
import type { Closed } from '../contract.ts'
import { serverLimits, wireLimits } from '../limits.ts'
import { ProblemError, problemName } from '../problem.ts'
import type { Batch } from './batch.ts'
import { RoomHub } from './hub.ts'
import { draftOf, draftsOf } from './log.drafts.ts'
import { MemoryLog } from './memory-log.ts'
import { CheckedReader, turns } from './readers.harness.ts'

let log: MemoryLog
let clock: ManualClock
let hub: RoomHub

beforeEach(() => {
  log = new MemoryLog({ epoch: 'here', unixMs: () => 7, keepMessages: 100_000 })
  clock = new ManualClock()
  hub = new RoomHub(log, { clock, random: seededRandom(1) })
})

const deaf: Subscriber = {
  write: () => true,
  close: () => undefined,
  terminate: () => undefined,
  queuedBytes: () => 0,
}

function reader(room: string): CheckedReader {
  const made = new CheckedReader(room, hub.head(room))
  made.subscription = hub.subscribe(room, { after: hub.head(room) }, made)
  return made
}

async function nameOfProblem(call: () => unknown): Promise<string | null> {
  try {
    await call()
  } catch (error) {
    if (error instanceof ProblemError) return problemName(error.problem)
    throw error
  }
  return null
}

describe('publishing', () => {
  test('gives the stored message, and says whether it is new', async () => {
    const first = await hub.publish('room', draftOf(1))
    expect(first).toEqual({ created: true, message: { ...draftOf(1), offset: 1, time: 7 } })
    expect(await hub.publish('room', draftOf(1))).toEqual({ ...first, created: false })
  })

  test('refuses an id that stands for another message, and names it', async () => {
    await hub.publish('room', draftOf(1))
    const error = await hub.publish('room', draftOf(1, 'another text')).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ProblemError)
    expect((error as ProblemError).problem).toMatchObject({ status: 409, id: draftOf(1).id })
  })

  test('subscribers have a message before its publisher knows', async () => {
    const events: string[] = []
    hub.subscribe('room', { last: 0 }, { ...deaf, write: () => events.push('written') > 0 })
    await hub.publish('room', draftOf(1)).then(() => events.push('published'))
    expect(events).toEqual(['written', 'published'])
  })

  test('what many publish in one tick goes out as one batch', async () => {
    const one = reader('room')
    await Promise.all(draftsOf(1, 100).map((draft) => hub.publish('room', draft)))
    one.assertWell()
    expect(one.events).toHaveLength(1)
    expect(hub.stats()).toMatchObject({ published: 100, delivered: 100, batches: 1 })
  })
})

describe('reading', () => {
  beforeEach(async () => {
    await log.append('room', draftsOf(1, 150))
  })

  const offsets = async (range: Parameters<RoomHub['read']>[1], limit?: Parameters<RoomHub['read']>[2]) => {
    const found = await hub.read('room', range, limit)
    if (found.kind !== 'messages') throw new Error(`There came a ${found.kind}.`)
    expect(found.cursor.offset).toBe(found.after.offset + found.messages.length)
    return [found.messages[0]?.offset, found.messages.at(-1)?.offset]
  }
  const at = (offset: number) => ({ epoch: 'here', offset })

  test('after, before and last, with and without a limit', async () => {
    expect(await offsets({ after: at(3) })).toEqual([4, 150])
    expect(await offsets({ after: at(3) }, { messages: 10 })).toEqual([4, 13])
    expect(await offsets({ before: at(50) }, { messages: 10 })).toEqual([41, 50])
    expect(await offsets({ last: 5 })).toEqual([146, 150])
    expect(await offsets({ last: 5 }, { messages: 2 })).toEqual([149, 150])
    expect(await offsets({ after: at(150) })).toEqual([undefined, undefined])
  })

  test('a page is bounded in bytes', async () => {
    await log.append('room', [draftOf(1000, 'x'.repeat(8000)), ...draftsOf(1001, 3)])
    for (let number = 0; number < 20; number++)
      await log.append('room', [draftOf(2000 + number, 'x'.repeat(8000))])
    const found = (await hub.read('room', { after: at(150) })) as Batch
    expect(found.document.length).toBeLessThanOrEqual(serverLimits.batchBytes + 200)
  })

  test('polls of rooms that nobody has written to cost no memory', async () => {
    for (let number = 0; number < 100; number++) {
      const empty = (await hub.read(`empty-${number}`, { after: at(0) })) as Batch
      expect(empty.messages).toHaveLength(0)
    }
    expect(hub.stats().rooms).toBe(0)
  })

  test('polls at the head, and a little behind it, do not touch the log', async () => {
    await hub.read('room', { after: at(150) })
    await log.append('room', draftsOf(500, 5))
    const read = vi.spyOn(log, 'read')
    expect(await offsets({ after: at(155) })).toEqual([undefined, undefined])
    expect(await offsets({ after: at(150) })).toEqual([151, 155])
    expect(hub.head('room')).toEqual(at(155))
    expect(read).not.toHaveBeenCalled()
  })
})

describe('subscribing', () => {
  test.each([
    [0, 20],
    [5, 15],
    [100, 0],
  ])('at the last %i of 20 messages starts at offset %i', async (last, offset) => {
    await log.append('room', draftsOf(1, 20))
    const subscription = hub.subscribe('room', { last }, deaf)
    expect(subscription).toMatchObject({ start: { offset }, head: { offset: 20 } })
  })

  test('at the last messages never starts behind what is kept: no gap to begin with', async () => {
    log = new MemoryLog({ epoch: 'here', unixMs: () => 7, keepMessages: 10 })
    hub = new RoomHub(log, { clock })
    await log.append('room', draftsOf(1, 100))
    expect(hub.subscribe('room', { last: 50 }, deaf).start).toEqual(log.tail('room'))
  })

  test('beyond the limit a reader is refused, and one that leaves makes room', async () => {
    const subscriptions = Array.from({ length: serverLimits.subscribers }, (_, index) =>
      hub.subscribe(`room-${index % 10}`, { last: 0 }, deaf),
    )
    expect(hub.stats()).toMatchObject({ subscribers: serverLimits.subscribers, rooms: 10 })
    expect(await nameOfProblem(() => hub.subscribe('room-1', { last: 0 }, deaf))).toBe('overloaded')
    subscriptions[77]?.leave()
    subscriptions[77]?.leave()
    hub.subscribe('room-1', { last: 0 }, deaf)
    expect(await nameOfProblem(() => hub.subscribe('room-1', { last: 0 }, deaf))).toBe('overloaded')
  })

  test('that fails takes no place', async () => {
    vi.spyOn(log, 'follow').mockImplementation(() => {
      throw new Error('the log is closed')
    })
    expect(() => hub.subscribe('room', { last: 0 }, deaf)).toThrow('the log is closed')
    expect(hub.stats().subscribers).toBe(0)
  })

  test('stats: who is behind, and where', async () => {
    const slow = [reader('one'), reader('two')]
    reader('one')
    for (const one of slow) one.accepts = false
    await Promise.all([hub.publish('one', draftOf(1)), hub.publish('two', draftOf(1))])
    expect(hub.stats()).toMatchObject({ rooms: 2, subscribers: 3, behind: 2, delivered: 3, batches: 2 })
    for (const one of slow) one.unblock()
    expect(hub.stats()).toMatchObject({ behind: 0 })
  })
})

describe('rooms in memory', () => {
  async function visit(room: string): Promise<void> {
    await hub.publish(room, draftOf(1))
    await hub.read(room, { after: { epoch: 'here', offset: 0 } })
  }

  test('those without subscribers cool down, the one used longest ago first', async () => {
    const unfollowed: string[] = []
    const follow = log.follow.bind(log)
    vi.spyOn(log, 'follow').mockImplementation((room, appended) => {
      const unfollow = follow(room, appended)
      return () => {
        unfollowed.push(room)
        unfollow()
      }
    })
    for (let number = 0; number < 256; number++) await visit(`room-${number}`)
    await visit('room-0')
    for (let number = 256; number < 260; number++) await visit(`room-${number}`)
    expect(unfollowed).toEqual(['room-1', 'room-2', 'room-3', 'room-4'])
    expect(hub.stats().rooms).toBe(256)
  })

  test('one that has cooled down is read from the log again', async () => {
    await visit('cold')
    for (let number = 0; number < 300; number++) await visit(`room-${number}`)
    await hub.publish('cold', draftOf(2))
    const found = (await hub.read('cold', { after: { epoch: 'here', offset: 0 } })) as Batch
    expect(found.messages.map(({ offset }) => offset)).toEqual([1, 2])
  })

  test('many rooms with subscribers do not keep the others warm', async () => {
    const readers = Array.from({ length: 40 }, (_, index) => reader(`busy-${index}`))
    for (let number = 0; number < 2000; number++) {
      // A reader that only looks in, in a room of its own.
      hub.subscribe(`visited-${number}`, { last: 0 }, deaf).leave()
    }
    expect(hub.stats().rooms).toBeLessThanOrEqual(256 + 40)
    await Promise.all(readers.map((one) => hub.publish(one.name, draftOf(1))))
    for (const one of readers) {
      one.assertWell()
      expect(one.offsets).toEqual([1])
    }
  })
})

describe('draining', () => {
  test('every subscriber is told once, with a time to come back that is spread', async () => {
    const goodbyes: Closed[] = []
    const subscriptions = Array.from({ length: 1000 }, (_, index) =>
      hub.subscribe(`room-${index % 3}`, { last: 0 }, { ...deaf, close: (reason) => goodbyes.push(reason) }),
    )
    const drained = hub.drain()
    expect(hub.drain()).toBe(drained)
    expect(goodbyes).toHaveLength(1000)
    expect(goodbyes.every((one) => one.cause === 'peer' && one.retry)).toBe(true)
    const waits = goodbyes.map((one) => one.retryAfterMs ?? -1)
    // R33: no tenth of the time holds much more than a tenth of them.
    for (let tenth = 0; tenth < 10; tenth++) {
      const from = serverLimits.drainAwayMs + (tenth * serverLimits.drainSpreadMs) / 10
      const within = waits.filter((wait) => wait >= from && wait < from + serverLimits.drainSpreadMs / 10)
      expect(within.length).toBeGreaterThan(50)
      expect(within.length).toBeLessThan(150)
    }
    for (const subscription of subscriptions) subscription.leave()
    clock.advance(10)
    await drained
    expect(clock.nextInMs).toBeNull()
  })

  test('a few are not told to wait as long as a crowd', async () => {
    const waits: number[] = []
    for (let index = 0; index < 10; index++) {
      const subscription = hub.subscribe(
        'room',
        { last: 0 },
        {
          ...deaf,
          close: ({ retryAfterMs = -1 }) => {
            waits.push(retryAfterMs)
            subscription.leave()
          },
        },
      )
    }
    await hub.drain()
    expect(waits).toHaveLength(10)
    // Time for the next server to start, and no more than they need.
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(serverLimits.drainAwayMs)
    expect(Math.max(...waits)).toBeLessThanOrEqual(
      serverLimits.drainAwayMs + 10 * serverLimits.drainSpreadPerClientMs,
    )
    expect(new Set(waits).size).toBeGreaterThan(3)
  })

  test('nobody is served any more: not a reader, not a writer, not a poll', async () => {
    const drained = hub.drain()
    expect(hub.draining).toBe(true)
    expect(await nameOfProblem(() => hub.publish('room', draftOf(1)))).toBe('draining')
    expect(await nameOfProblem(() => hub.subscribe('room', { last: 0 }, deaf))).toBe('draining')
    expect(await nameOfProblem(() => hub.assertServing())).toBe('draining')
    await drained
    expect(hub.stats().subscribers).toBe(0)
  })

  test('what was published before it is stored, and those who still listen have it', async () => {
    const one = reader('room')
    const published = hub.publish('room', draftOf(1))
    const drained = hub.drain()
    await published
    one.assertWell()
    expect(one.offsets).toEqual([1])
    one.leave()
    clock.advance(10)
    await drained
  })

  test('who has not left at the deadline is ended', async () => {
    const staying = reader('room')
    const leaving = reader('room')
    let isDrained = false
    const drained = hub.drain().then(() => {
      isDrained = true
    })
    leaving.leave()
    clock.advance(serverLimits.drainDeadlineMs - 1)
    await turns()
    expect(isDrained).toBe(false)
    clock.advance(20)
    await drained
    expect(staying.terminations).toBe(1)
    expect(leaving.terminations).toBe(0)
    expect(clock.nextInMs).toBeNull()
  })

  test('one that leaves, or throws, when it is told does not keep the others from hearing it', async () => {
    const told: string[] = []
    const first = hub.subscribe('room', { last: 0 }, { ...deaf, close: () => first.leave() })
    hub.subscribe(
      'room',
      { last: 0 },
      {
        ...deaf,
        close: () => {
          throw new Error('a broken wire')
        },
      },
    )
    const last = hub.subscribe('room', { last: 0 }, { ...deaf, close: () => told.push('last') })
    const drained = hub.drain()
    expect(told).toEqual(['last'])
    last.leave()
    clock.advance(10)
    await drained
    expect(hub.stats().subscribers).toBe(0)
  })
})

test('a limit of a page holds for the messages too', () => {
  // The smallest message is more than 64 bytes of JSON, so that a page of 32 KiB holds fewer than `pageMessages`.
  const smallest = JSON.stringify({ ...draftOf(1, 'x', 'x'), offset: 1, time: 1 })
  expect(serverLimits.batchBytes / smallest.length).toBeLessThan(wireLimits.pageMessages)
})
