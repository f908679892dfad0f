// A room's pump: one shared batch a tick, back-pressure that is obeyed, catching up from memory and from the log.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Subscriber } from '../contract.server.ts'
import { serverLimits } from '../limits.ts'
import type { Batch, WireForm } from './batch.ts'
import { draftOf, draftsOf } from './log.drafts.ts'
import type { Log } from './log.ts'
import { MemoryLog } from './memory-log.ts'
import { CheckedReader, DelayedLog, turns } from './readers.harness.ts'
import { type Counters, Room, type RoomSubscription } from './room.ts'

const text: WireForm<Buffer> = { encode: (batch) => Buffer.from(batch.document) }

let log: MemoryLog
let counters: Counters
let room: Room

beforeEach(() => begin())

function begin(
  options: { keepMessages?: number; ringBytes?: number; over?: (log: MemoryLog) => Log } = {},
): void {
  const { keepMessages = 100_000, ringBytes = 1024 * 1024, over = (one) => one } = options
  log = new MemoryLog({ epoch: 'here', unixMs: () => 0, keepMessages })
  counters = { rooms: 0, subscribers: 0, behind: 0, published: 0, delivered: 0, batches: 0 }
  room = new Room('room', over(log), counters, () => ringBytes)
}

function at(offset: number) {
  return { epoch: 'here', offset }
}

function join<S extends Subscriber>(subscriber: S, offset = log.head('room').offset): RoomSubscription {
  counters.subscribers += 1
  return room.subscribe(at(offset), subscriber)
}

function reader(name: string, offset = log.head('room').offset): CheckedReader {
  const made = new CheckedReader(name, at(offset))
  made.subscription = join(made, offset)
  return made
}

let drafts = 0
async function append(count: number, length = 1): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, () => log.append('room', [draftOf(++drafts, 'x'.repeat(length))])),
  )
}

