// An open Socket.IO link: what arrives is handed up in order, what is sent finds its receipt in an acknowledgement.
import type { Socket } from 'socket.io-client'
import type { Clock } from '../clock.ts'
import type { Closed, Delivery, Link, LinkStats, Negotiated, OpenRequest, Receipt } from '../contract.ts'
import type { Cursor } from '../cursor.ts'
import { LinkError, messageOf, SendError } from '../errors.ts'
import { type Counter, closedFor } from '../http.client.ts'
import { Inbox } from '../inbox.ts'
import { endedHere, LinkEnd } from '../link-end.ts'
import { Liveness } from '../liveness.ts'
import type { Draft } from '../message.ts'
import type { Problem } from '../problem.ts'
import { utf8Bytes } from '../text.ts'
import { documentOf, type Hello, negotiatedOf } from '../wire.ts'
import type { Upgrade } from './client.ts'
import { engineExtension, events } from './events.ts'

/**
 * How long the opening waits for the engine's upgrade, in ms: what is said of the link is then what is used, as a rule. The server ends the
 * link before a second after its hello (R24): this leaves half of that to a slow network.
 */
const upgradeWaitMs = 500

/** How long the server may take to answer a probe, in ms. */
const probeTimeoutMs = 5000

/** Drafts on their way: the rest waits here, as the library can't be told to wait. Well under what the server allows. */
const draftsInFlight = 64

/** Counts what the engine moves; the first poll is on its way already. */
export function countTraffic(socket: Socket, counter: Counter): void {
  const { engine } = socket.io
  counter.requests = 1
  engine.transport.on('poll', () => {
    counter.requests += 1
  })
  engine.on('flush', () => {
    if (engine.transport.name === 'polling') counter.requests += 1
  })
  engine.on('upgrade', () => {
    counter.requests += 1
  })
  engine.on('packet', ({ data }) => {
    counter.reads += 1
    counter.payloadBytesDown += packetBytes(data)
  })
  engine.on('packetCreate', ({ data }) => {
    counter.payloadBytesUp += packetBytes(data)
  })
}

function packetBytes(data: unknown): number {
  return typeof data === 'string' ? utf8Bytes(data) : 0
}

export interface SocketIoParts {
  readonly socket: Socket
  readonly request: OpenRequest
  readonly hello: Hello
  readonly counter: Counter
  readonly clock: Clock
  readonly upgrade: Upgrade
}

interface Sending {
  readonly draft: Draft
  resolve(receipt: Receipt): void
  reject(error: SendError): void
}

export class SocketIoLink implements Link {
  readonly start: Cursor
  readonly head: Cursor
  /** Resolves with this link when it is known what it speaks; rejects with a `LinkError` when it ends before. */
  readonly opened: Promise<Link>
  readonly #parts: SocketIoParts
  readonly #end: LinkEnd
  readonly #liveness: Liveness
  readonly #unsent: Sending[] = []
  readonly #inFlight = new Set<Sending>()
  #negotiated: Negotiated
  readonly #inbox: Inbox<Delivery>
  #isOpen = false
  #known: () => void = () => undefined

