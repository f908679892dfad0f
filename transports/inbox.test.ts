// What waits for a busy application: the order, the pauses, the end in the middle of it, and how much may wait (R39).
import { beforeEach, expect, test } from 'vitest'
import type { Delivery } from './contract.ts'
import { Inbox } from './inbox.ts'
import { message, messages, turn } from './session.harness.ts'

let taken: number[]
let told: string[]
let isOver: boolean
let canStop: boolean
/** For the numbers at which the application is busy: what makes it ready again. */
let ready: Map<number, () => void>
let busyAt: ReadonlySet<number>
let inbox: Inbox<Delivery>
/** Brings one message of this offset. */
const push = (offset: number) => inbox.push(messages(offset, offset))

beforeEach(() => {
  taken = []
  told = []
  isOver = false
  canStop = true
  ready = new Map()
  busyAt = new Set()
  inbox = new Inbox({
    take: (delivery) => {
      const number = delivery.kind === 'messages' ? (delivery.messages[0]?.offset ?? 0) : 0
      if (number < 0) throw new Error('negative')
      taken.push(number)
      if (!busyAt.has(number)) return
      return new Promise((resolve) => ready.set(number, resolve))
    },
    pause: () => {
      told.push('pause')
      return canStop
    },
    resume: () => told.push('resume'),
    isOver: () => isOver,
    failed: (error) => told.push(String(error)),
  })
})

test('while nobody is busy everything is handed up at once', () => {
  for (const number of [1, 2, 3]) push(number)
  expect([taken, told]).toEqual([[1, 2, 3], []])
})

test('what comes meanwhile waits, in order, over another pause too', async () => {
  busyAt = new Set([1, 3])
  for (const number of [1, 2, 3, 4]) push(number)
  expect(taken).toEqual([1])
  ready.get(1)?.()
  await turn()
  expect(taken).toEqual([1, 2, 3])
  push(5)
  ready.get(3)?.()
  await turn()
  expect(taken).toEqual([1, 2, 3, 4, 5])
  expect(told).toEqual(['pause', 'pause', 'resume'])
  push(6)
  expect(taken.at(-1)).toBe(6)
})

test('an end in the middle drops what waits', async () => {
  busyAt = new Set([1])
  for (const number of [1, 2]) push(number)
  isOver = true
  ready.get(1)?.()
  await turn()
  expect([taken, told]).toEqual([[1], ['pause']])
})

test('a fault of what is handed up late is told; of what is handed up at once it is thrown', async () => {
  expect(() => push(-1)).toThrow('negative')
  busyAt = new Set([1])
  for (const number of [1, -2]) push(number)
  ready.get(1)?.()
  await turn()
  expect(told).toEqual(['pause', 'Error: negative'])
})

/** Brings a message of 8,000 characters. */
function pushLong(offset: number): void {
  inbox.push({
    kind: 'messages',
    after: { epoch: 'e', offset: offset - 1 },
    messages: [message(offset, 'x'.repeat(8000))],
    cursor: { epoch: 'e', offset },
  })
}

test('where reading can’t be stopped, what waits is bounded: the link ends before it is 256 KiB (R39)', async () => {
  canStop = false
  busyAt = new Set([1])
  push(1)
  let pushed = 0
  for (; pushed < 40 && told.length === 1; pushed++) pushLong(2 + pushed)
  expect(told[1]).toContain('can’t stop reading')
  expect(pushed * 8000).toBeGreaterThan(128 * 1024)
  expect(pushed * 8000).toBeLessThan(256 * 1024)
})

test('what has been handed up counts no more', async () => {
  canStop = false
  for (let round = 0; round < 5; round++) {
    busyAt = new Set([round * 100])
    push(round * 100)
    for (let offset = 1; offset <= 15; offset++) pushLong(round * 100 + offset)
    ready.get(round * 100)?.()
    await turn()
  }
  expect(taken).toHaveLength(5 * 16)
  expect(told.filter((one) => one !== 'pause' && one !== 'resume')).toEqual([])
})

test('where it is stopped, what one read had brought waits, however long', () => {
  busyAt = new Set([1])
  push(1)
  for (let offset = 2; offset < 60; offset++) pushLong(offset)
  expect(told).toEqual(['pause'])
})
