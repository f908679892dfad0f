// Control: the `ws` library as most people use it, a peer of our own WebSocket. The same JSON documents, sent client by client.
import http from 'node:http'
import https from 'node:https'
import { type WebSocket, WebSocketServer } from 'ws'
import { announce, controlOptions, faultyTimes, listen, publishServer } from './control.ts'
import { ControlRooms, deliveryDocument } from './room.ts'

const { tls, fault } = controlOptions()
const rooms = new ControlRooms<WebSocket>()
const times = faultyTimes(fault)

const publisher = publishServer(rooms, (room, message) => {
  const document = deliveryDocument([message])
  for (const member of room.members) {
    for (let left = fault === null ? 1 : times(); left > 0; left--) member.send(document)
  }
})

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