function numbers(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

describe('at the head', () => {
  test('all that came in one tick is one batch, the same object and the same bytes for everyone', async () => {
    const readers = numbers(1, 50).map((number) => reader(`reader ${number}`))
    await append(10)
    const batches = new Set(readers.flatMap((one) => one.events))
    expect(batches.size).toBe(1)
    const encoded = new Set(readers.flatMap((one) => one.events.map((event) => (event as Batch).as(text))))
    expect(encoded.size).toBe(1)
    expect(counters).toMatchObject({ batches: 1, delivered: 500 })
    for (const one of readers) one.assertWell()
  })

  test('a tick of more than 32 KiB is several batches, and a message of more is one of its own', async () => {
    const one = reader('one')
    const lengths = [10_000, 10_000, 10_000, 10_000, 8192 * 6, 1, 1]
    await Promise.all(lengths.map((length) => log.append('room', [draftOf(++drafts, 'x'.repeat(length))])))
    one.assertWell()
    expect(one.events.map((event) => event.kind === 'messages' && event.messages.length)).toEqual([
      3, 1, 1, 2,
    ])
    expect(one.offsets).toEqual(numbers(1, 7))
    for (const event of one.events) {
      const batch = event as Batch
      if (batch.messages.length > 1) {
        expect(batch.as(text).length).toBeLessThan(serverLimits.batchBytes + 200)
      }
    }
  })

  test('one that leaves while it, or another, is written to gets nothing more; nobody else loses anything', async () => {
    const readers = numbers(0, 9).map((number) => reader(`reader ${number}`))
    const last = readers[9]
    const first = readers[0]
    if (first === undefined || last === undefined) throw new Error('There are no readers.')
    // The room writes backwards: the first of these leaves after its turn, the others before theirs.
    last.duringWrite = () => {
      last.leave()
      first.leave()
      readers[4]?.leave()
    }
    await append(1)
    await append(1)
    expect(readers.map((one) => one.offsets.length)).toEqual([0, 2, 2, 2, 0, 2, 2, 2, 2, 1])
    for (const one of readers) one.assertWell()
    expect(room.subscribers).toBe(7)
    expect(room.behind).toBe(0)
  })

  test('one that throws is ended, and the others notice nothing', async () => {
    const terminated: string[] = []
    const broken = (name: string): Subscriber => ({
      write: () => {
        throw new Error('a broken wire')
      },
      close: () => undefined,
      terminate: () => terminated.push(name),
      queuedBytes: () => 0,
    })
    const before = reader('before')
    join(broken('first'))
    join(broken('second'))
    const after = reader('after')
    await append(2)
    await append(1)
    expect(terminated).toEqual(['second', 'first'])
    for (const one of [before, after]) {
      one.assertWell()
      expect(one.offsets).toEqual([1, 2, 3])
    }
    expect(counters.subscribers).toBe(2)
    expect(room.behind).toBe(0)
  })

  test('one that subscribes while a batch is handed out starts behind it', async () => {
    const first = reader('first')
    let late: CheckedReader | null = null
    first.duringWrite = () => {
      if (late !== null) return
      late = new CheckedReader('late', room.head())
      late.subscription = join(late, room.head().offset)
    }
    await append(9, 7000)
    first.assertWell()
    expect(late).not.toBeNull()
    ;(late as unknown as CheckedReader).assertWell()
    expect((late as unknown as CheckedReader).offsets).toEqual(numbers(5, 9))
  })
})

describe('subscribing', () => {
  test('nothing is written before it returns; what there is comes within the same turn', async () => {
    await append(5)
    const one = new CheckedReader('one', at(2))
    const subscription = join(one, 2)
    expect(one.events).toHaveLength(0)
    one.subscription = subscription
    expect(subscription).toMatchObject({ start: at(2), head: at(5) })
    // Microtasks run before the event loop turns.
    await Promise.resolve()
    one.assertWell()
    expect(one.offsets).toEqual([3, 4, 5])
  })

  test('one that leaves at once gets nothing', async () => {
    await append(5)
    const one = reader('one', 0)
    one.leave()
    one.leave()
    await turns()
    expect(one.events).toHaveLength(0)
    expect(counters.subscribers).toBe(0)
  })

  test('a cursor of another log, or beyond the head, brings a reset; one that was trimmed away a gap', async () => {
    begin({ keepMessages: 10, ringBytes: 300 })
    await append(30)
    const tail = log.tail('room')
    const beyond = reader('beyond', 31)
    const trimmed = reader('trimmed', 1)
    await turns()
    expect(beyond.events[0]).toEqual({ kind: 'reset', cursor: tail })
    expect(trimmed.events[0]).toEqual({ kind: 'gap', after: at(1), cursor: tail })
    for (const one of [beyond, trimmed]) {
      one.assertWell()
      expect(one.offsets).toEqual(numbers(tail.offset + 1, 30))
    }
  })

  test('a long way back is read in pages, with other work in between', async () => {
    await append(100, 8000)
    const one = reader('one', 0)
    const seen: number[] = []
    while (one.position.offset < 100) {
      await turns()
      seen.push(one.events.length)
    }
    one.assertWell()
    expect(one.offsets).toEqual(numbers(1, 100))
    // At most eight pages a turn.
    expect(seen.length).toBeGreaterThan(2)
    expect(Math.max(...seen.map((count, index) => count - (seen[index - 1] ?? 0)))).toBeLessThanOrEqual(8)
  })
})

describe('a reader whose wire is full', () => {
  test('gets nothing until it is writable, then exactly what it missed, from memory', async () => {
    const slow = reader('slow')
    const fast = reader('fast')
    const read = vi.spyOn(log, 'read')
    slow.accepts = false
    await append(1)
    expect(room.behind).toBe(1)
    for (let tick = 0; tick < 20; tick++) await append(3)
    expect(slow.offsets).toEqual([1])
    slow.accepts = true
    slow.unblock()
    slow.assertWell()
    expect(slow.offsets).toEqual(fast.offsets)
    expect(room.behind).toBe(0)
    expect(read).not.toHaveBeenCalled()
    await append(1)
    slow.assertWell()
    expect(slow.offsets).toEqual(numbers(1, 62))
  })

  test('and reads from the log what memory has no more', async () => {
    begin({ ringBytes: 1000 })
    const slow = reader('slow')
    const read = vi.spyOn(log, 'read')
    slow.accepts = false
    for (let tick = 0; tick < 50; tick++) await append(3)
    slow.accepts = true
    slow.unblock()
    await turns(3)
    slow.assertWell()
    expect(slow.offsets).toEqual(numbers(1, 150))
    expect(read).toHaveBeenCalled()
  })

  test('that takes one page at a time gets one page at a time', async () => {
    const slow = reader('slow')
    slow.accepts = false
    await append(60, 8000)
    for (let page = 1; slow.position.offset < 60; page++) {
      expect(slow.events).toHaveLength(page)
      await turns(2)
      expect(slow.events).toHaveLength(page)
      slow.unblock()
      await turns()
    }
    slow.assertWell()
    expect(slow.offsets).toEqual(numbers(1, 60))
  })

  test('calling writable without need changes nothing', async () => {
    const one = reader('one')
    one.subscription?.writable()
    await append(1)
    one.subscription?.writable()
    one.subscription?.writable()
    await append(1)
    one.assertWell()
    expect(one.offsets).toEqual([1, 2])
  })

  test('costs no memory for what it does not take', async () => {
    begin({ keepMessages: 50, ringBytes: 4000 })
    const batches: WeakRef<Batch>[] = []
    join({
      write: (event) => {
        if (event.kind === 'messages') batches.push(new WeakRef(event))
        return true
      },
      close: () => undefined,
      terminate: () => undefined,
      queuedBytes: () => 0,
    })
    for (let number = 0; number < 50; number++) {
      join({
        write: () => false,
        close: () => undefined,
        terminate: () => undefined,
        queuedBytes: () => 0,
      })
    }
    for (let tick = 0; tick < 100; tick++) await append(1, 1000)
    expect(batches).toHaveLength(100)
    expect(room.behind).toBe(50)
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    await turns()
    collect()
    const alive = batches.slice(0, 90).filter((batch) => batch.deref() !== undefined)
    expect(alive).toHaveLength(0)
  })
})

describe('a log that answers later', () => {
  test('what is appended while a page is read comes behind it', async () => {
    let delayed: DelayedLog | null = null
    begin({ ringBytes: 500, over: (one) => (delayed = new DelayedLog(one)) })
    const pending = delayed as unknown as DelayedLog
    await append(50)
    const one = reader('one', 0)
    await turns()
    expect(pending.reads).toBe(1)
    await append(10)
    pending.answer(0)
    await turns(2)
    one.assertWell()
    expect(one.offsets).toEqual(numbers(1, 60))
  })

  test('a read that fails ends the reader that asked, and nobody else', async () => {
    let delayed: DelayedLog | null = null
    begin({ ringBytes: 500, over: (one) => (delayed = new DelayedLog(one)) })
    const pending = delayed as unknown as DelayedLog
    await append(50)
    const live = reader('live')
    const behind = reader('behind', 0)
    pending.failing = true
    await turns()
    pending.answer(0)
    await turns(2)
    expect(behind.terminations).toBe(1)
    expect(behind.events).toHaveLength(0)
    await append(1)
    live.assertWell()
    expect(live.offsets).toEqual([51])
    expect(counters.subscribers).toBe(1)
  })

  test('a read that throws at once does the same', async () => {
    begin({ ringBytes: 500 })
    await append(50)
    const live = reader('live')
    vi.spyOn(log, 'read').mockImplementation(() => {
      throw new Error('the disk is gone')
    })
    const behind = reader('behind', 0)
    const slow = reader('slow')
    slow.accepts = false
    await append(1)
    await append(49)
    slow.unblock()
    await turns(2)
    expect(behind.terminations).toBe(1)
    expect(slow.terminations).toBe(1)
    live.assertWell()
    expect(live.offsets).toEqual(numbers(51, 100))
    expect(counters.subscribers).toBe(1)
  })
})

describe('pages for polls', () => {
  test('the same question gets the same page, until there is more', async () => {
    await append(10)
    const page = room.page(at(4))
    expect(room.page(at(4))).toBe(page)
    expect((page as Batch).messages).toHaveLength(6)
    const empty = room.page(at(10))
    expect((empty as Batch).messages).toHaveLength(0)
    await append(1)
    expect(((await room.page(at(4))) as Batch).messages).toHaveLength(7)
    expect(((await room.page(at(10))) as Batch).messages.map(({ offset }) => offset)).toEqual([11])
  })

  test('nobody gets a page of another log', async () => {
    await append(10)
    room.page(at(4))
    expect(room.page({ epoch: 'elsewhere', offset: 4 })).toEqual({ kind: 'reset', cursor: at(0) })
  })

  test('those that are remembered are bounded in bytes', async () => {
    begin({ ringBytes: 64 * 1024 })
    await append(400, 8000)
    const first = room.page(at(0))
    for (let offset = 1; offset < 60; offset++) room.page(at(offset))
    expect(room.page(at(0))).not.toBe(first)
    expect(room.page(at(0))).toEqual(first)
  })

  test('a page costs the log one read, however many ask', async () => {
    begin({ ringBytes: 1000 })
    await append(100)
    const read = vi.spyOn(log, 'read')
    for (let poll = 0; poll < 100; poll++) room.page(at(3))
    expect(read).toHaveBeenCalledTimes(1)
  })
})

test('a room that is made while its commit is being told takes nothing twice', async () => {
  const other = new Room('other', log, counters, () => 1024)
  let made: Room | null = null
  let late: CheckedReader | null = null
  // The log holds the messages of both rooms already when it calls the followers of the first.
  const first = reader('first')
  first.duringWrite = () => {
    made ??= new Room('second', log, counters, () => 1024)
    late ??= new CheckedReader('late', made.head())
    late.subscription ??= made.subscribe(made.head(), late)
  }
  await Promise.all([log.append('room', [draftOf(1)]), log.append('second', draftsOf(2, 3))])
  await log.append('second', [draftOf(9)])
  await turns()
  const reached = late as CheckedReader | null
  reached?.assertWell()
  expect(reached?.offsets).toEqual([4])
  other.dispose()
})

test('after dispose it does not follow the log any more', async () => {
  room.dispose()
  await append(3)
  expect(room.head()).toEqual(at(0))
  expect(counters.batches).toBe(0)
})
