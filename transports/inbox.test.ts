// What waits for a busy application: the order, the pauses, and the end in the middle of it.
import { beforeEach, expect, test } from 'vitest'
import { Inbox } from './inbox.ts'
import { turn } from './session.harness.ts'

let taken: number[]
let told: string[]
let isOver: boolean
/** For the numbers at which the application is busy: what makes it ready again. */
let ready: Map<number, () => void>
let busyAt: ReadonlySet<number>
let inbox: Inbox<number>

beforeEach(() => {
  taken = []
  told = []
  isOver = false
  ready = new Map()
  busyAt = new Set()
  inbox = new Inbox({
    take: (number) => {
      if (number < 0) throw new Error('negative')
      taken.push(number)
      if (!busyAt.has(number)) return
      return new Promise((resolve) => ready.set(number, resolve))
    },
    pause: () => told.push('pause'),
    resume: () => told.push('resume'),
    isOver: () => isOver,
    failed: (error) => told.push(String(error)),
  })
})

test('while nobody is busy everything is handed up at once', () => {
  for (const number of [1, 2, 3]) inbox.push(number)
  expect([taken, told]).toEqual([[1, 2, 3], []])
})

test('what comes meanwhile waits, in order, over another pause too', async () => {
  busyAt = new Set([1, 3])
  for (const number of [1, 2, 3, 4]) inbox.push(number)
  expect(taken).toEqual([1])
  ready.get(1)?.()
  await turn()
  expect(taken).toEqual([1, 2, 3])
  inbox.push(5)
  ready.get(3)?.()
  await turn()
  expect(taken).toEqual([1, 2, 3, 4, 5])
  expect(told).toEqual(['pause', 'pause', 'resume'])
  inbox.push(6)
  expect(taken.at(-1)).toBe(6)
})

test('an end in the middle drops what waits', async () => {
  busyAt = new Set([1])
  for (const number of [1, 2]) inbox.push(number)
  isOver = true
  ready.get(1)?.()
  await turn()
  expect([taken, told]).toEqual([[1], ['pause']])
})

test('a fault of what is handed up late is told; of what is handed up at once it is thrown', async () => {
  expect(() => inbox.push(-1)).toThrow('negative')
  busyAt = new Set([1])
  for (const number of [1, -2]) inbox.push(number)
  ready.get(1)?.()
  await turn()
  expect(told).toEqual(['pause', 'Error: negative'])
})
