// A client whose application is slow: what it holds undelivered is bounded, since it stops reading, and nothing is lost (R39).
import { v7 as uuidVersion7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type NodeTransports, nodeTransports } from './all.node.ts'
import type { Delivery } from './contract.ts'
import { eventually } from './eventually.harness.ts'
import { http2PushServer } from './http2-push/server.ts'
import { type Lab, startLab } from './lab.harness.ts'
import { longPollingServer } from './long-polling/server.ts'
import { pollingServer } from './polling/server.ts'
import { serverSentEventsServer } from './server-sent-events/server.ts'
import { webSocketHttp2Server } from './websocket/over-http2.server.ts'
import { webSocketServer } from './websocket/server.ts'
import { wsLibraryServer } from './ws-library/server.ts'

/** What a client may hold in memory: a page, a stream's window, and what is read at a time. */
const boundBytes = 512 * 1024

let lab: Lab
let client: NodeTransports

beforeEach(async () => {
  const transports = [
    pollingServer,
    longPollingServer,
    serverSentEventsServer,
    http2PushServer,
    webSocketServer,
    webSocketHttp2Server,
    wsLibraryServer,
  ]
  lab = await startLab({ transports, heartbeatMs: 60_000 })
  client = nodeTransports({ certificate: lab.certificate, intervalMs: 100, h2WebSocketUrl: lab.h2WebSocket })
})
afterEach(async () => {
  client.close()
  await lab.close()
})

async function publish(count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, () =>
      lab.hub.publish('lounge', { id: uuidVersion7(), user: 'ada', text: 'x'.repeat(8000) }),
    ),
  )
}

/** What is asked for again and again: an application that is busy does not ask. */
const asking = ['polling', 'long-polling']

describe('an application that takes nothing (R39)', () => {
  // Socket.IO's client can't stop reading: its own test says what it does instead.
  test.each([...asking, 'server-sent-events', 'http2-push', 'websocket', 'websocket-h2', 'ws-library'])(
    '%s: the client stops reading, holds a bounded number of bytes, and has all when it is taken',
    async (name) => {
      const transport = client.all.find((one) => one.name === name)
      if (transport === undefined) throw new Error(`There is no ${name}.`)
      const ready = Promise.withResolvers<void>()
      const offsets: number[] = []
      let asked = 0
      const link = await transport.open({
        base: lab.https,
        room: 'lounge',
        session: crypto.randomUUID(),
        link: 1,
        start: { last: 0 },
        receive: (delivery: Delivery) => {
          asked += 1
          if (delivery.kind === 'messages') offsets.push(...delivery.messages.map(({ offset }) => offset))
          return ready.promise
        },
        closed: () => undefined,
        signal: new AbortController().signal,
      })
      await publish(1)
      await eventually(() => expect(asked).toBe(1))
      // Until the server has noticed: a WebSocket's way there leads through the system's buffers. A poll is simply not asked.
      let rounds = 0
      while (rounds < 30 && (asking.includes(name) ? rounds < 5 : lab.hub.stats().behind === 0)) {
        await publish(100)
        rounds += 1
      }
      if (!asking.includes(name)) expect(lab.hub.stats().behind).toBe(1)
      // What is on its way in the system arrives, or does not any more.
      await eventually(async () => {
        const { payloadBytesDown } = link.stats()
        await new Promise((resolve) => setTimeout(resolve, 50))
        expect(link.stats().payloadBytesDown).toBe(payloadBytesDown)
      })
      const held = link.stats()
      await publish(200)
      expect(asked).toBe(1)
      expect(held.payloadBytesDown).toBeLessThan(boundBytes)
      expect(link.stats().payloadBytesDown).toBe(held.payloadBytesDown)
      expect(link.stats().requests).toBe(held.requests)
      ready.resolve()
      const head = lab.hub.head('lounge').offset
      await vi.waitFor(() => expect(offsets.at(-1)).toBe(head), 10_000)
      expect(offsets).toEqual(Array.from({ length: head }, (_, index) => index + 1))
      await link.close()
    },
    20_000,
  )
})
