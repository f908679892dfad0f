// WebSocket, client half: over the browser's own WebSocket, or over ours in Node.
import { type Clock, systemClock } from '../clock.ts'
import type {
  ClientTransport,
  Closed,
  Link,
  LinkStats,
  Negotiated,
  OpenRequest,
  Receipt,
  TransportName,
} from '../contract.ts'
import { type Cursor, formatCursor } from '../cursor.ts'
import { LinkError, messageOf, SendError } from '../errors.ts'
import { type Counter, closedFor, newCounter, unreachable } from '../http.client.ts'
import { endedHere, LinkEnd } from '../link-end.ts'
import { Liveness } from '../liveness.ts'
import type { Draft } from '../message.ts'
import type { Problem } from '../problem.ts'
import { utf8Bytes } from '../text.ts'
import { decodeDocument, goodbyeError, type Hello, type ServerDocument } from '../wire.ts'
import { closeCodes, jsonSubprotocol, probeDocument, sendDocument } from './documents.ts'

/** As much of the standard WebSocket as this transport uses; the browser's has it, and ours for Node. */
export interface WebSocketLike {
  readonly protocol: string
  readonly bufferedAmount: number
  send(data: string): void
  close(code?: number, reason?: string): void
  // The parameters are each implementation's own; what is read of them is checked where it is read.
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  /** Ours can stop reading; a browser's can't, and what is not taken yet piles up in it (R39). */
  pause?(): void
  resume?(): void
}

interface MessageLike {
  readonly data: unknown
}

interface CloseLike {
  readonly code: number
  readonly reason: string
}

export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike

export interface WebSocketOptions {
  readonly WebSocket: WebSocketConstructor
  readonly clock?: Clock
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

/** How long the server may take to answer a probe, in ms. */
const probeTimeoutMs = 5000

/** How often a WebSocket that came over HTTP/1.1 is tried anew over HTTP/2: the connection may have ended just then. */
const http2Tries = 2

export class WebSocketTransport implements ClientTransport {
  readonly name: TransportName
  readonly #options: WebSocketOptions