  constructor(parts: SocketIoParts) {
    const { hello, request, clock, socket } = parts
    this.#parts = parts
    this.#negotiated = hello.negotiated
    this.start = hello.cursor
    this.head = hello.head
    const opening = Promise.withResolvers<Link>()
    this.opened = opening.promise
    this.#end = new LinkEnd((reason) => {
      if (this.#isOpen) request.closed(reason)
      else opening.reject(new LinkError(reason.cause, reason.detail, reason))
    })
    const giveUp = (): void => this.#end.end({ ...endedHere, detail: 'Given up.' })
    request.signal.addEventListener('abort', giveUp)
    this.#known = () => {
      this.#known = () => undefined
      cancelWait()
      request.signal.removeEventListener('abort', giveUp)
      if (this.#end.reason !== null) return
      this.#isOpen = true
      opening.resolve(this)
    }
    const cancelWait = clock.after(upgradeWaitMs, () => this.#known())
    this.#liveness = new Liveness(hello.heartbeatMs * 2, clock, () => {
      const detail = `The server was silent for two heartbeats (${(hello.heartbeatMs * 2) / 1000} s).`
      this.#end.end({ cause: 'idle', retry: true, detail })
    })
    this.#end.onEnd(() => {
      this.#known()
      this.#liveness.stop()
      socket.off()
      socket.disconnect()
      this.#giveUpSends()
    })
    this.#inbox = new Inbox({
      take: (delivery) => request.receive(delivery),
      // The library can't be told to stop.
      pause: () => false,
      resume: () => undefined,
      isOver: () => this.#end.reason !== null,
      failed: (error) => this.#fail(error),
    })
    this.#listen()
  }

  /** What is spoken at this moment, in the server's words: the engine may leave polling later than the opening waits. */
  get negotiated(): Negotiated {
    return this.#negotiated
  }

  send(draft: Draft): Promise<Receipt> {
    if (this.#end.reason !== null) {
      return Promise.reject(new SendError('no', 'It was not sent: the link has ended.', { retry: true }))
    }
    return new Promise((resolve, reject) => {
      this.#unsent.push({ draft, resolve, reject })
      this.#sendOn()
    })
  }

  stats(): LinkStats {
    const { engine } = this.#parts.socket.io
    const bufferedBytes = engine.writeBuffer.reduce((sum, { data }) => sum + packetBytes(data), 0)
    return { ...this.#parts.counter, bufferedBytes }
  }

  probe(): void {
    if (this.#end.reason !== null) return
    // Whatever comes is a sign of life; the answer is one.
    this.#parts.socket.emit(events.probe, () => this.#liveness.alive())
    this.#liveness.demand(probeTimeoutMs)
  }

  close(): Promise<void> {
    this.#end.end(endedHere)
    return Promise.resolve()
  }

  #listen(): void {
    const { socket, upgrade } = this.#parts
    const { engine } = socket.io
    const alive = (): void => this.#liveness.alive()
    const stayed = (): void => this.#known()
    engine.on('packet', alive)
    engine.on('upgradeError', stayed)
    this.#end.onEnd(() => {
      engine.off('packet', alive)
      engine.off('upgradeError', stayed)
    })
    this.#on(events.delivery, (value) => this.#deliver(value))
    this.#on(events.negotiated, (value) => this.#renegotiated(negotiatedOf(value)))
    this.#on(events.goodbye, (value) => {
      const document = documentOf(value)
      if (document.kind !== 'goodbye') throw new LinkError('protocol', 'A goodbye that is none.')
      const { kind: _, ...reason } = document
      this.#end.end(reason)
    })
    this.#on(events.hello, () => {
      throw new LinkError('protocol', 'The server said hello twice.')
    })
    socket.on('disconnect', (reason) => this.#end.end(disconnected(reason)))
    if (!upgrade.possible || this.#isUpgraded()) this.#known()
  }

  /** Listens to what the server says; what it may not say ends the link. */
  #on(event: string, heard: (value: unknown) => void): void {
    this.#parts.socket.on(event, (value: unknown) => {
      if (this.#end.reason !== null) return
      try {
        heard(value)
      } catch (error) {
        this.#fail(error)
      }
    })
  }

  #isUpgraded(): boolean {
    return this.#negotiated.extensions.includes(engineExtension('websocket'))
  }

  #renegotiated(negotiated: Negotiated): void {
    this.#negotiated = negotiated
    if (this.#isOpen) this.#parts.request.renegotiated?.()
    if (this.#isUpgraded()) this.#known()
  }

  #deliver(value: unknown): void {
    const document = documentOf(value)
    if (document.kind !== 'messages' && document.kind !== 'gap' && document.kind !== 'reset')
      throw new LinkError('protocol', 'A delivery that is none.')
    this.#inbox.push(document)
  }

  #sendOn(): void {
    while (this.#inFlight.size < draftsInFlight) {
      const next = this.#unsent.shift()
      if (next === undefined) return
      this.#inFlight.add(next)
      const { id, user, text } = next.draft
      this.#parts.socket.emit(events.send, { id, user, text }, (value: unknown) => {
        if (this.#end.reason !== null) return
        try {
          this.#answered(next, value)
        } catch (error) {
          this.#fail(error)
        }
      })
    }
  }

  #answered(sending: Sending, value: unknown): void {
    const document = documentOf(value)
    if (document.kind === 'error') {
      this.#inFlight.delete(sending)
      sending.reject(refusedSend(document.problem))
    } else if (document.kind === 'receipt' && document.id === sending.draft.id) {
      this.#inFlight.delete(sending)
      const { kind: _, ...receipt } = document
      sending.resolve(receipt)
    } else throw new LinkError('protocol', 'The server acknowledged another message.')
    this.#sendOn()
  }

  #giveUpSends(): void {
    for (const { reject } of this.#inFlight) {
      reject(new SendError('unknown', 'The link ended before the receipt came.'))
    }
    this.#inFlight.clear()
    for (const { reject } of this.#unsent.splice(0)) {
      reject(new SendError('no', 'It was not sent: the link ended first.', { retry: true }))
    }
  }

  #fail(error: unknown): void {
    const failure = error instanceof LinkError ? error : new LinkError('network', messageOf(error), { error })
    this.#end.end(closedFor(failure))
  }
}

function refusedSend(problem: Problem): SendError {
  const stored = problem.status === 500 ? 'unknown' : 'no'
  const retry = problem.status === 429 || problem.status >= 500
  return new SendError(stored, problem.detail, { retry, retryAfterMs: problem.retryAfterMs, problem })
}

/** Why a socket ended that said no goodbye before. */
function disconnected(reason: string): Closed {
  const detail = `Socket.IO ended the link: ${reason}.`
  switch (reason) {
    case 'ping timeout':
      return { cause: 'idle', retry: true, detail }
    case 'io server disconnect':
      return { cause: 'peer', retry: true, detail }
    case 'parse error':
      return { cause: 'protocol', retry: true, detail }
    default:
      return { cause: 'network', retry: true, detail }
  }
}
