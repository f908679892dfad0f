// The model's bytes against frames that are counted by hand, documents that the server writes, and cells that were measured.
import { describe, expect, it } from 'vitest'
import { Batch } from '../../transports/hub/batch.ts'
import type { Message } from '../../transports/message.ts'
import { sendDocument } from '../../transports/socket-documents.ts'
import { encodeDocument } from '../../transports/wire.ts'
import { deliveryDocument } from '../servers/room.ts'
import {
  answersWithNews,
  bytesOf,
  documentsOf,
  type Flow,
  leastBytes,
  questionsOf,
  restingBytes,
  wireBytes,
} from './bytes.ts'
import { http1LongPoll, http1Poll, http2LongPoll, http2Poll } from './exchanges.ts'
import {
  chunkBytes,
  deliveryBytes,
  documentOnWire,
  heartbeatBytes,
  http2DataBytes,
  meanDigits,
  pollBodyBytes,
  receiptBytes,
  sendBytes,
  sseBytes,
  webSocketHeaderBytes,
  writeBytes,
} from './wire.ts'

const shape = { epochCharacters: 12, textBytes: 64, offsetDigits: 1 }
const id = '0192f3c4-0000-7000-8000-000000000000'

function messages(count: number): readonly Message[] {
  return Array.from({ length: count }, (_, index) => ({
    id,
    user: 'bench',
    text: 'a'.repeat(64),
    offset: index + 2,
    time: 1_795_348_800_000,
  }))
}

describe('documents', () => {
  it('are as long as those that the servers write', () => {
    for (const count of [1, 3]) {
      const batch = new Batch({ epoch: 'k3JxK3Jxk3Jx', offset: 1 }, messages(count))
      expect(deliveryBytes(shape, count)).toBe(batch.document.length)
      expect(deliveryBytes({ ...shape, epochCharacters: 7 }, count)).toBe(
        deliveryDocument(messages(count)).length,
      )
      const head = { epoch: 'k3JxK3Jxk3Jx', offset: 4 }
      const poll = encodeDocument({ ...JSON.parse(batch.document), head })
      expect(pollBodyBytes(shape, count)).toBe(poll.length)
    }
    const time = 1_795_348_800_000
    expect(heartbeatBytes).toBe(encodeDocument({ kind: 'heartbeat', time }).length)
    expect(receiptBytes(shape)).toBe(
      encodeDocument({ kind: 'receipt', id, offset: 1, time, created: true }).length,
    )
    expect(sendBytes(shape)).toBe(sendDocument({ id, user: 'bench', text: 'a'.repeat(64) }).length)
  })

  it('have as many digits as the offsets on average', () => {
    expect(meanDigits(1, 9)).toBe(1)
    expect(meanDigits(1, 99)).toBeCloseTo((9 + 180) / 99, 12)
    expect(meanDigits(0, 10)).toBeCloseTo(12 / 11, 12)
  })
})

describe('frames', () => {
  it('of a WebSocket: 2, 4, 10 down and 6, 8, 14 up', () => {
    const header = (masked: boolean) =>
      [125, 126, 65_535, 65_536].map((bytes) => webSocketHeaderBytes(bytes, masked))
    expect(header(false)).toEqual([2, 4, 4, 10])
    expect(header(true)).toEqual([6, 8, 8, 14])
  })

  it('of HTTP/2, TLS, HTTP/1.1 and server-sent events', () => {
    expect([http2DataBytes(0), http2DataBytes(16_384), http2DataBytes(16_385)]).toEqual([9, 16_393, 16_403])
    expect([writeBytes(100, true), writeBytes(16_385, true), writeBytes(100, false)]).toEqual([
      122, 16_429, 100,
    ])
    expect(chunkBytes(0x1f)).toBe(0x1f + 6)
    expect(sseBytes(100)).toBe(108)
    expect(sseBytes(100, { id: '12345678', event: 'messages' })).toBe(108 + 13 + 16)
  })

  it('are what was seen on the wires, record by record', () => {
    const document = deliveryBytes(shape, 1)
    const seen = { lines: 273, websocket: 276, 'websocket-h2': 285, 'http2-stream': 282 } as const
    for (const wire of ['lines', 'websocket', 'websocket-h2', 'http2-stream'] as const)
      expect(documentOnWire(wire, document, { secure: true })).toBe(seen[wire])
  })
})

