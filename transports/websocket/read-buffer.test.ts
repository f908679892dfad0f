// The one buffer that TCP sockets are read into: what is in it is overwritten by the next read, whoever's it is.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { BareAcceptor } from './accept.node.ts'
import type { DeflateOptions } from './deflate.node.ts'
import { dial } from './dial.node.ts'
import { messageText, readBuffer } from './primitives.node.ts'
import type { Message } from './protocol/message.ts'
import { concat, peerFrame } from './protocol/testing.ts'
import { readIntoShared } from './read-buffer.node.ts'
import type { MessageSocket } from './socket.node.ts'
import type { SocketHandler } from './socket-handler.ts'
import { listen, Notes } from './testing.node.ts'

const closers: (() => void)[] = []

afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/** A server with this way to take messages, and the sockets that it has. */
async function serve(
  message: (socket: MessageSocket<null>, message: Message) => void,
  deflate: DeflateOptions | null = null,
): Promise<{ url: string; sockets: MessageSocket<null>[]; notes: Notes<null> }> {
  const notes = new Notes<null>()
  const handler: SocketHandler<null> = {
    message,
    drained: (socket) => socket.resume(),
    closed: () => notes.drained(),
  }
  const sockets: MessageSocket<null>[] = []
  const acceptor = new BareAcceptor<null>({
    handler,
    subprotocols: 'any',
    deflate,
    admit: () => ({ context: null }),
    opened: (socket) => sockets.push(socket),
  })
  const server = createServer((socket) => acceptor.take(socket))
  const url = `ws://127.0.0.1:${await listen(server)}/`
  closers.push(() => {
    for (const socket of sockets) socket.terminate()
    server.close()
  })
  return { url, sockets, notes }
}

/** A payload that tells its place in every byte, so that bytes of another can't pass for it. */
function payload(seed: number, bytes: number): Uint8Array {
  return new Uint8Array(bytes).map((_, index) => (seed * 31 + index * 7 + (index >>> 8)) & 0x7f)
}

const sizes = [1, 64, 125, 2048, 2049, 30_000, 65_536, 200_000, 300_000, 1_000_000]

describe('the read buffer', () => {
  it('is used by the sockets of a server and by those that dial, and not by others', async () => {
    const places: boolean[] = []
    const { url } = await serve((socket, message) => {
      places.push(message.parts[0]?.buffer === readBuffer.buffer)
      socket.sendParts('binary', message.parts)
    })
    const notes = new Notes<null>()
    const plain = notes.message.bind(notes)
    notes.message = (socket, message) => {
      places.push(message.parts[0]?.buffer === readBuffer.buffer)
      plain(socket, message)
    }
    const client = await dial(url, { handler: notes, context: null })
    client.send(Uint8Array.of(1))
    await notes.until(() => notes.messages.length === 1)
    expect(places).toEqual([true, true])
    client.terminate()
    expect(readIntoShared(new (await import('node:stream')).PassThrough(), () => true)).toBe(false)
  })

  it.each([
    ['plain', null],
    ['compressed', { thresholdBytes: 0 }],
  ] as const)('keeps apart what many connections echo at once, %s', async (_, deflate) => {
    const { url } = await serve((socket, message) => {
      if (!socket.sendParts('binary', message.parts)) socket.pause()
    }, deflate)
    await Promise.all(
      sizes.map(async (bytes, seed) => {
        const notes = new Notes<null>()
        const heard: Uint8Array[] = []
        notes.message = (_, message) => {
          heard.push(message.bytes())
          notes.drained()
        }
        const client = await dial(url, { handler: notes, context: null, deflate })
        const sent = Array.from({ length: 20 }, (_, round) => payload(seed * 100 + round, bytes))
        // Those of 200 KB and more fill the sockets' own buffers, so that writes have to wait.
        for (const one of sent) client.send(one)
        await notes.until(() => heard.length === sent.length)
        for (const [index, one] of sent.entries()) {
          expect(Buffer.compare(heard[index] as Uint8Array, one)).toBe(0)
        }
        client.terminate()
      }),
    )
  })

  it('gives an application bytes to keep, and text', async () => {
    const kept: Uint8Array[] = []
    const texts: string[] = []
    const { url, notes } = await serve((_, message) => {
      if (message.text) texts.push(messageText(message))
      else kept.push(message.bytes())
      notes.drained()
    })
    const client = await dial(url, { handler: new Notes<null>(), context: null })
    for (const bytes of sizes) client.send(payload(bytes, bytes))
    client.send('héllo ☃')
    await notes.until(() => texts.length === 1)
    expect(texts).toEqual(['héllo ☃'])
    for (const [index, bytes] of sizes.entries()) {
      expect(Buffer.compare(kept[index] as Uint8Array, payload(bytes, bytes))).toBe(0)
    }
    client.terminate()
  })

  it('lets one connection pass on what another has received', async () => {
    const { url, sockets } = await serve((socket, message) => {
      for (const other of sockets) if (other !== socket) other.sendParts('binary', message.parts)
    })
    const notes = [new Notes<null>(), new Notes<null>()]
    const heard: Uint8Array[] = []
    ;(notes[1] as Notes<null>).message = (_, message) => {
      heard.push(message.bytes())
      notes[1]?.drained()
    }
    const [from, to] = await Promise.all(notes.map((handler) => dial(url, { handler, context: null })))
    for (const [seed, bytes] of sizes.entries()) from?.send(payload(seed, bytes))
    await notes[1]?.until(() => heard.length === sizes.length)
    for (const [seed, bytes] of sizes.entries()) {
      expect(Buffer.compare(heard[seed] as Uint8Array, payload(seed, bytes))).toBe(0)
    }
    from?.terminate()
    to?.terminate()
  })

  it('loses nothing when a handler pauses between two messages of one read', async () => {
    const heard: string[] = []
    const { url, sockets, notes } = await serve((socket, message) => {
      heard.push(messageText(message))
      socket.pause()
      notes.drained()
    })
    const frames = Array.from({ length: 20 }, (_, index) =>
      peerFrame('server', { opcode: 1, payload: `message ${index} ${'x'.repeat(index * 10)}` }),
    )
    const raw: Socket = connect(Number(new URL(url).port), '127.0.0.1')
    closers.push(() => raw.destroy())
    await once(raw, 'connect')
    raw.write(
      'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    await once(raw, 'data')
    raw.write(concat(...frames))
    for (let count = 1; count <= frames.length; count++) {
      await notes.until(() => heard.length === count)
      // Somebody else's read comes between.
      readBuffer.fill(0xdd)
      sockets[0]?.resume()
    }
    expect(heard.map((text) => text.slice(0, 10))).toEqual(
      frames.map((_, index) => `message ${index} `.slice(0, 10)),
    )
  })
})
