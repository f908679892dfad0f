// When an event stream over HTTP/1.1 is given up, on a response that the test plays and a clock that stands still (R34, R38).
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Heartbeats } from '../hub/heartbeats.ts'
import { serverLimits } from '../limits.ts'
import { SessionPulse } from '../session-pulse.server.ts'
import { EventSubscriber } from './subscriber.server.ts'

const heartbeatMs = 1000

/** A response whose peer takes what the test says. */
class PlayedResponse extends EventEmitter {
  writableLength = 0
  writableNeedDrain = false
  /** What the system is being given. */
  readonly socket = { _handle: { writeQueueSize: 0 } }
  writes = 0
  isDestroyed = false

  write(): boolean {
    this.writes += 1
    return true
  }

  destroy(): void {
    this.isDestroyed = true
    this.emit('close')
  }

  /** It takes nothing more; so many bytes wait. */
  stops(bytes: number): void {
    this.writableNeedDrain = true
    this.writableLength = bytes
    this.socket._handle.writeQueueSize = bytes
  }

  drains(): void {
    this.stops(0)
    this.writableNeedDrain = false
    this.emit('drain')
  }
}

let response: PlayedResponse
let heartbeats: Heartbeats<Buffer>

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  response = new PlayedResponse()
  heartbeats = new Heartbeats<Buffer>(heartbeatMs, () => Buffer.from('data: beat\n\n'))
  const subscriber = new EventSubscriber(response as unknown as ServerResponse)
  subscriber.begin(null, { heartbeats, pulse: new SessionPulse(heartbeatMs) })
})

afterEach(() => {
  heartbeats.stop()
  vi.useRealTimers()
})

test('one that takes everything gets its heartbeats, for ever', () => {
  vi.advanceTimersByTime(60_000)
  expect([response.writes, response.isDestroyed]).toEqual([60, false])
})

test('R34: one that takes nothing is ended within the time for a ping and a heartbeat, and nothing is added meanwhile', () => {
  response.stops(90_000)
  vi.advanceTimersByTime(serverLimits.pongMs - 1)
  expect(response.isDestroyed).toBe(false)
  vi.advanceTimersByTime(heartbeatMs + 1)
  expect([response.writes, response.isDestroyed]).toEqual([0, true])
})

test('one that takes a little from time to time is not, though it never takes all', () => {
  response.stops(90_000)
  for (let round = 0; round < 20; round++) {
    vi.advanceTimersByTime(serverLimits.pongMs - heartbeatMs)
    // In the middle of a write: `writableLength` says nothing of it.
    response.socket._handle.writeQueueSize -= 1000
  }
  expect(response.isDestroyed).toBe(false)
  vi.advanceTimersByTime(serverLimits.pongMs + 2 * heartbeatMs)
  expect(response.isDestroyed).toBe(true)
})

test('one that has drained has all its time again', () => {
  response.stops(90_000)
  vi.advanceTimersByTime(serverLimits.pongMs - 1)
  response.drains()
  response.stops(90_000)
  vi.advanceTimersByTime(serverLimits.pongMs - 1)
  expect(response.isDestroyed).toBe(false)
})
