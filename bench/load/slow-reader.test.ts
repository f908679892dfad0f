// The readers that stop in `slow`, in short: whatever the transport, the server holds a bounded number of bytes, and they come back (R38).
import { v7 as uuidVersion7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startTestServer, type TestServer } from '../../server/server.harness.ts'
import { benchLimits } from '../limits.ts'
import type { SlowWay } from './slow-orders.ts'
import { openSlowReader } from './slow-reader.ts'

let server: TestServer

beforeEach(async () => {
  // Nobody is ended by liveness here: a reader that goes on is one that was waited for.
  server = await startTestServer({ heartbeatMs: 60_000 })
})
afterEach(() => server.end())

async function publish(count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, () =>
      server.hub.publish('slow', { id: uuidVersion7(), user: 'ada', text: 'x'.repeat(8000) }),
    ),
  )
}

describe('a reader that stops (R38)', () => {
  it.each<[string, SlowWay]>([
    ['polling', 'asks'],
    ['polling', 'unread'],
    ['http2-push', 'unread'],
    ['websocket', 'unread'],
    ['websocket-h2', 'unread'],
  ])(
    '%s, %s: costs a bounded number of bytes, and has everything once when it reads again',
    async (transport, way) => {
      const reader = await openSlowReader({
        kind: 'open',
        transport,
        way,
        followUrl: server.tlsUrl.origin,
        room: 'slow',
        readers: 1,
        intervalMs: 100,
      })
      try {
        reader.stop()
        let mostBytes = 0
        // More than the system's buffers take.
        for (let round = 0; round < 30; round++) {
          await publish(50)
          const { readers, answers } = server.hub.queues()
          mostBytes = Math.max(mostBytes, readers.mostBytes, answers.mostBytes)
        }
        if (way === 'asks')
          await vi.waitFor(() => expect(server.hub.queues().answers.mostBytes).toBeGreaterThan(0), 5000)
        else if (transport !== 'polling') expect(server.hub.stats().behind).toBe(1)
        expect(mostBytes).toBeLessThan(benchLimits.slow.boundBytes)
        reader.resume()
        const head = server.hub.head('slow').offset
        await vi.waitFor(() => expect(reader.report().offset).toBe(head), 10_000)
        expect(reader.report()).toMatchObject({ repeated: 0, missing: 0, gaps: 0 })
      } finally {
        await reader.close()
      }
    },
    20_000,
  )
})
