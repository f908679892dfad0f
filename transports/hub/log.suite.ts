// The one suite that every log passes: order, idempotence, ticks, pages, gaps and resets, bounds.
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { formatCursor, parseCursor } from '../cursor.ts'
import { serverLimits } from '../limits.ts'
import type { Draft, Message } from '../message.ts'
import { ProblemError, problemName } from '../problem.ts'
import { draftOf, draftsOf } from './log.drafts.ts'
import type { Appended, Log, Page, Range, ReadLimit } from './log.ts'

/** Opens an empty log. `keepMessages`: how many messages of a room it keeps at least; without it, all. */
export type OpenLog = (options: { readonly keepMessages?: number }) => Log | Promise<Log>

const wide: ReadLimit = { messages: 500, bytes: 1024 * 1024 }

export function logSuite(name: string, open: OpenLog): void {
  describe(`${name} as a log`, () => {
    const logs: Log[] = []
    async function opened(options: { readonly keepMessages?: number } = {}): Promise<Log> {
      const log = await open(options)
      logs.push(log)
      return log
    }
    afterEach(async () => {
      for (const log of logs.splice(0)) await log.close()
    })
    appending(opened)
    idempotence(opened)
    following(opened)
    reading(opened)
    trimming(opened)
    bounds(opened)
    model(opened)
  })
}

type Opened = (options?: { readonly keepMessages?: number }) => Promise<Log>

function appending(opened: Opened): void {
  test('a room that nobody has written to is empty, and its cursor goes over the wire', async () => {
    const log = await opened()
    expect(log.head('empty')).toEqual({ epoch: log.epoch, offset: 0 })
    expect(log.tail('empty')).toEqual({ epoch: log.epoch, offset: 0 })
    expect(parseCursor(formatCursor(log.head('empty')))).toEqual(log.head('empty'))
    expect(await log.read('empty', { after: log.head('empty') }, wide)).toEqual(page(log, 0, []))
    expect(await log.read('empty', { last: 10 }, wide)).toEqual(page(log, 0, []))
    expect(await log.read('empty', { before: log.head('empty') }, wide)).toEqual(page(log, 0, []))
  })

  test('offsets count from 1 in each room, in the order of the calls', async () => {
    const log = await opened()
    const one = log.append('one', draftsOf(1, 2))
    const other = log.append('other', [draftOf(10)])
    const rest = log.append('one', [draftOf(3)])
    expect((await one).map(offsetOf)).toEqual([1, 2])
    expect((await other).map(offsetOf)).toEqual([1])
    expect((await rest).map(offsetOf)).toEqual([3])
    expect((await log.append('one', [draftOf(4)])).map(offsetOf)).toEqual([4])
    expect(log.head('one').offset).toBe(4)
    expect(log.head('other').offset).toBe(1)
  })

  test('a message is what was sent, whatever is in it', async () => {
    const log = await opened()
    const texts = [
      'plain',
      'two\nlines\r\n',
      '"quoted" \\',
      '🦜 𝒳 é é',
      'a\u0000b\u0001',
      `${' '.repeat(9)}.`,
      'x'.repeat(8192),
    ]
    const appended = await log.append(
      'texts',
      texts.map((text, index) => draftOf(index, text, `user ${index} 🙂`)),
    )
    const messages = appended.map(messageOf)
    expect(messages.map(({ text }) => text)).toEqual(texts)
    expect(await readMessages(log, 'texts', { last: 100 })).toEqual(messages)
  })

  test('time never goes backwards within a room', async () => {
    const log = await opened()
    for (let round = 0; round < 5; round++) await log.append('clock', draftsOf(round * 10, 3))
    const times = (await readMessages(log, 'clock', { last: 100 })).map(({ time }) => time)
    expect(times).toEqual(times.toSorted((one, other) => one - other))
    expect(Number.isSafeInteger(times[0])).toBe(true)
  })

  test('what is queued when it closes is stored first', async () => {
    const log = await opened()
    const queued = log.append('late', draftsOf(1, 3))
    await log.close()
    expect((await queued).map(offsetOf)).toEqual([1, 2, 3])
  })
}

