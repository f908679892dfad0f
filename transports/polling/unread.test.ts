// When an answer that nobody takes is ended. What is held meanwhile is tested with the whole server, in `server/queued.test.ts`.
import { EventEmitter } from 'node:events'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ManualClock } from '../clock.harness.ts'
import { serverLimits } from '../limits.ts'
import { UnreadAnswers } from './unread.server.ts'

let clock: ManualClock
let unread: UnreadAnswers
let ended: number[]

beforeEach(() => {
  clock = new ManualClock()
  unread = new UnreadAnswers(clock)
  ended = []
})
afterEach(() => unread.stop())

/** A request on an HTTP/2 connection. */
function ask(
  session: object,
  number: number,
): { request: FastifyRequest; reply: FastifyReply; taken(): void } {
  const raw = new EventEmitter()
  const stream = { session, close: () => ended.push(number) }
  return {
    request: { raw: { stream } } as unknown as FastifyRequest,
    reply: { raw } as unknown as FastifyReply,
    taken: () => raw.emit('close'),
  }
}

test('an answer is ended when nobody has taken it for long, and not while it is made (R34)', () => {
  const session = {}
  const [first, second] = [ask(session, 1), ask(session, 2)]
  unread.admit(first.request, first.reply)?.made(100)
  unread.admit(second.request, second.reply)
  clock.advance(serverLimits.unreadAnswerMs - 1)
  unread.sweep()
  expect(ended).toEqual([])
  clock.advance(1)
  unread.sweep()
  expect(ended).toEqual([1])
  expect(unread.queued().bytes).toBe(100 + serverLimits.batchBytes)
  first.taken()
  second.taken()
  expect(unread.queued()).toEqual({ holders: 0, bytes: 0, mostBytes: 0 })
})

test('those that wait go on one by one as room comes, in their order, each connection for itself', async () => {
  const [crowded, other] = [{}, {}]
  const asked = Array.from({ length: 4 }, (_, number) => ask(crowded, number))
  const places = asked.map(({ request, reply }) => unread.admit(request, reply))
  expect(places.map((place) => place?.turn === null)).toEqual([true, true, false, false])
  const elsewhere = ask(other, 9)
  expect(unread.admit(elsewhere.request, elsewhere.reply)?.turn).toBeNull()
  const gone: number[] = []
  places.forEach((place, number) => void place?.turn?.then(() => gone.push(number)))
  places[0]?.made(serverLimits.batchBytes)
  await Promise.resolve()
  expect(gone).toEqual([])
  asked[0]?.taken()
  await Promise.resolve()
  expect(gone).toEqual([2])
  // A short one makes room as soon as it is known to be short.
  places[2]?.made(10)
  await Promise.resolve()
  expect(gone).toEqual([2, 3])
})
