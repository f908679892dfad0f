// An open WebSocket link: what arrives is handed up in order, what is sent finds its receipt.
import type { Clock } from './clock.ts'
import type { Closed, Link, LinkStats, Negotiated, OpenRequest, Receipt } from './contract.ts'
import type { Cursor } from './cursor.ts'
import { LinkError, messageOf, SendError } from './errors.ts'
import { type Counter, closedFor } from './http.client.ts'
import { Inbox } from './inbox.ts'
import { endedHere, LinkEnd } from './link-end.ts'
import { Liveness } from './liveness.ts'
import type { Draft } from './message.ts'
import type { Problem } from './problem.ts'
import { closeCodes, probeDocument, sendDocument } from './socket-documents.ts'
import { utf8Bytes } from './text.ts'
import { decodeDocument, type Hello, type ServerDocument } from './wire.ts'

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

export interface MessageLike {
  readonly data: unknown
}

export interface CloseLike {
  readonly code: number
  readonly reason: string
}

/** How long the server may take to answer a probe, in ms. */
const probeTimeoutMs = 5000

/** Nothing that the socket still tells is heard. */
export function silence(socket: WebSocketLike): void {
  socket.onopen = null
  socket.onmessage = null
  socket.onclose = null
  // An error event that nobody listens to is not an error of ours any more.
  socket.onerror = null
}

/** Reads a document and counts it. Throws a `LinkError` of cause 'protocol'. */
export function readDocument(data: unknown, counter: Counter): ServerDocument {
  if (typeof data !== 'string') throw new LinkError('protocol', 'The server sent a binary message.')
  counter.reads += 1
  counter.payloadBytesDown += utf8Bytes(data)
  return decodeDocument(data)
}

export interface SocketParts {
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

export class SocketLink implements Link {
  readonly negotiated: Negotiated
  readonly start: Cursor
  readonly head: Cursor
  readonly #parts: SocketParts
  readonly #end: LinkEnd
  readonly #liveness: Liveness
  /** By draft, in the order of sending: the same one may be under way twice. */
  readonly #inFlight = new Map<string, InFlight[]>()
  readonly #inbox: Inbox<ServerDocument>

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
    this.#inbox = new Inbox({
      take: (document) => this.#take(document),
      pause: () => {
        socket.pause?.()
        return socket.pause !== undefined
      },
      resume: () => socket.resume?.(),
      isOver: () => this.#end.reason !== null,
      failed: (error) => this.#fail(error),
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
      this.#inbox.push(readDocument(data, this.#parts.counter))
    } catch (error) {
      this.#fail(error)
    }
  }

  #take(document: ServerDocument): void | Promise<void> {
    switch (document.kind) {
      case 'messages':
      case 'gap':
      case 'reset':
        return this.#parts.request.receive(document)
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