function idempotence(opened: Opened): void {
  test('the same draft again is the earlier message; another content under its id is a conflict', async () => {
    const log = await opened()
    const [first] = await log.append('room', [draftOf(1)])
    const again = await log.append('room', [
      draftOf(1),
      draftOf(1, 'changed'),
      draftOf(1, 'text 1', 'bob'),
      draftOf(2),
    ])
    expect(again.map(({ kind }) => kind)).toEqual(['existing', 'conflict', 'conflict', 'created'])
    expect(again[0]).toEqual({ ...first, kind: 'existing' })
    expect(again.map(offsetOf)).toEqual([1, null, null, 2])
  })

  test('duplicates within one commit are found, in one call and in several', async () => {
    const log = await opened()
    const one = log.append('room', [draftOf(1), draftOf(1), draftOf(1, 'changed')])
    const two = log.append('room', [draftOf(1), draftOf(2)])
    expect((await one).map(({ kind }) => kind)).toEqual(['created', 'existing', 'conflict'])
    expect((await two).map(({ kind }) => kind)).toEqual(['existing', 'created'])
    expect((await two).map(offsetOf)).toEqual([1, 2])
    expect(log.head('room').offset).toBe(2)
  })

  test('an id means something within its room only', async () => {
    const log = await opened()
    await log.append('one', [draftOf(1, 'here')])
    const [elsewhere] = await log.append('two', [draftOf(1, 'there')])
    expect(elsewhere?.kind).toBe('created')
  })
}

function following(opened: Opened): void {
  test('followers hear each tick once, with the new messages alone, after head and before the append resolves', async () => {
    const log = await opened()
    const events: string[] = []
    const heard: Message[][] = []
    log.follow('room', (messages) => {
      heard.push([...messages])
      events.push(`followed at ${log.head('room').offset}`)
    })
    await log.append('elsewhere', [draftOf(100)])
    const one = log.append('room', [draftOf(1), draftOf(1)]).then(() => events.push('one'))
    const two = log.append('room', [draftOf(2)]).then(() => events.push('two'))
    await Promise.all([one, two])
    expect(events).toEqual(['followed at 2', 'one', 'two'])
    await log.append('room', [draftOf(2)])
    expect(heard.map((messages) => messages.map(({ offset }) => offset))).toEqual([[1, 2]])
  })

  test('a follower that has left hears nothing more; the others do', async () => {
    const log = await opened()
    const heard: string[] = []
    const leave = log.follow('room', () => heard.push('first'))
    log.follow('room', () => heard.push('second'))
    await log.append('room', [draftOf(1)])
    leave()
    leave()
    await log.append('room', [draftOf(2)])
    expect(heard).toEqual(['first', 'second', 'second'])
  })

  test('a flood is heard in order, without a hole, and no commit takes more than its share', async () => {
    const log = await opened()
    const sizes: number[] = []
    const offsets: number[] = []
    log.follow('flood', (messages) => {
      sizes.push(messages.length)
      for (const { offset } of messages) offsets.push(offset)
    })
    const count = 3 * serverLimits.commitDrafts + 7
    await Promise.all(draftsOf(1, count).map((draft) => log.append('flood', [draft])))
    expect(offsets).toEqual(Array.from({ length: count }, (_, index) => index + 1))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(serverLimits.commitDrafts)
    expect(sizes.length).toBeLessThanOrEqual(5)
  })
}

