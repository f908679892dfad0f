// The browser's `WebSocket` as far as a transport needs it, on our own client: the same code runs in Node and in a page.
import { type DialOptions, dial } from './dial.node.ts'
import { messageText } from './primitives.node.ts'
import { UsageError } from './protocol/errors.ts'
import type { Message } from './protocol/message.ts'
import type { MessageSocket } from './socket.node.ts'
import type { SocketClosed, SocketHandler } from './socket-handler.ts'

export interface MessageEventLike {
  readonly data: string | ArrayBuffer
}

export interface CloseEventLike {
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean
}

export interface ErrorEventLike {
  readonly message: string
  readonly error: unknown
}

/** What a browser decides by itself. */
export type NodeWebSocketOptions = Pick<
  DialOptions<NodeWebSocket>,
  'headers' | 'tls' | 'deflate' | 'limits' | 'handshakeTimeoutMs' | 'closeTimeoutMs' | 'clock'
> & {
  /** How it is opened: over HTTP/1.1, or by the `dial` of an `Http2Dialer`. */
  readonly dial?: (url: string, options: DialOptions<NodeWebSocket>) => Promise<MessageSocket<NodeWebSocket>>
}

const connecting = 0
const opened = 1
const closing = 2
const closed = 3

export class NodeWebSocket {
  static readonly CONNECTING = connecting
  static readonly OPEN = opened
  static readonly CLOSING = closing
  static readonly CLOSED = closed

  readonly url: string
  /** The subprotocol that the server chose, '' before and without one. */
  protocol = ''
  /** The extensions in force, '' before and without any. */
  extensions = ''
  readyState: 0 | 1 | 2 | 3 = connecting
  /** The only kind that there is here. */
  binaryType: 'arraybuffer' = 'arraybuffer'
  onopen: (() => void) | null = null
  onmessage: ((event: MessageEventLike) => void) | null = null
  /** Comes before `onclose`, with more than a browser tells. */
  onerror: ((event: ErrorEventLike) => void) | null = null
  onclose: ((event: CloseEventLike) => void) | null = null
  #socket: MessageSocket<NodeWebSocket> | null = null
  #paused = false
  readonly #opening = new AbortController()

  /**
   * Starts to open a connection; `onopen` or `onclose` follows.
   *
   * @throws UsageError for a wrong URL or subprotocols
   */
  constructor(
    url: string | URL,
    subprotocols: string | readonly string[] = [],
    options: NodeWebSocketOptions = {},
  ) {
    this.url = new URL(url).href
    const offered = typeof subprotocols === 'string' ? [subprotocols] : subprotocols
    void this.#open(offered, options)
  }

  /** Bytes that were sent and that the system has not taken yet. */
  get bufferedAmount(): number {
    return this.#socket?.bufferedBytes ?? 0
  }

  /** The socket underneath: back-pressure, byte counts, TLS. Null before `onopen`. */
  get socket(): MessageSocket<NodeWebSocket> | null {
    return this.#socket
  }

  /** @throws UsageError before the connection is open; once it closes, what is sent is dropped, as in a browser */
  send(data: string | Uint8Array): void {
    if (this.#socket === null) {
      if (this.readyState === connecting) throw new UsageError('the connection is not open yet')
      return
    }
    this.#socket.send(data)
  }

  /**
   * @param code 1000 or 3000–4999, as in a browser; without one, the close frame has none
   * @throws UsageError for another code, or a reason of more than 123 bytes
   */
  close(code?: number, reason = ''): void {
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
      throw new UsageError(`close code ${code} is not for applications`)
    }
    if (this.readyState >= closing) return
    if (this.#socket !== null) this.#socket.close(code ?? (reason === '' ? null : 1000), reason)
    this.readyState = closing
    this.#opening.abort(new Error('closed before it was open'))
  }

  /** Reads no more until `resume`; the server then feels that nobody reads. A browser has nothing like it. */
  pause(): void {
    this.#paused = true
    this.#socket?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#socket?.resume()
  }

  async #open(subprotocols: readonly string[], options: NodeWebSocketOptions): Promise<void> {
    const { dial: open = dial<NodeWebSocket> } = options
    try {
      await open(this.url, {
        ...options,
        subprotocols,
        handler,
        context: this,
        signal: this.#opening.signal,
        // WHATWG WebSockets, "establish a WebSocket connection": a server that ignores the offer fails.
        requireSubprotocol: true,
        opened: (socket) => {
          this.#socket = socket
          this.protocol = socket.subprotocol ?? ''
          this.extensions = socket.extensions
          this.readyState = opened
          if (this.#paused) socket.pause()
          this.onopen?.()
        },
      })
    } catch (error) {
      this.readyState = closed
      this.onerror?.({ message: error instanceof Error ? error.message : String(error), error })
      this.onclose?.({ code: 1006, reason: '', wasClean: false })
    }
  }

  /** Only for the handler below. */
  received(message: Message): void {
    if (this.readyState !== opened) return
    this.onmessage?.({ data: message.text ? messageText(message) : new Uint8Array(message.bytes()).buffer })
  }

  /** Only for the handler below. */
  ended(end: SocketClosed): void {
    this.readyState = closed
    const problem = end.failure ?? end.error
    if (problem !== null) this.onerror?.({ message: problem.message, error: problem })
    this.onclose?.({ code: end.code, reason: end.reason, wasClean: end.wasClean })
  }
}

const handler: SocketHandler<NodeWebSocket> = {
  message: (socket, message) => socket.context.received(message),
  closed: (socket, end) => socket.context.ended(end),
}
