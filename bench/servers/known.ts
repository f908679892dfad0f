// A server of known latency, for `calibrate`: what a room does to its messages stands in its name. Two wires: JSON lines and WebSockets.
// `plain-…`: delivers at once; `delay-50-…`: 50 ms after receipt; `stall-200-at-30-…`: blocks for 200 ms when the 30th message comes in.
import http from 'node:http'
import net from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { realClock } from '../load/pacing.ts'
import { announce, listen, publishServer } from './control.ts'
import { type ControlRoom, ControlRooms, deliveryDocument } from './room.ts'

type Member = (document: string) => void

interface Behaviour {
  readonly delayMs: number
  readonly stallMs: number
  /** The message's place, from 1, that begins the stall; 0 without one. */
  readonly stallAt: number
}

const rooms = new ControlRooms<Member>()
const behaviours = new Map<ControlRoom<Member>, Behaviour>()

function join(name: string, member: Member): ControlRoom<Member> {
  const room = rooms.room(name)
  const delay = /^delay-(\d+)-/.exec(name)
  const stall = /^stall-(\d+)-at-(\d+)-/.exec(name)
  behaviours.set(room, {
    delayMs: Number(delay?.[1] ?? 0),
    stallMs: Number(stall?.[1] ?? 0),
    stallAt: Number(stall?.[2] ?? 0),
  })
  room.members.add(member)
  return room
}

/** What is due, in order: all messages of a room wait equally long. */
const waiting: { readonly dueMs: number; readonly deliver: () => void }[] = []

/** A timeout alone comes up to a millisecond late: the last two are spent turning, as the publisher does. */
function turn(): void {
  for (let first = waiting[0]; first !== undefined && first.dueMs <= performance.now(); first = waiting[0]) {
    waiting.shift()
    first.deliver()
  }
  const next = waiting[0]
  if (next === undefined) return
  const waitMs = next.dueMs - performance.now()
  if (waitMs >= 2) realClock.sleep(turn, Math.floor(waitMs - 1))
  else realClock.turn(turn)
}

function block(forMs: number): void {
  const untilMs = performance.now() + forMs
  while (performance.now() < untilMs);
}

const publisher = publishServer(rooms, (room, message) => {
  const receivedMs = performance.now()
  const behaviour = behaviours.get(room)
  if (behaviour !== undefined && message.offset === behaviour.stallAt) block(behaviour.stallMs)
  const document = deliveryDocument([message])
  const deliver = (): void => {
    for (const member of room.members) member(document)
  }
  if (behaviour === undefined || behaviour.delayMs === 0) {
    deliver()
    return
  }
  waiting.push({ dueMs: receivedMs + behaviour.delayMs, deliver })
  if (waiting.length === 1) turn()
})

const lines = net.createServer({ noDelay: true }, (socket) => {
  let head = ''
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    if (head.endsWith('\n')) return
    head += chunk.toString('latin1')
    if (!head.endsWith('\n')) return
    const member: Member = (document) => socket.write(`${document}\n`)
    const room = join(head.trim(), member)
    socket.on('close', () => room.members.delete(member))
    const hello = { transport: 'tcp', protocol: 'http/1.1', tls: false, subprotocol: null } as const
    socket.write(`${room.hello(hello)}\n`)
  })
})

const sockets = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  handleProtocols: (offered) => (offered.has('json') ? 'json' : false),
})
const upgrades = http.createServer().on('upgrade', (request, socket, head) => {
  const name = /^\/rooms\/([A-Za-z0-9_-]{1,64})\/socket/.exec(request.url ?? '')?.[1]
  if (name === undefined) {
    socket.destroy()
    return
  }
  sockets.handleUpgrade(request, socket, head, (peer: WebSocket) => {
    const member: Member = (document) => peer.send(document)
    const room = join(name, member)
    peer.on('error', () => peer.terminate()).on('close', () => room.members.delete(member))
    const hello = { transport: 'websocket', protocol: 'http/1.1', tls: false, subprotocol: 'json' } as const
    peer.send(room.hello(hello))
  })
})

const [publishPort, linesPort, socketsPort] = [
  await listen(publisher),
  await listen(lines),
  await listen(upgrades),
]
announce({
  publish: `http://127.0.0.1:${publishPort}`,
  plain: `http://127.0.0.1:${linesPort}`,
  extraPort: socketsPort,
})
