// One client that comes back: a real session over a real client half, on connections of its own, through a relay.
import type { ClientTransport } from '../../transports/contract.ts'
import { Http2PushTransport } from '../../transports/http2-push/client.ts'
import type { Message } from '../../transports/message.ts'
import { PollingTransport } from '../../transports/polling/client.ts'
import type { SessionPhase } from '../../transports/session.state.ts'
import { Session } from '../../transports/session.ts'
import { WebSocketTransport } from '../../transports/websocket/client.ts'
import { CountedSockets, countedFetch, type Detours } from './sockets.ts'

/** The transports whose clients come back; a control has no session. */
export const reconnectingTransports: readonly string[] = [
  'polling',
  'http2-push',
  'websocket',
  'websocket-h2',
]

export interface ReconnectingOptions {
  readonly transport: string
  readonly base: URL
  /** Where WebSockets over HTTP/2 are taken; null where they are not measured. */
  readonly socketBase: URL | null
  /** To its relays. */
  readonly detours: Detours
  readonly room: string
  readonly intervalMs: number
  /** Of the waits before retries. */
  readonly random: () => number
  receive(messages: readonly Message[]): void
  changed(phase: SessionPhase): void
  /** Something was lost and the session says so, or it gave up. */
  failed(detail: string): void
}

export class Reconnecting {
  readonly #session: Session
  readonly #sockets: CountedSockets
  readonly #fetch: ReturnType<typeof countedFetch>
  readonly #opened = Promise.withResolvers<void>()
  #phase: SessionPhase = 'connecting'
  #protocol = ''
  #isClosing = false

  constructor(options: ReconnectingOptions) {
    this.#sockets = new CountedSockets(options.detours)
    this.#fetch = countedFetch(this.#sockets)
    this.#session = new Session({
      base: options.base,
      room: options.room,
      transports: [this.#make(options)],
      transport: options.transport,
      last: 0,
      random: options.random,
      onEvent: (event) => {
        if (event.kind === 'messages') options.receive(event.messages)
        else if (event.kind === 'gap' || event.kind === 'reset')
          options.failed(`A session had a ${event.kind}.`)
        else if (event.kind === 'state') this.#changed(event.state, options)
      },
    })
  }

  /** Resolves when it has its place in the room. */
  open(): Promise<void> {
    this.#session.start()
    return this.#opened.promise
  }

  /** What its last link spoke: `h2, TLS`. */
  get protocol(): string {
    return this.#protocol
  }

  async close(): Promise<void> {
    this.#isClosing = true
    await this.#session.close()
    await this.#fetch.close()
    this.#sockets.destroy()
  }

  #changed({ phase, cursor, links, trouble }: Session['state'], options: ReconnectingOptions): void {
    const negotiated = links.at(-1)?.negotiated
    if (negotiated != null)
      this.#protocol = negotiated.tls ? `${negotiated.protocol}, TLS` : negotiated.protocol
    if (phase === 'open' && cursor !== null) this.#opened.resolve()
    if (phase === this.#phase) return
    this.#phase = phase
    options.changed(phase)
    if (phase !== 'closed' || this.#isClosing) return
    const detail = `A session gave up. ${trouble?.detail ?? ''}`
    this.#opened.reject(new Error(detail))
    options.failed(detail)
  }

  #make({ transport, intervalMs, socketBase }: ReconnectingOptions): ClientTransport {
    const { fetch } = this.#fetch
    switch (transport) {
      case 'polling':
        return new PollingTransport({ fetch, intervalMs })
      case 'http2-push':
        return new Http2PushTransport({ fetch })
      case 'websocket':
        return new WebSocketTransport({ WebSocket: this.#sockets.webSocketClass() })
      case 'websocket-h2': {
        if (socketBase === null)
          throw new RangeError('It is not known where WebSockets over HTTP/2 are taken.')
        const http2 = { prepare: () => Promise.resolve(socketBase) }
        return new WebSocketTransport({ WebSocket: this.#sockets.http2WebSocketClass(), http2 })
      }
      default:
        throw new RangeError(`There is no session over ${transport}.`)
    }
  }
}
