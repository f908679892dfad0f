// Control, the floor: newline-delimited messages over bare sockets, TLS or not; a tick's messages are joined and written once a socket.
import net from 'node:net'
import tlsModule from 'node:tls'
import type { Message } from '../../transports/message.ts'
import { announce, controlOptions, listen, publishServer } from './control.ts'
import { faultyStart, faultyTimes } from './faults.ts'
import { type ControlRoom, ControlRooms, deliveryDocument } from './room.ts'

const { tls, fault } = controlOptions()
const rooms = new ControlRooms<net.Socket>()
const times = faultyTimes(fault)
const atOnce = faultyStart<net.Socket>(fault)
const pending = new Map<ControlRoom<net.Socket>, Message[]>()

function publish(room: ControlRoom<net.Socket>, message: Message): void {
  if (pending.size === 0) setImmediate(flush)
  const messages = pending.get(room)
  if (messages === undefined) pending.set(room, [message])
  else messages.push(message)
}

function flush(): void {
  for (const [room, messages] of pending) {
    const line = Buffer.from(`${deliveryDocument(messages)}\n`)
    if (fault === null) for (const socket of room.members) socket.write(line)
    else atOnce(room, () => wrongly(room, line))
  }
  pending.clear()
}

/** As the fault has it. */
function wrongly(room: ControlRoom<net.Socket>, line: Buffer): void {
  for (const socket of room.members) {
    for (let left = times(); left > 0; left--) socket.write(line)
  }
}

/** The first line names the room; the answer is a hello, and then deliveries come. */
function follow(socket: net.Socket): void {
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  let head = ''
  socket.on('data', (chunk: Buffer) => {
    if (head.endsWith('\n')) return
    head += chunk.toString('latin1')
    if (!head.endsWith('\n')) return
    const room = rooms.room(head.trim())
    socket.on('close', () => room.members.delete(socket))
    socket.write(
      `${room.hello({ transport: 'tcp', protocol: 'http/1.1', tls: 'encrypted' in socket, subprotocol: null })}\n`,
    )
    room.members.add(socket)
  })
}

const [publishPort, plainPort, securePort] = [
  await listen(publishServer(rooms, publish)),
  await listen(net.createServer(follow)),
  await listen(tlsModule.createServer(tls, follow)),
]
announce({
  publish: `http://127.0.0.1:${publishPort}`,
  plain: `http://127.0.0.1:${plainPort}`,
  secure: `https://127.0.0.1:${securePort}`,
})
