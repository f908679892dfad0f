// Our two halves against an independent peer, the `ws` library, as its server and as its client.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { BareAcceptor } from './accept.node.ts'
import { dial } from './dial.node.ts'
import type { MessageSocket } from './socket.node.ts'
import { listen, Notes } from './testing.node.ts'

const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 300_000]
const clean: (() => void)[] = []
afterEach(() => {
  for (const each of clean.splice(0)) each()
})

/** A server of ours that echoes. */
async function ours() {
  const notes = new Notes<null>()
  const opened: MessageSocket<null>[] = []
  const acceptor = new BareAcceptor<null>({
    handler: {
      message: (socket, message) => socket.sendParts(message.text ? 'text' : 'binary', message.parts),
      closed: (socket, closed) => notes.closed(socket, closed),
    },
    subprotocols: ['json'],
    admit: () => ({ context: null }),
    opened: (socket) => opened.push(socket),
  })
  const server = createServer((socket) => acceptor.take(socket))
  clean.push(() => server.close())
  return { notes, opened, url: `ws://127.0.0.1:${await listen(server)}/` }
}

/** A server of theirs; what happens on its next connection is up to the test. */
async function theirs(serve: (socket: WebSocket) => void): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'json' })
  server.on('connection', serve)
  await once(server, 'listening')
  clean.push(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

function echoBack(socket: WebSocket): void {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
}

describe('our server, their client', () => {
  async function client(url: string) {
    const socket = new WebSocket(url, ['other', 'json'])
    clean.push(() => socket.terminate())
    const received: { bytes: Buffer; binary: boolean }[] = []
    socket.on('message', (data, binary) => received.push({ bytes: data as Buffer, binary }))
    await once(socket, 'open')
    const until = async (count: number): Promise<void> => {
      while (received.length < count) await once(socket, 'message')
    }
    return { socket, received, until }
  }

  it('agree on a subprotocol and pass messages of every length', async () => {
    const { url } = await ours()
    const { socket, received, until } = await client(url)
    expect(socket.protocol).toBe('json')
    for (const length of lengths) {
      socket.send(Buffer.alloc(length, 'é'), { binary: length % 2 === 1 })
      socket.send(Buffer.alloc(length, 0xff), { binary: true })
    }
    await until(lengths.length * 2)
    for (const [index, length] of lengths.entries()) {
      expect(received[index * 2]?.binary).toBe(length % 2 === 1)
      expect(received[index * 2]?.bytes.equals(Buffer.alloc(length, 'é'))).toBe(true)
      expect(received[index * 2 + 1]?.bytes.equals(Buffer.alloc(length, 0xff))).toBe(true)
    }
  })

  it('pass fragments with pings between', async () => {
    const { url } = await ours()
    const { socket, received, until } = await client(url)
    const pongs: string[] = []
    socket.on('pong', (data) => pongs.push(data.toString()))
    socket.send('one ', { fin: false })
    socket.ping('between')
    socket.send('', { fin: false })
    socket.send('two', { fin: true })
    await until(1)
    expect(received[0]).toEqual({ bytes: Buffer.from('one two'), binary: false })
    expect(pongs).toEqual(['between'])
  })

  it('close from either side', async () => {
    const { url, opened, notes } = await ours()
    const first = await client(url)
    first.socket.close(4001, 'their idea')
    const [code] = await once(first.socket, 'close')
    expect(code).toBe(4001)
    await notes.until(() => notes.ends.length === 1)
    expect(notes.ends[0]).toMatchObject({ code: 4001, reason: 'their idea', wasClean: true })
    const second = await client(url)
    opened[1]?.close(1001, 'our idea')
    const [otherCode, reason] = await once(second.socket, 'close')
    expect([otherCode, String(reason)]).toEqual([1001, 'our idea'])
    await notes.until(() => notes.ends.length === 2)
    expect(notes.ends[1]).toMatchObject({ code: 1001, wasClean: true })
  })

  it('tell a client that sends too much', async () => {
    const { url } = await ours()
    const { socket } = await client(url)
    socket.send(Buffer.alloc(1024 * 1024 + 1))
    const [code] = await once(socket, 'close')
    expect(code).toBe(1009)
  })
})

describe('our client, their server', () => {
  it('agree on a subprotocol and pass messages of every length', async () => {
    const notes = new Notes<null>()
    const subprotocols = ['json']
    const socket = await dial(await theirs(echoBack), { handler: notes, context: null, subprotocols })
    expect(socket.subprotocol).toBe('json')
    for (const length of lengths) {
      socket.send('x'.repeat(length))
      socket.send(new Uint8Array(length).fill(0xfe))
    }
    await notes.until(() => notes.messages.length === lengths.length * 2)
    for (const [index, length] of lengths.entries()) {
      expect(notes.messages[index * 2] === 'x'.repeat(length)).toBe(true)
      expect(notes.messages[index * 2 + 1] === 'fe'.repeat(length)).toBe(true)
    }
    socket.close()
    await notes.until(() => notes.ends.length === 1)
    expect(notes.ends).toMatchObject([{ code: 1000, wasClean: true }])
  })

  it('pass fragments with pings between', async () => {
    const notes = new Notes<null>()
    const pong = Promise.withResolvers<string>()
    const url = await theirs((socket) => {
      socket.on('pong', (data) => pong.resolve(data.toString()))
      socket.send('eins ', { fin: false })
      socket.ping('between')
      socket.send('zwei', { fin: true })
    })
    const socket = await dial(url, { handler: notes, context: null })
    await notes.until(() => notes.messages.length === 1)
    expect(notes.messages).toEqual(['eins zwei'])
    expect(await pong.promise).toBe('between')
    socket.terminate()
  })

  it('close from either side', async () => {
    const told = Promise.withResolvers<[number, string]>()
    const url = await theirs((socket) => {
      socket.on('close', (code, reason) => told.resolve([code, reason.toString()]))
      socket.on('message', () => socket.close(1012, 'restart'))
    })
    const notes = new Notes<null>()
    const first = await dial(url, { handler: notes, context: null })
    first.close(3000, 'our idea')
    expect(await told.promise).toEqual([3000, 'our idea'])
    await notes.until(() => notes.ends.length === 1)
    const second = await dial(url, { handler: notes, context: null })
    second.send('please')
    await notes.until(() => notes.ends.length === 2)
    expect(notes.ends).toMatchObject([
      { code: 3000, wasClean: true },
      { code: 1012, reason: 'restart', wasClean: true },
    ])
  })
})
