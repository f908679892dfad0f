// The connections of one application's server: counted, and ended within a bound when it closes (R5).
import type { Http2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { encryptedOfSession, queuedOn } from '../transports/queued.server.ts'

/**
 * An HTTP/2 session without a stream is closed after this, at the latest after twice as long. One sweep looks after all of them:
 * a timer of each session's own (Fastify's `http2SessionTimeout`) is moved at every write; without it a push cost 1.15 of a bare server's, with it 1.20, five noisy rounds each.
 */
export const idleSessionMs = 60_000

interface SessionUse {
  /** What it runs on; undefined when that has gone before the session was told of. */
  readonly socket: Socket | undefined
  /** Open ones. */
  readonly streams: Set<ServerHttp2Stream>
  usedSinceSweep: boolean
}

/** Follows the connections of a server from its making on. */
export class Connections {
  /** By the address and port of the other end: a session doesn't give its socket away. */
  readonly #sockets = new Map<string, Socket>()
  /** What is written to in place of the TCP socket. */
  readonly #encrypted = new WeakMap<Socket, TLSSocket>()
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
    app.server.on('secureConnection', (socket: TLSSocket) => {
      const below = this.below(socket)
      if (below !== undefined) this.#encrypted.set(below, socket)
    })
    app.server.on('session', (session: Http2Session) => {
      const socket = this.#sockets.get(otherEnd(session.socket))
      const use: SessionUse = { socket, streams: new Set(), usedSinceSweep: true }
      this.#sessions.set(session, use)
      session.on('stream', (stream: ServerHttp2Stream) => {
        use.streams.add(stream)
        use.usedSinceSweep = true
        stream.once('close', () => use.streams.delete(stream))
      })
      session.on('close', () => this.#sessions.delete(session))
    })
    this.#sweeper = setInterval(() => this.closeIdle(), idleSessionMs).unref()
  }

  /** The TCP socket that this one is on; undefined when that has gone. */
  below(socket: TLSSocket): Socket | undefined {
    return this.#sockets.get(otherEnd(socket))
  }

  get socketCount(): number {
    return this.#sockets.size
  }

  get sessionCount(): number {
    return this.#sessions.size
  }

  /** What each connection holds for its peer: on its socket and, over HTTP/2, on its streams. Looks at all of them. */
  *queuedBytes(): Generator<number, void> {
    const ofStreams = new Map<Socket, number>()
    for (const [session, { socket, streams }] of this.#sessions) {
      if (socket === undefined) continue
      let bytes = encryptedOfSession(session)
      for (const stream of streams) bytes += stream.writableLength
      ofStreams.set(socket, bytes)
    }
    for (const socket of this.#sockets.values()) {
      yield ofStreams.get(socket) ?? queuedOn(this.#encrypted.get(socket) ?? socket)
    }
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
      } else if (use.streams.size > 0 || use.usedSinceSweep) use.usedSinceSweep = false
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