  constructor(options: WebSocketOptions) {
    this.#options = options
    this.name = options.http2 === undefined ? 'websocket' : 'websocket-h2'
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
    const { WebSocket, clock = systemClock, http2 } = this.#options
    return new Promise((resolve, reject) => {
      if (request.signal.aborted) {
        reject(new LinkError('local', 'Given up.'))
        return
      }
      const socket = construct(WebSocket, socketUrl(request))
      const giveUp = () => fail(new LinkError('local', 'Given up.'))
      const fail = (error: LinkError) => {
        request.signal.removeEventListener('abort', giveUp)
        silence(socket)
        socket.close()
        reject(error)
      }
      request.signal.addEventListener('abort', giveUp)
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
      socket.onclose = (event: CloseLike) => fail(neverOpened(event.code, event.reason))
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
function socketUrl(request: OpenRequest): string {
  const url = new URL(`/rooms/${encodeURIComponent(request.room)}/socket`, request.base)
  url.protocol = request.base.protocol === 'https:' ? 'wss:' : 'ws:'
  if ('after' in request.start) url.searchParams.set('after', formatCursor(request.start.after))
  else url.searchParams.set('last', String(request.start.last))
  url.searchParams.set('session', request.session)
  url.searchParams.set('link', String(request.link))
  return url.href
}

function silence(socket: WebSocketLike): void {
  socket.onopen = null
  socket.onmessage = null
  socket.onclose = null
  // An error event that nobody listens to is not an error of ours any more.
  socket.onerror = null
}

function neverOpened(code: number, reason: string): LinkError {
  if (reason !== '') return new LinkError('peer', reason)
  return new LinkError(
    'network',
    `The WebSocket could not be opened (${code}); a browser does not tell a page why.`,
  )
}

function read(data: unknown, counter: Counter): ServerDocument {
  if (typeof data !== 'string') throw new LinkError('protocol', 'The server sent a binary message.')
  counter.reads += 1
  counter.payloadBytesDown += utf8Bytes(data)
  return decodeDocument(data)
}

function helloIn(data: unknown, counter: Counter, socket: WebSocketLike): Hello {
  const document = read(data, counter)
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

interface SocketParts {
  readonly socket: WebSocketLike
  readonly request: OpenRequest
  readonly hello: Hello
  readonly counter: Counter
  readonly clock: Clock
}

interface InFlight {
  resolve(receipt: Receipt): void
  reject(error: SendError): void
}

class SocketLink implements Link {
  readonly negotiated: Negotiated
  readonly start: Cursor
  readonly head: Cursor
  readonly #parts: SocketParts
  readonly #end: LinkEnd
  readonly #liveness: Liveness
  /** By draft, in the order of sending: the same one may be under way twice. */
  readonly #inFlight = new Map<string, InFlight[]>()
  /** What came while the application was busy with a delivery; null while it is not. */
  #waiting: ServerDocument[] | null = null

  constructor(parts: SocketParts) {
    const { socket, request, hello, clock } = parts
    this.#parts = parts
    this.negotiated = hello.negotiated
    this.start = hello.cursor
    this.head = hello.head
    this.#end = new LinkEnd((reason) => request.closed(reason))
    this.#liveness = new Liveness(hello.heartbeatMs * 2, clock, () => {
      const detail = `The server was silent for two heartbeats (${(hello.heartbeatMs * 2) / 1000} s).`
      this.#end.end({ cause: 'idle', retry: true, detail })
    })
    this.#end.onEnd(() => {
      this.#liveness.stop()
      silence(socket)
      socket.close(1000)
      this.#giveUpSends()
    })
    socket.onmessage = ({ data }: MessageLike) => this.#receive(data)
    socket.onclose = ({ code, reason }: CloseLike) => this.#end.end(closedByCode(code, reason))
  }

  send(draft: Draft): Promise<Receipt> {
    if (this.#end.reason !== null) {
      return Promise.reject(new SendError('no', 'It was not sent: the link has ended.', { retry: true }))
    }
    const document = sendDocument(draft)
    this.#parts.counter.payloadBytesUp += utf8Bytes(document)
    return new Promise((resolve, reject) => {
      const same = this.#inFlight.get(draft.id)
      if (same === undefined) this.#inFlight.set(draft.id, [{ resolve, reject }])
      else same.push({ resolve, reject })
      this.#parts.socket.send(document)
    })
  }

  stats(): LinkStats {
    return { ...this.#parts.counter, bufferedBytes: this.#parts.socket.bufferedAmount }
  }

  probe(): void {
    if (this.#end.reason !== null) return
    this.#parts.socket.send(probeDocument)
    this.#liveness.demand(probeTimeoutMs)
  }

  close(): Promise<void> {
    this.#end.end(endedHere)
    return Promise.resolve()
  }

  #receive(data: unknown): void {
    this.#liveness.alive()
    try {
      const document = read(data, this.#parts.counter)
      if (this.#waiting === null) this.#take(document)
      else this.#waiting.push(document)
    } catch (error) {
      this.#fail(error)
    }
  }

  #take(document: ServerDocument): void {
    switch (document.kind) {
      case 'messages':
      case 'gap':
      case 'reset': {
        const taken = this.#parts.request.receive(document)
        if (taken !== undefined) void this.#waitFor(taken)
        break
      }
      case 'heartbeat':
        break
      case 'receipt': {
        const { kind: _, ...receipt } = document
        this.#answered(receipt.id)?.resolve(receipt)
        break
      }
      case 'error':
        this.#refused(document.problem)
        break
      case 'goodbye': {
        const { kind: _, ...reason } = document
        this.#end.end(reason)
        break
      }
      case 'hello':
        throw new LinkError('protocol', 'The server said hello twice.')
    }
  }

  /** The application pushes back: nothing more is handed up, and read where that can be stopped, until it is ready. */
  async #waitFor(taken: Promise<void>): Promise<void> {
    const { socket } = this.#parts
    const waiting: ServerDocument[] = []
    this.#waiting = waiting
    socket.pause?.()
    try {
      await taken
      this.#waiting = null
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        if (this.#end.reason !== null) return
        this.#take(next)
        // It pushes back again: the rest waits before what comes meanwhile.
        if (this.#waiting !== null) {
          ;(this.#waiting as ServerDocument[]).unshift(...waiting.splice(0))
          return
        }
      }
      socket.resume?.()
    } catch (error) {
      this.#fail(error)
    }
  }

  #refused(problem: Problem): void {
    const inFlight = problem.id === undefined ? undefined : this.#answered(problem.id)
    if (inFlight === undefined) return
    const stored = problem.status === 500 ? 'unknown' : 'no'
    const retry = problem.status === 429 || problem.status >= 500
    inFlight.reject(
      new SendError(stored, problem.detail, { retry, retryAfterMs: problem.retryAfterMs, problem }),
    )
  }

  /** The send that an answer about this draft is for: the server answers in order. */
  #answered(id: string): InFlight | undefined {
    const same = this.#inFlight.get(id)
    const first = same?.shift()
    if (same?.length === 0) this.#inFlight.delete(id)
    return first
  }

  #giveUpSends(): void {
    for (const { reject } of [...this.#inFlight.values()].flat()) {
      reject(new SendError('unknown', 'The link ended before the receipt came.'))
    }
    this.#inFlight.clear()
  }

  #fail(error: unknown): void {
    const failure = error instanceof LinkError ? error : new LinkError('network', messageOf(error), { error })
    this.#end.end(closedFor(failure))
  }
}

/** Why a socket closed that said no goodbye before. */
function closedByCode(code: number, reason: string): Closed {
  const detail = reason === '' ? `The WebSocket closed with code ${code}.` : reason
  switch (code) {
    case closeCodes.replaced:
      return { cause: 'replaced', retry: false, detail }
    case closeCodes.policyViolation:
      return { cause: 'refused', retry: false, detail }
    case closeCodes.goingAway:
    case closeCodes.tryAgainLater:
      return { cause: 'peer', retry: true, detail }
    case 1002:
    case 1003:
    case 1007:
    case 1009:
      return { cause: 'protocol', retry: true, detail }
    default:
      return { cause: 'network', retry: true, detail }
  }
}
