// Control: bare `node:http2` over TLS. `GET /rooms/:room/stream` stays open; messages come in as JSON lines on a TCP port of its own.
// `--variant joined`: a burst is joined and written once per stream; `--variant each`: every message is a write of its own.
import http2, { type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import net from 'node:net'
import type { Draft, Message } from '../../transports/message.ts'
import { announce, controlOptions, listen } from './control.ts'
import { type ControlRoom, ControlRooms, deliveryDocument } from './room.ts'

const { tls, variant } = controlOptions()
const rooms = new ControlRooms<ServerHttp2Stream>()

const server = http2.createSecureServer({ ...tls })
server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
  const name = /^\/rooms\/([A-Za-z0-9_-]{1,64})\/stream/.exec(headers[':path'] ?? '')?.[1]
  if (name === undefined) {
    stream.respond({ ':status': 404 }, { endStream: true })
    return
  }
  const room = rooms.room(name)
  stream.on('error', () => stream.destroy())
  stream.on('close', () => room.members.delete(stream))
  stream.respond({ ':status': 200, 'content-type': 'application/x-ndjson' })
  stream.write(`${room.hello({ transport: 'http2-push', protocol: 'h2', tls: true, subprotocol: null })}\n`)
  room.members.add(stream)
})

let pending: Message[] = []

function take(room: ControlRoom<ServerHttp2Stream>, message: Message): void {
  if (variant === 'each') {
    const line = Buffer.from(`${deliveryDocument([message])}\n`)
    for (const stream of room.members) stream.write(line)
    return
  }
  if (pending.length === 0) setImmediate(flush, room)
  pending.push(message)
}

function flush(room: ControlRoom<ServerHttp2Stream>): void {
  const line = Buffer.from(`${deliveryDocument(pending)}\n`)
  pending = []
  for (const stream of room.members) stream.write(line)
}

// The publisher's port: a first line names the room, then one draft a line.
const publisher = net.createServer((socket) => {
  let rest = ''
  let room: ControlRoom<ServerHttp2Stream> | null = null
  socket.setEncoding('utf8')
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (room === null) room = rooms.room(line)
      else take(room, room.number(JSON.parse(line) as Draft))
    }
  })
})

const [securePort, extraPort] = [await listen(server as unknown as net.Server), await listen(publisher)]
announce({ secure: `https://127.0.0.1:${securePort}`, extraPort })
