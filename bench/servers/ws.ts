// Control: the `ws` library as most people use it, a peer of our own WebSocket. The same JSON documents, sent client by client.
import http from 'node:http'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { announce, controlOptions, listen, publishServer } from './control.ts'
import { faultyStart, faultyTimes } from './faults.ts'
import { type ControlRoom, ControlRooms, deliveryDocument } from './room.ts'

const { tls, fault } = controlOptions()
const rooms = new ControlRooms<WebSocket>()
const times = faultyTimes(fault)
const atOnce = faultyStart<WebSocket>(fault)
/** Whom `nagle` writes to, behind the library's back. */
const connections = new WeakMap<WebSocket, Duplex>()

const publisher = publishServer(rooms, (room, message) => {
  const document = deliveryDocument([message])
  if (fault === null) for (const member of room.members) member.send(document)
  else atOnce(room, () => wrongly(room, document))
})

/** As the fault has it. */
function wrongly(room: ControlRoom<WebSocket>, document: string): void {
  for (const member of room.members) {
    for (let left = times(); left > 0; left--) {
      if (fault?.kind === 'nagle') writeApart(connections.get(member), Buffer.from(document))
      else member.send(document)
    }
    if (fault?.kind === 'nagle') pingSoon(member)
  }
}

/** Linux delays acknowledgements towards whom it has just sent something itself: a pong does. */
function pingSoon(member: WebSocket): void {
  setTimeout(() => member.ping(), 3)
}

/** A text frame, header and payload each in a write of its own. */
function writeApart(connection: Duplex | undefined, payload: Buffer): void {
  const { length } = payload
  const header = length < 126 ? [0x81, length] : [0x81, 126, length >> 8, length & 0xff]
  connection?.write(Buffer.from(header))
  connection?.write(payload)
}

const sockets = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  clientTracking: false,
  handleProtocols: (offered) => (offered.has('json') ? 'json' : false),
})

function upgrades(server: http.Server | https.Server, encrypted: boolean): http.Server | https.Server {
  server.on('upgrade', (request, socket, head) => {
    const name = /^\/rooms\/([A-Za-z0-9_-]{1,64})\/socket/.exec(request.url ?? '')?.[1]
    if (name === undefined) {
      socket.destroy()
      return
    }
    sockets.handleUpgrade(request, socket, head, (member) => {
      const room = rooms.room(name)
      if (fault?.kind === 'nagle') {
        // The library has just switched it on.
        request.socket.setNoDelay(false)
        connections.set(member, socket)
      }
      member.on('error', () => member.terminate())
      member.on('close', () => room.members.delete(member))
      member.send(
        room.hello({ transport: 'websocket', protocol: 'http/1.1', tls: encrypted, subprotocol: 'json' }),
      )
      room.members.add(member)
    })
  })
  return server
}

const [publishPort, plainPort, securePort] = [
  await listen(publisher),
  await listen(upgrades(http.createServer(), false)),
  await listen(upgrades(https.createServer(tls), true)),
]
announce({
  publish: `http://127.0.0.1:${publishPort}`,
  plain: `http://127.0.0.1:${plainPort}`,
  secure: `https://127.0.0.1:${securePort}`,
})
