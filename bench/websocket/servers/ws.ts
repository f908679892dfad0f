// The `ws` library as most people use it: an echo, or a broadcast client by client. Says its URL when it is ready.
import { WebSocketServer } from 'ws'
import { bareMode, sayUrl } from './ready.ts'

const mode = bareMode()
const server = new WebSocketServer({
  port: 0,
  host: '127.0.0.1',
  backlog: 4096,
  perMessageDeflate: mode === 'compressed',
  maxPayload: 256 * 1024 * 1024,
})
server.on('connection', (socket) => {
  socket.on('error', () => socket.terminate())
  socket.on('message', (data, binary) => {
    if (mode === 'echo') socket.send(data, { binary })
    else for (const client of server.clients) client.send(data, { binary })
  })
})
server.on('listening', () => sayUrl(server.address()))