function reading(opened: Opened): void {
  test('pages lead forward from the start to the head, bounded by number', async () => {
    const log = await opened()
    await log.append('room', draftsOf(1, 10))
    const offsets: number[][] = []
    let after = { epoch: log.epoch, offset: 0 }
    for (;;) {
      const found = pageOf(await log.read('room', { after }, { ...wide, messages: 4 }))
      expect(found.after).toEqual(after)
      if (found.messages.length === 0) break
      offsets.push(found.messages.map(({ offset }) => offset))
      after = { epoch: log.epoch, offset: found.messages.at(-1)?.offset ?? 0 }
    }
    expect(offsets).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [9, 10],
    ])
  })

  test('pages lead backward from a cursor, its own offset included, in the order of the offsets', async () => {
    const log = await opened()
    await log.append('room', draftsOf(1, 10))
    const before = { epoch: log.epoch, offset: 7 }
    expect(offsetsOf(await log.read('room', { before }, { ...wide, messages: 3 }))).toEqual(
      [4, 5, 6, 7].slice(1),
    )
    expect(pageOf(await log.read('room', { before }, { ...wide, messages: 3 })).after.offset).toBe(4)
    expect(offsetsOf(await log.read('room', { before: { epoch: log.epoch, offset: 2 } }, wide))).toEqual([
      1, 2,
    ])
    expect(offsetsOf(await log.read('room', { before: { epoch: log.epoch, offset: 0 } }, wide))).toEqual([])
  })

  test('the last N are the newest N, and the limit holds for them too', async () => {
    const log = await opened()
    await log.append('room', draftsOf(1, 10))
    expect(offsetsOf(await log.read('room', { last: 3 }, wide))).toEqual([8, 9, 10])
    expect(offsetsOf(await log.read('room', { last: 300 }, wide))).toHaveLength(10)
    expect(offsetsOf(await log.read('room', { last: 5 }, { ...wide, messages: 2 }))).toEqual([9, 10])
    expect(pageOf(await log.read('room', { last: 0 }, wide))).toEqual(page(log, 10, []))
  })

  test('bytes bound a page at the end that is read from, and one message always comes', async () => {
    const log = await opened()
    const texts = ['é'.repeat(300), '\n'.repeat(300), 'x'.repeat(2000), 'y']
    const messages = (
      await log.append(
        'room',
        texts.map((text, index) => draftOf(index, text)),
      )
    ).map(messageOf)
    for (const bytes of [1, 900, 1700, 4000]) {
      const limit = { ...wide, bytes }
      const forward = pageOf(
        await log.read('room', { after: { epoch: log.epoch, offset: 0 } }, limit),
      ).messages
      expect(forward).toEqual(messages.slice(0, forward.length))
      expect(forward.length === 1 || jsonBytes(forward) <= bytes + 2 + forward.length).toBe(true)
      const backward = pageOf(await log.read('room', { last: 10 }, limit))
      expect(backward.messages).toEqual(messages.slice(-backward.messages.length))
      expect(backward.after.offset).toBe(messages.length - backward.messages.length)
      expect(
        backward.messages.length === 1 ||
          jsonBytes(backward.messages) <= bytes + 2 + backward.messages.length,
      ).toBe(true)
    }
    expect(
      offsetsOf(await log.read('room', { after: { epoch: log.epoch, offset: 0 } }, { ...wide, bytes: 1 })),
    ).toEqual([1])
    expect(offsetsOf(await log.read('room', { last: 9 }, { ...wide, bytes: 1 }))).toEqual([4])
  })

  test('a cursor of another log, and one beyond the head, is a reset to the tail', async () => {
    const log = await opened()
    await log.append('room', draftsOf(1, 3))
    const reset = { kind: 'reset', cursor: { epoch: log.epoch, offset: 0 } }
    for (const cursor of [
      { epoch: 'other', offset: 1 },
      { epoch: log.epoch, offset: 4 },
    ]) {
      expect(await log.read('room', { after: cursor }, wide)).toEqual(reset)
      expect(await log.read('room', { before: cursor }, wide)).toEqual(reset)
    }
  })
}

function trimming(opened: Opened): void {
  test('what was trimmed is a gap for who has not read it, and its offsets are never used again', async () => {
    const log = await opened({ keepMessages: 20 })
    for (let round = 0; round < 10; round++) await log.append('room', draftsOf(round * 10, 10))
    const tail = log.tail('room')
    expect(tail.offset).toBeGreaterThan(0)
    expect(log.head('room').offset).toBe(100)
    expect(100 - tail.offset).toBeGreaterThanOrEqual(20)
    const after = { epoch: log.epoch, offset: tail.offset - 1 }
    expect(await log.read('room', { after }, wide)).toEqual({ kind: 'gap', after, cursor: tail })
    expect(offsetsOf(await log.read('room', { after: tail }, wide))[0]).toBe(tail.offset + 1)
    expect(offsetsOf(await log.read('room', { last: 100 }, wide))[0]).toBe(tail.offset + 1)
    expect(offsetsOf(await log.read('room', { before: tail }, wide))).toEqual([])
    expect(await log.read('room', { after: { epoch: 'other', offset: 0 } }, wide)).toEqual({
      kind: 'reset',
      cursor: tail,
    })
    // The id of a trimmed message is forgotten with it.
    const [again] = await log.append('room', [draftOf(0)])
    expect(again).toMatchObject({ kind: 'created', message: { offset: 101 } })
  })
}

function bounds(opened: Opened): void {
  test('beyond its queue it refuses, says when to come back, and goes on', async () => {
    const log = await opened()
    const queued = draftsOf(1, serverLimits.queuedDrafts).map((draft) => log.append('room', [draft]))
    const refused = await log.append('room', [draftOf(0)]).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(ProblemError)
    const { problem } = refused as ProblemError
    expect(problemName(problem)).toBe('overloaded')
    expect(problem.retryAfterMs).toBeGreaterThan(0)
    await Promise.all(queued)
    expect((await log.append('room', [draftOf(0)])).map(offsetOf)).toEqual([serverLimits.queuedDrafts + 1])
  })

  test('beyond its rooms it refuses new ones and serves the others', async () => {
    const log = await opened()
    const rooms = Array.from({ length: serverLimits.rooms }, (_, index) => `room-${index}`)
    await Promise.all(rooms.map((room) => log.append(room, [draftOf(1)])))
    const refused = await log.append('one-more', [draftOf(1)]).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(ProblemError)
    expect(problemName((refused as ProblemError).problem)).toBe('overloaded')
    expect(log.head('one-more').offset).toBe(0)
    expect((await log.append('room-7', [draftOf(2)])).map(offsetOf)).toEqual([2])
  })
}