describe('polls', () => {
  it('are what was seen on the wires: over HTTP/2 and TLS', () => {
    // Of a longer run: the room's name had two characters more than those that were seen, which came up with 123.
    expect(http2Poll(shape, 0, 0).up).toBe(125)
    expect(Math.abs(http2Poll(shape, 0, 0).down - 53)).toBeLessThanOrEqual(1)
    expect(Math.abs(http2Poll(shape, 0, 1000).down - 76)).toBeLessThanOrEqual(1)
    expect(Math.abs(http2Poll(shape, 1, 0).down - 373)).toBeLessThanOrEqual(1)
    expect(Math.abs(http2Poll(shape, 2, 0).down - 540)).toBeLessThanOrEqual(1)
  })

  it('and over plain HTTP/1.1', () => {
    expect(http1Poll(shape, 0, false)).toEqual({ up: 333, down: 190 })
    expect(http1Poll(shape, 1, false).down).toBe(522)
  })

  it('and over HTTP/1.1 and TLS: a record each, and what the server says of TLS', () => {
    expect(http1Poll(shape, 0, true)).toEqual({ up: 333 + 22, down: 190 + '; tls'.length + 22 })
  })

  it('find something as often as Poisson says', () => {
    const flow = { requests: 1000, deliveries: 500, burst: 1 } as Flow
    expect(answersWithNews(flow)).toBeCloseTo(1000 * (1 - Math.exp(-0.5)), 9)
    expect(answersWithNews({ ...flow, burst: 100 })).toBe(5)
  })
})

describe('long polls and events', () => {
  it('are questions without a tag, and answers that are always documents', () => {
    const question = http1LongPoll(shape, 1, true)
    // `wait=10` is there and `if-none-match` is not.
    expect(question.up).toBe(
      http1Poll(shape, 1, true).up + '&wait=10'.length - 'if-none-match: "k3JxK3Jxk3Jx.1"\r\n'.length,
    )
    expect(question.down).toBe(http1Poll(shape, 1, true).down)
    expect(http2LongPoll(shape, 2, 0).down).toBe(http2Poll(shape, 2, 0).down)
    expect(http2LongPoll(shape, 0, 0).down).toBeGreaterThan(http2Poll(shape, 0, 0).down)
  })

  it('of the latter, an id, a DATA frame or a chunk, and a record', () => {
    const id = 'k3JxK3Jxk3Jx.1'
    const event = 200 + 'data: \n\n'.length + `id: ${id}\n`.length
    expect(documentOnWire('events', 200, { secure: true, id })).toBe(event + 9 + 22)
    expect(documentOnWire('events', 200, { secure: true, http2: false, id })).toBe(
      event + 'e2\r\n\r\n'.length + 22,
    )
    // A mean length has no digits behind the point.
    expect(documentOnWire('events', 200.25, { secure: false, http2: false, id })).toBeCloseTo(event + 6.25, 9)
  })

  it('cost in a silent room what their heartbeats and questions do', () => {
    const link = { server: 'parley', secure: true, protocol: 'h2, TLS', intervalMs: 0 } as const
    const beat = documentOnWire('websocket', heartbeatBytes, { secure: true })
    expect(restingBytes({ ...link, wire: 'websocket' })).toEqual({ down: beat / 10, up: 0 })
    const ping = 9 + 8 + 22
    expect(restingBytes({ ...link, wire: 'http2-stream' }).up).toBeCloseTo(ping / 10, 9)
    expect(restingBytes({ ...link, wire: 'events', protocol: 'http/1.1, TLS' }).up).toBe(0)
    const asking = restingBytes({ ...link, wire: 'poll', protocol: 'http/1.1, TLS', intervalMs: 500 })
    expect(asking.down).toBeCloseTo(2 * http1Poll(shape, 0, true).down, 9)
    expect(restingBytes({ ...link, wire: 'long-poll' }).up).toBeCloseTo(
      (http2LongPoll(shape, 0, 0).up + ping) / 10,
      9,
    )
    // A ping of one byte each 7.5 s, and its answer.
    expect(restingBytes({ ...link, wire: 'socket-io' }).down).toBeCloseTo((2 + 1 + 22) / 7.5, 9)
    expect(restingBytes({ ...link, wire: 'socket-io' }).up).toBeCloseTo((6 + 1 + 22) / 7.5, 9)
    expect(restingBytes({ ...link, wire: 'lines', server: 'tcp' })).toEqual({ down: 0, up: 0 })
  })
})

