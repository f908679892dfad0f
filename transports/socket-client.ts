// WebSocket, client half: over the browser's own WebSocket, or over ours in Node.
import { type Clock, systemClock } from './clock.ts'
import type { ClientTransport, Link, OpenRequest, TransportName } from './contract.ts'
import { formatCursor } from './cursor.ts'
import { LinkError, messageOf, OpeningTooLate } from './errors.ts'
import { type Counter, type Fetch, newCounter, roomUrl, unreachable } from './http.client.ts'
import { whyNotOpened } from './socket-diagnosis.ts'
import { jsonSubprotocol } from './socket-documents.ts'
import {
  type CloseLike,
  type MessageLike,
  readDocument,
  SocketLink,
  silence,
  type WebSocketLike,
} from './socket-link.ts'
import { goodbyeError, type Hello } from './wire.ts'

export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike

export interface WebSocketOptions {
  readonly WebSocket: WebSocketConstructor
  readonly clock?: Clock
  /** Asks the same path why a handshake failed, where the runtime doesn't tell: a browser's. */
  readonly fetch?: Fetch
  /** Which server half is asked, by its transport's name; without it the hand-built one. */
  readonly server?: 'websocket' | 'ws-library'
  /** Opens them over HTTP/2 (RFC 8441): this is `websocket-h2` then, and not `websocket`. */
  readonly http2?: OverHttp2
}

/** What it takes to open a WebSocket over HTTP/2. */
export interface OverHttp2 {
  /**
   * Gives the address that serves these, and leaves the runtime in the state to use HTTP/2 there.
   * Rejects with a `LinkError`, or anything else for a network that failed.
   */
  prepare(base: URL, signal: AbortSignal): Promise<URL>
}

/** How often a WebSocket that came over HTTP/1.1 is tried anew over HTTP/2: the connection may have ended just then. */
const http2Tries = 2

/** The server halves that speak this wire over an upgrade, and the last part of each one's address. */
const addresses = { websocket: 'socket', 'ws-library': 'socket-library' } as const

export class WebSocketTransport implements ClientTransport {
  readonly name: TransportName
  readonly #options: WebSocketOptions
  readonly #address: string

  constructor(options: WebSocketOptions) {
    this.#options = options
    const { server = 'websocket', http2 } = options
    this.name = http2 === undefined ? server : 'websocket-h2'
    this.#address = addresses[server]
  }

  missing(base: URL): readonly string[] {
    const missing: string[] = []
    if (base.protocol !== 'http:' && base.protocol !== 'https:')
      missing.push('A WebSocket needs an http: or https: address.')
    else if (base.protocol === 'http:' && this.#options.http2 !== undefined)
      missing.push('Browsers speak HTTP/2 only over TLS, and this address is plain HTTP.')
    if (typeof this.#options.WebSocket !== 'function') missing.push('This runtime has no WebSocket.')
    return missing
  }

  async open(request: OpenRequest): Promise<Link> {
    const { http2 } = this.#options
    if (http2 === undefined) return this.#open(request)
    for (let tries = 1; ; tries++) {
      try {
        const base = await http2.prepare(request.base, request.signal)
        return await this.#open({ ...request, base })
      } catch (error) {
        const failure = unreachable(error, request.signal)
        if (failure.cause !== 'protocol' || tries === http2Tries) throw failure
      }
    }
  }

  #open(request: OpenRequest): Promise<Link> {
    const { WebSocket, clock = systemClock, http2, fetch } = this.#options
    return new Promise((resolve, reject) => {
      if (request.signal.aborted) {
        reject(new LinkError('local', 'Given up.'))
        return
      }
      const socket = construct(WebSocket, socketUrl(request, this.#address))
      const httpUrl = roomUrl(request, this.#address, request.start)
      const drop = () => {
        request.signal.removeEventListener('abort', giveUp)
        silence(socket)
        socket.close()
      }
      const fail = (error: LinkError) => {
        drop()
        reject(error)
      }
      const giveUp = () => {
        drop()
        const { reason } = request.signal
        if (fetch !== undefined && reason instanceof OpeningTooLate)
          void whyNotOpened(fetch, httpUrl, new AbortController().signal, {
            hadOpened,
            unansweredMs: reason.afterMs,
          }).then(reject)
        else reject(new LinkError('local', 'Given up.'))
      }
      request.signal.addEventListener('abort', giveUp)
      let hadOpened = false
      socket.onopen = () => {
        hadOpened = true
      }
      const counter = newCounter()
      counter.requests = 1
      socket.onmessage = ({ data }: MessageLike) => {
        try {
          const hello = helloIn(data, counter, socket)
          if (http2 !== undefined) requireHttp2(hello)
          request.signal.removeEventListener('abort', giveUp)
          resolve(new SocketLink({ socket, request, hello, counter, clock }))
        } catch (error) {
          fail(error instanceof LinkError ? error : new LinkError('protocol', messageOf(error), { error }))
        }
      }
      let said = ''
      // Ours tells what went wrong; a browser's event has no message.
      socket.onerror = ({ message }: { readonly message?: unknown }) => {
        if (typeof message === 'string') said = message
      }
      socket.onclose = ({ reason }: CloseLike) => {
        if (fetch === undefined || reason !== '' || said !== '') fail(neverOpened(reason, said))
        else void whyNotOpened(fetch, httpUrl, request.signal, { hadOpened }).then(fail)
      }
    })
  }
}

function construct(WebSocket: WebSocketConstructor, url: string): WebSocketLike {
  try {
    return new WebSocket(url, [jsonSubprotocol])
  } catch (error) {
    // A browser throws for ws: from a page that came over https:, say.
    throw new LinkError('network', `The WebSocket could not be opened: ${messageOf(error)}`, { error })
  }
}

/** The address of a room's socket: ws: for http:, wss: for https:. */
function socketUrl(request: OpenRequest, address: string): string {
  const url = new URL(`/rooms/${encodeURIComponent(request.room)}/${address}`, request.base)
  url.protocol = request.base.protocol === 'https:' ? 'wss:' : 'ws:'
  if ('after' in request.start) url.searchParams.set('after', formatCursor(request.start.after))
  else url.searchParams.set('last', String(request.start.last))
  url.searchParams.set('session', request.session)
  url.searchParams.set('link', String(request.link))
  return url.href
}

function neverOpened(reason: string, said: string): LinkError {
  if (reason !== '') return new LinkError('peer', reason)
  if (said !== '') return new LinkError('network', `The WebSocket could not be opened: ${said}`)
  return new LinkError('network', 'The WebSocket could not be opened; this runtime does not tell why.')
}

function helloIn(data: unknown, counter: Counter, socket: WebSocketLike): Hello {
  const document = readDocument(data, counter)
  if (document.kind === 'goodbye') throw goodbyeError(document)
  if (document.kind !== 'hello') throw new LinkError('protocol', 'The socket does not begin with a hello.')
  if (document.negotiated.subprotocol !== (socket.protocol === '' ? null : socket.protocol)) {
    throw new LinkError('protocol', 'Server and client do not agree on the subprotocol.')
  }
  return document
}

/** R11: a browser chooses the protocol by itself, and does not tell a page which. */
function requireHttp2({ negotiated }: Hello): void {
  if (negotiated.protocol === 'h2') return
  throw new LinkError(
    'protocol',
    `This WebSocket is to be HTTP/2, and the server speaks ${negotiated.protocol} with us.`,
  )
}
