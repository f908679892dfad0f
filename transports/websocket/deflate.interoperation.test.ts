// permessage-deflate against an independent peer, the `ws` library, as its server and as its client.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type PerMessageDeflateOptions, WebSocket, WebSocketServer } from 'ws'
import { BareAcceptor } from './accept.node.ts'
import type { DeflateOptions } from './deflate.node.ts'
import { dial } from './dial.node.ts'
import { listen, Notes } from './testing.node.ts'

const clean: (() => void)[] = []
afterEach(() => {
  for (const each of clean.splice(0)) each()
})

const lengths = [0, 1, 16, 125, 126, 1024, 65_535, 65_536, 131_072, 300_000]

/** Repeats itself over messages, so that contexts matter, and doesn't within the window of 256 bytes, so that windows do. */
function payload(length: number): Buffer {
  let text = ''
  for (let index = 0; text.length < length; index++) text += `${(index * 2654435761) % 4294967296} `
  return Buffer.from(text.slice(0, length))
}

/** A server of ours that echoes. */
async function ours(deflate: DeflateOptions) {
  const notes = new Notes<null>()
  const acceptor = new BareAcceptor<null>({
    handler: {
      message: (socket, message) => socket.sendParts(message.text ? 'text' : 'binary', message.parts),
      closed: (socket, closed) => notes.closed(socket, closed),
    },
    subprotocols: 'any',
    deflate: { thresholdBytes: 0, ...deflate },
    admit: () => ({ context: null }),
    opened: () => undefined,
  })
  const server = createServer((socket) => acceptor.take(socket))
  clean.push(() => server.close())
  return { notes, url: `ws://127.0.0.1:${await listen(server)}/` }
}

/** A server of theirs that echoes. */
async function theirs(perMessageDeflate: PerMessageDeflateOptions): Promise<string> {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    perMessageDeflate: { threshold: 0, ...perMessageDeflate },
  })
  server.on('connection', (socket) => {
    socket.on('message', (data, binary) => socket.send(data, { binary }))
    socket.on('error', (error) => socket.close(1011, error.message))
  })
  await once(server, 'listening')
  clean.push(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const parameters: [PerMessageDeflateOptions, DeflateOptions][] = [
  [{}, {}],
  [{ serverNoContextTakeover: true }, {}],
  [{ clientNoContextTakeover: true }, {}],
  [{ serverNoContextTakeover: true, clientNoContextTakeover: true }, {}],
  [{ serverMaxWindowBits: 9 }, {}],
  [{ serverMaxWindowBits: 8 }, {}],
  [{ clientMaxWindowBits: 9 }, {}],
  [{ clientMaxWindowBits: 8 }, {}],
  [{ serverMaxWindowBits: 10, clientMaxWindowBits: 11, serverNoContextTakeover: true }, {}],
  [{}, { serverNoContextTakeover: true, clientNoContextTakeover: true }],
  [{}, { serverMaxWindowBits: 8, clientMaxWindowBits: 8 }],
  [{}, { serverMaxWindowBits: 12, memLevel: 1, level: 1 }],
  [{}, { level: 9, memLevel: 9 }],
]

describe('our server, their client', () => {
  it.each(parameters)('echo with %j and %j', async (their, our) => {
    const { url, notes } = await ours(our)
    const socket = new WebSocket(url, { perMessageDeflate: { threshold: 0, ...their } })
    clean.push(() => socket.terminate())
    const received: { bytes: Buffer; binary: boolean }[] = []
    socket.on('message', (data, binary) => received.push({ bytes: data as Buffer, binary }))
    await once(socket, 'open')
    expect(socket.extensions).toMatch(/^permessage-deflate/)
    for (const length of lengths) {
      socket.send(payload(length), { binary: false })
      socket.send(payload(length), { binary: true })
    }
    socket.send(payload(700).subarray(0, 300), { fin: false, binary: true })
    socket.ping('between')
    socket.send(payload(700).subarray(300), { fin: true })
    while (received.length < lengths.length * 2 + 1) await once(socket, 'message')
    for (const [index, length] of lengths.entries()) {
      for (const [at, binary] of [
        [index * 2, false],
        [index * 2 + 1, true],
      ] as const) {
        expect(received[at]?.binary).toBe(binary)
        expect(received[at]?.bytes.equals(payload(length))).toBe(true)
      }
    }
    expect(received.at(-1)?.bytes.equals(payload(700))).toBe(true)
    socket.close(1000)
    await notes.until(() => notes.ends.length === 1)
    expect(notes.ends).toMatchObject([{ code: 1000, wasClean: true, failure: null }])
  })

  it('tell a client whose message is too big when it is inflated', async () => {
    const { url } = await ours({})
    const socket = new WebSocket(url, { perMessageDeflate: { threshold: 0 } })
    await once(socket, 'open')
    socket.send(Buffer.alloc(64 * 1024 * 1024))
    const [code] = await once(socket, 'close')
    expect(code).toBe(1009)
  })
})

describe('our client, their server', () => {
  it.each(parameters)('echo with %j and %j', async (their, our) => {
    const notes = new Notes<null>()
    const url = await theirs(their)
    const socket = await dial(url, { handler: notes, context: null, deflate: { thresholdBytes: 0, ...our } })
    expect(socket.extensions).toMatch(/^permessage-deflate/)
    for (const length of lengths) {
      socket.sendParts('text', [payload(length)])
      socket.send(payload(length))
    }
    await notes.until(() => notes.messages.length === lengths.length * 2 || notes.ends.length > 0)
    for (const [index, length] of lengths.entries()) {
      expect(notes.messages[index * 2] === payload(length).toString()).toBe(true)
      expect(notes.messages[index * 2 + 1] === payload(length).toString('hex')).toBe(true)
    }
    socket.close()
    await notes.until(() => notes.ends.length === 1)
    expect(notes.ends).toMatchObject([{ code: 1000, wasClean: true, failure: null }])
  })
})