/** What the model does: appends in one tick, or a read. */
type Step =
  | {
      readonly kind: 'append'
      readonly calls: readonly { readonly room: string; readonly drafts: readonly Draft[] }[]
    }
  | {
      readonly kind: 'read'
      readonly room: string
      readonly range: 'after' | 'before' | 'last'
      readonly offset: number
      readonly messages: number
    }

function model(opened: Opened): void {
  const room = fc.constantFrom('one', 'two', 'three')
  // Few ids and texts, so that the same ones and conflicts are common.
  const draft = fc.tuple(fc.nat(30), fc.nat(1)).map(([id, text]) => draftOf(id, `text ${text}`))
  const calls = fc.array(fc.record({ room, drafts: fc.array(draft, { minLength: 1, maxLength: 4 }) }), {
    minLength: 1,
    maxLength: 5,
  })
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), calls }),
    fc.record({
      kind: fc.constant('read' as const),
      room,
      range: fc.constantFrom('after' as const, 'before' as const, 'last' as const),
      offset: fc.nat(20),
      messages: fc.integer({ min: 1, max: 12 }),
    }),
  )

  test('it does what a list of messages for each room would do', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const log = await opened()
        const expected = new Map<string, Message[]>()
        for (const one of steps) {
          if (one.kind === 'append') {
            const appended = await Promise.all(one.calls.map((call) => log.append(call.room, call.drafts)))
            expect(appended.map((list) => list.map(withoutTime))).toEqual(
              one.calls.map((call) =>
                call.drafts.map((each) => withoutTime(appendToModel(expected, call.room, each))),
              ),
            )
          } else {
            await compareRead(log, expected.get(one.room) ?? [], one)
          }
        }
        await log.close()
      }),
      { numRuns: 60 },
    )
  })
}

function appendToModel(rooms: Map<string, Message[]>, room: string, draft: Draft): Appended {
  const messages = rooms.get(room) ?? []
  rooms.set(room, messages)
  const earlier = messages.find(({ id }) => id === draft.id)
  if (earlier === undefined) {
    const message = { ...draft, offset: messages.length + 1, time: 0 }
    messages.push(message)
    return { kind: 'created', message }
  }
  return earlier.text === draft.text ? { kind: 'existing', message: earlier } : { kind: 'conflict' }
}

async function compareRead(
  log: Log,
  messages: readonly Message[],
  step: Step & { kind: 'read' },
): Promise<void> {
  const cursor = { epoch: log.epoch, offset: step.offset }
  const range =
    step.range === 'last'
      ? { last: step.offset }
      : step.range === 'after'
        ? { after: cursor }
        : { before: cursor }
  const found = await log.read(step.room, range, { ...wide, messages: step.messages })
  if (step.range !== 'last' && step.offset > messages.length) {
    expect(found.kind).toBe('reset')
    return
  }
  const wanted =
    step.range === 'after'
      ? messages.slice(step.offset, step.offset + step.messages)
      : step.range === 'before'
        ? messages.slice(Math.max(0, step.offset - step.messages), step.offset)
        : messages.slice(Math.max(0, messages.length - Math.min(step.offset, step.messages)))
  expect(pageOf(found).messages.map((message) => ({ ...message, time: 0 }))).toEqual(wanted)
}

function withoutTime(appended: Appended): Appended {
  return appended.kind === 'conflict' ? appended : { ...appended, message: { ...appended.message, time: 0 } }
}

function page(log: Log, after: number, messages: readonly Message[]): Page {
  return { kind: 'page', after: { epoch: log.epoch, offset: after }, messages }
}

function pageOf(found: Awaited<ReturnType<Log['read']>>): Page {
  if (found.kind !== 'page') throw new Error(`The log answered with a ${found.kind} instead of a page.`)
  return found
}

function offsetsOf(found: Awaited<ReturnType<Log['read']>>): number[] {
  return pageOf(found).messages.map(({ offset }) => offset)
}

async function readMessages(log: Log, room: string, range: Range): Promise<readonly Message[]> {
  return pageOf(await log.read(room, range, wide)).messages
}

function messageOf(appended: Appended): Message {
  if (appended.kind === 'conflict') throw new Error('The log refused a draft as a conflict.')
  return appended.message
}

function offsetOf(appended: Appended): number | null {
  return appended.kind === 'conflict' ? null : appended.message.offset
}

function jsonBytes(messages: readonly Message[]): number {
  return Buffer.byteLength(JSON.stringify(messages))
}
