// The connections of one application's server: counted, and ended within a bound when it closes (R5).
import type { Http2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * An HTTP/2 session without a stream is closed after this, at the latest after twice as long. One sweep looks after all of them:
 * a timer of each session's own (Fastify's `http2SessionTimeout`) is moved at every write; without it a push cost 1.15 of a bare server's, with it 1.20, five noisy rounds each.
 */
export const idleSessionMs = 60_000

interface SessionUse {
  /** What it runs on; undefined when that has gone before the session was told of. */
  readonly socket: Socket | undefined
  /** Open ones. */
  streams: number
  usedSinceSweep: boolean
}

/** Follows the connections of a server from its making on. */
export class Connections {
  /** By the address and port of the other end: a session doesn't give its socket away. */
  readonly #sockets = new Map<string, Socket>()
  readonly #sessions = new Map<Http2Session, SessionUse>()
  readonly #sweeper: NodeJS.Timeout

  constructor(app: FastifyInstance) {
    // Both kinds of server, with TLS or without, tell of the TCP socket in this event.
    app.server.on('connection', (socket: Socket) => {
      const end = otherEnd(socket)
      this.#sockets.set(end, socket)
      socket.on('close', () => {
        if (this.#sockets.get(end) === socket) this.#sockets.delete(end)
      })
    })
    app.server.on('session', (session: Http2Session) => {
      const socket = this.#sockets.get(otherEnd(session.socket))
      const use: SessionUse = { socket, streams: 0, usedSinceSweep: true }
      this.#sessions.set(session, use)
      session.on('stream', (stream: ServerHttp2Stream) => {
        use.streams += 1
        use.usedSinceSweep = true
        stream.once('close', () => {
          use.streams -= 1
        })
      })
      session.on('close', () => this.#sessions.delete(session))
    })
    this.#sweeper = setInterval(() => this.closeIdle(), idleSessionMs).unref()
  }

  get socketCount(): number {
    return this.#sockets.size
  }

  get sessionCount(): number {
    return this.#sessions.size
  }

  /**
   * Closes the sessions that had no stream since the last call. One that is destroyed and still here has lost its end: of peers
   * that open and reset streams as fast as they can and then vanish, Node 26 keeps the socket of about one in fifteen for ever.
   */
  closeIdle(): void {
    for (const [session, use] of this.#sessions) {
      if (session.destroyed) {
        this.#sessions.delete(session)
        use.socket?.destroy()
      } else if (use.streams > 0 || use.usedSinceSweep) use.usedSinceSweep = false
      else session.close()
    }
  }

  /** Asks every HTTP/2 session to end once its streams have: without it an open one holds up the closing of its server. */
  askToEnd(): void {
    clearInterval(this.#sweeper)
    for (const session of this.#sessions.keys()) session.close()
  }

  /** Ends what is left, and what comes. */
  destroy(): void {
    for (const session of this.#sessions.keys()) session.destroy()
    for (const socket of this.#sockets.values()) socket.destroy()
  }
}

function otherEnd({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress} ${remotePort}`
}
