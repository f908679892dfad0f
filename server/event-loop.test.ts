// The event loop's delay from looks that the test takes itself, and a server that turns requests away while it is late.
import { afterEach, expect, test } from 'vitest'
import { EventLoop } from './event-loop.ts'
import { ask, problemOf, startTestServer, type TestServer } from './server.harness.ts'

let loop: EventLoop | null = null
let server: TestServer | null = null
let nowMs = 0

function begin(): EventLoop {
  nowMs = 1000
  loop = new EventLoop(() => nowMs)
  return loop
}

afterEach(async () => {
  loop?.close()
  await server?.end()
  server = null
})

test('delays are what a timer came too late by', () => {
  const watched = begin()
  for (const delayMs of [0, 0, 10, 50]) {
    nowMs += 250 + delayMs
    watched.look()
  }
  expect(watched.delaysMs()).toEqual({ mean: 15, p99: 50, max: 50 })
  expect(watched.isOverloaded).toBe(false)
})

test('a loop that is late by seconds is overloaded, from the moment that a look is overdue until one is in time', () => {
  const watched = begin()
  nowMs += 250 + 2000
  expect(watched.isOverloaded).toBe(true)
  watched.look()
  expect(watched.isOverloaded).toBe(true)
  nowMs += 250
  watched.look()
  expect(watched.isOverloaded).toBe(false)
})

test('a server whose loop was held answers 503 with a time to come back, and serves again afterwards', async () => {
  server = await startTestServer()
  const held = ask(server.plainUrl, '/rooms/lounge/messages')
  // Holds the loop that this test shares with the server.
  const untilMs = performance.now() + 2400
  while (performance.now() < untilMs);
  const answer = await held
  expect(answer.status).toBe(503)
  expect(problemOf(answer)).toMatchObject({ type: '/problems/overloaded', retryAfterMs: 1000 })
  await expect
    .poll(async () => (await ask(server?.plainUrl as URL, '/rooms/lounge/messages')).status)
    .toBe(200)
})
