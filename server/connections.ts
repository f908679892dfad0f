// The connections of one application's server: counted, and ended within a bound when it closes (R5).
import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Follows the connections of a server from its making on. */
export class Connections {
  readonly #sockets = new Set<Socket>()
  readonly #sessions = new Set<Http2Session>()

  constructor(app: FastifyInstance) {
    // Both kinds of server, with TLS or without, tell of the TCP socket in this event.
    app.server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    app.server.on('session', (session: Http2Session) => {
      this.#sessions.add(session)
      session.on('close', () => this.#sessions.delete(session))
    })
  }

  get socketCount(): number {
    return this.#sockets.size
  }

  get sessionCount(): number {
    return this.#sessions.size
  }

  /** Asks every HTTP/2 session to end once its streams have: without it an open one holds up the closing of its server. */
  askToEnd(): void {
    for (const session of this.#sessions) session.close()
  }

  /** Ends what is left, and what comes. */
  destroy(): void {
    for (const session of this.#sessions) session.destroy()
    for (const socket of this.#sockets) socket.destroy()
  }
}