describe('a row', () => {
  const flow: Flow = {
    wire: 'websocket',
    server: 'parley',
    secure: true,
    protocol: 'h2, TLS',
    upLink: 'publisher',
    textBytes: 64,
    burst: 1,
    intervalMs: 0,
    audience: 10,
    messagesOfRoom: 9,
    deliveries: 100,
    reads: 105,
    requests: 0,
    connectionSeconds: 50,
  }

  it('has heartbeats where more was read than delivered, and joined messages where less was', () => {
    expect(documentsOf(flow)).toEqual({ documents: 100, beats: 5 })
    expect(documentsOf({ ...flow, reads: 55 })).toEqual({ documents: 50, beats: 5 })
    expect(bytesOf(flow)?.downPerDelivery).toBeCloseTo(276 + (5 * 65) / 100, 9)
  })

  it.each([
    // Two blocks of a real run: deliveries, reads, connection seconds, messages of a room, bytes down a delivery.
    ['http2-stream', 'parley', 1600, 1610, 100, 8, 282.6],
    ['websocket', 'parley', 1600, 1610, 100, 8, 276.3],
    ['websocket-h2', 'parley', 1600, 1610, 100, 8, 285.5],
    ['websocket', 'ws', 1600, 1600, 100, 8, 266],
    ['lines', 'tcp', 1600, 1600, 100, 8, 263],
  ] as const)(
    'agrees with a measured one within 2 %%: %s of %s',
    (wire, server, deliveries, reads, connectionSeconds, messagesOfRoom, measured) => {
      const carried = bytesOf({ ...flow, wire, server, deliveries, reads, connectionSeconds, messagesOfRoom })
      expect(Math.abs((carried?.downPerDelivery ?? 0) / measured - 1)).toBeLessThan(0.02)
    },
  )

  it('agrees with measured polls within 10 %: 500 questions of 1,600 deliveries', () => {
    const polls = {
      ...flow,
      wire: 'poll',
      intervalMs: 250,
      deliveries: 2500,
      reads: 552,
      requests: 552,
      messagesOfRoom: 12.5,
    } as const
    const carried = bytesOf(polls)
    expect(Math.abs((carried?.downPerDelivery ?? 0) / 215.6 - 1)).toBeLessThan(0.1)
    expect(Math.abs((carried?.upPerDelivery ?? 0) / 27.3 - 1)).toBeLessThan(0.1)
  })

  it('is nothing where nothing came', () => {
    expect(bytesOf({ ...flow, deliveries: 0 })).toBeNull()
    expect(bytesOf({ ...flow, server: 'ws', burst: 200 })).toBeNull()
  })

  it('does not take a native sender’s receipts for heartbeats, nor its sends for questions', () => {
    const native = { ...flow, upLink: 'native', reads: 115 } as const
    expect(documentsOf(native)).toEqual({ documents: 100, beats: 5 })
    const polls = { ...native, wire: 'poll', requests: 60 } as const
    expect(questionsOf(polls)).toBe(50)
    expect(questionsOf({ ...polls, upLink: 'publisher' })).toBe(60)
  })

  it('has a least size, and segments around it', () => {
    expect(leastBytes(64)).toBe(100)
    expect(wireBytes({ bytesUp: 0, bytesDown: 276, reads: 1, requests: 0 })).toBe(276 + 104)
    expect(wireBytes({ bytesUp: 125, bytesDown: 53, reads: 1, requests: 1 })).toBe(178 + 156)
    expect(wireBytes({ bytesUp: 0, bytesDown: 14_480, reads: 1, requests: 0 })).toBe(14_480 + 1040)
  })
})
