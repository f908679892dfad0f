// What a server holds in its own memory for each connection: bytes given to a socket or a stream that the system hasn't taken.
import type { Http2Session } from 'node:http2'
import type { Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Looks at the connections of these servers, from now on. */
export class QueueWatch {
  readonly #sockets = new Set<Socket>()
  readonly #streams = new Map<Http2Session, Set<Duplex>>()

  constructor(servers: readonly Server[]) {
    for (const server of servers) {
      // For TLS both come: the TCP socket beneath, and the one that is written to.
      for (const event of ['connection', 'secureConnection']) {
        server.on(event, (socket: Socket) => {
          this.#sockets.add(socket)
          socket.once('close', () => this.#sockets.delete(socket))
        })
      }
      server.on('session', (session: Http2Session) => this.#watchStreams(session))
    }
  }

  /** Of the fullest connection: what waits in its socket, or in the streams on it. */
  get mostBytes(): number {
    const sockets = [...this.#sockets].map(({ writableLength }) => writableLength)
    const sessions = [...this.#streams.values()].map((streams) =>
      [...streams].reduce((sum, { writableLength }) => sum + writableLength, 0),
    )
    return Math.max(0, ...sockets, ...sessions)
  }

  #watchStreams(session: Http2Session): void {
    const streams = new Set<Duplex>()
    this.#streams.set(session, streams)
    session.once('close', () => this.#streams.delete(session))
    session.on('stream', (stream: Duplex) => {
      streams.add(stream)
      stream.once('close', () => streams.delete(stream))
    })
  }
}
