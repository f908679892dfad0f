// An open link over an EventSource. An outage is healed once by the EventSource itself, which knows where it was; the rest is the session's.
import type { CancelTimer, Clock } from '../clock.ts'
import type { Link, LinkStats, Negotiated, OpenRequest, Receipt } from '../contract.ts'
import type { Cursor } from '../cursor.ts'
import { LinkError, messageOf } from '../errors.ts'
import { type Counter, closedFor, DraftSender, type Fetch } from '../http.client.ts'
import { Inbox } from '../inbox.ts'
import { endedHere, LinkEnd } from '../link-end.ts'
import { Liveness } from '../liveness.ts'
import type { Draft } from '../message.ts'
import { StreamProbe } from '../stream-probe.ts'
import { utf8Bytes } from '../text.ts'
import { decodeDocument, type Hello, type ServerDocument } from '../wire.ts'
import { whyNotOpened } from './diagnosis.ts'
import { type EventSourceLike, readyStates } from './fetch-event-source.ts'

/** How long an EventSource may take to come back by itself, in ms: the wait that the server asked for, and a few round trips. */
export const healTimeoutMs = 4000

/** Nothing that the source still tells is heard. */
export function silence(source: EventSourceLike): void {
  source.onopen = null
  source.onmessage = null
  source.onerror = null
}

/** Reads a document and counts it. Throws a `LinkError` of cause 'protocol'. */
export function readEvent(data: unknown, counter: Counter): ServerDocument {
  if (typeof data !== 'string') throw new LinkError('protocol', 'The server sent an event without data.')
  counter.reads += 1
  counter.payloadBytesDown += utf8Bytes(data)
  return decodeDocument(data)
}

export interface EventLinkParts {
  readonly source: EventSourceLike
  readonly request: OpenRequest
  readonly hello: Hello
  readonly counter: Counter
  readonly fetch: Fetch
  readonly clock: Clock
  readonly url: URL
}

export class EventLink implements Link {
  readonly negotiated: Negotiated
  readonly start: Cursor
  readonly head: Cursor
  readonly #parts: EventLinkParts
  readonly #sender: DraftSender
  readonly #end: LinkEnd
  readonly #stop = new AbortController()
  readonly #probe: StreamProbe
  #liveness: Liveness
  /** The end of what has been handed up. */
  #cursor: Cursor
  readonly #inbox: Inbox<ServerDocument>
  /** Whether anything but hellos has come since the last outage: an outage behind another one is not healed. */
  #hasBrought = true
  /** Gives up on an EventSource that reconnects; null while it is connected. */
  #cancelHealing: CancelTimer | null = null

  constructor(parts: EventLinkParts) {
    const { source, request, hello, counter, fetch } = parts
    this.#parts = parts
    this.negotiated = hello.negotiated
    this.start = hello.cursor
    this.#cursor = hello.cursor
    this.head = hello.head
    this.#sender = new DraftSender(fetch, request, counter)
    this.#end = new LinkEnd((reason) => request.closed(reason))
    this.#liveness = this.#watch()
    this.#end.onEnd(() => {
      this.#liveness.stop()
      this.#cancelHealing?.()
      this.#sender.close()
      this.#stop.abort()
      silence(source)
      source.close()
    })
    this.#probe = new StreamProbe({
      fetch,
      counter,
      request,
      signal: this.#stop.signal,
      clock: parts.clock,
      cursor: () => this.#cursor,
      demand: (limitMs) => this.#liveness.demand(limitMs),
      silent: (detail) => this.#end.end({ cause: 'idle', retry: true, detail }),
      failed: (error) => this.#end.end(closedFor(error)),
    })
    this.#inbox = new Inbox({
      take: (document) => this.#take(document),
      pause: () => this.#pause(),
      resume: () => this.#resume(),
      isOver: () => this.#end.reason !== null,
      failed: (error) => this.#fail(error),
    })
    source.onmessage = ({ data }: { readonly data: unknown }) => this.#receive(data)
    source.onerror = ({ error }: { readonly error?: unknown }) => {
      if (error instanceof LinkError) this.#fail(error)
      else this.#interrupted()
    }
  }

  send(draft: Draft): Promise<Receipt> {
    return this.#sender.send(draft)
  }

  stats(): LinkStats {
    return { ...this.#parts.counter }
  }

  probe(): void {
    this.#probe.ask()
  }

  close(): Promise<void> {
    this.#end.end(endedHere)
    return Promise.resolve()
  }

  #watch(): Liveness {
    const limitMs = this.#parts.hello.heartbeatMs * 2
    return new Liveness(limitMs, this.#parts.clock, () => {
      const detail = `The stream was silent for two heartbeats (${limitMs / 1000} s).`
      this.#end.end({ cause: 'idle', retry: true, detail })
    })
  }

  /** The stream broke. Where the EventSource reconnects by itself it is given one chance: its Last-Event-ID says where it was. */
  #interrupted(): void {
    const { source, fetch, url, counter, clock } = this.#parts
    if (source.readyState === readyStates.closed) {
      silence(source)
      void whyNotOpened(fetch, url, this.#stop.signal).then((error) => this.#end.end(closedFor(error)))
    } else if (this.#cancelHealing !== null) this.#lost('The stream broke, and could not be opened again.')
    else if (!this.#hasBrought) this.#lost('The stream broke again before it had brought anything.')
    else {
      this.#hasBrought = false
      counter.requests += 1
      // That nothing is heard meanwhile is no news.
      this.#liveness.stop()
      this.#cancelHealing = clock.after(healTimeoutMs, () =>
        this.#lost(`The stream broke, and was not open again within ${healTimeoutMs / 1000} s.`),
      )
    }
  }

  #lost(detail: string): void {
    this.#end.end({ cause: 'network', retry: true, detail })
  }

  #receive(data: unknown): void {
    this.#liveness.alive()
    try {
      const document = readEvent(data, this.#parts.counter)
      if (document.kind === 'hello') {
        this.#healed(document)
        return
      }
      this.#hasBrought = true
      if (document.kind === 'goodbye') this.#hearNoMore()
      this.#inbox.push(document)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Behind a goodbye the server ends the stream, which is no outage, though the goodbye may have to wait for its turn. */
  #hearNoMore(): void {
    this.#liveness.stop()
    silence(this.#parts.source)
    this.#parts.source.close()
  }

  /** It is back. What comes next continues what came last, as the id says. */
  #healed({ negotiated }: Hello): void {
    if (this.#cancelHealing === null) throw new LinkError('protocol', 'The server said hello twice.')
    this.#cancelHealing()
    this.#cancelHealing = null
    this.#listenAgain()
    if (negotiated.protocol !== this.negotiated.protocol)
      throw new LinkError('network', `The stream came back over ${negotiated.protocol}.`)
  }

  #take(document: ServerDocument): void | Promise<void> {
    switch (document.kind) {
      case 'messages':
      case 'gap':
      case 'reset':
        this.#cursor = document.cursor
        return this.#parts.request.receive(document)
      case 'heartbeat':
        break
      case 'goodbye': {
        const { kind: _, ...reason } = document
        this.#end.end(reason)
        break
      }
      case 'hello':
      case 'receipt':
      case 'error':
        throw new LinkError('protocol', `The server sent a ${document.kind} in the middle of a stream.`)
    }
  }

  /** Where reading can be stopped nothing is heard meanwhile; a browser's EventSource reads on (R39). */
  #pause(): boolean {
    const { source } = this.#parts
    if (source.pause === undefined) return false
    source.pause()
    this.#liveness.stop()
    return true
  }

  #resume(): void {
    const { source } = this.#parts
    if (source.resume === undefined) return
    // While it reconnects that has a time of its own.
    if (this.#cancelHealing === null) this.#listenAgain()
    source.resume()
  }

  #listenAgain(): void {
    this.#liveness.stop()
    this.#liveness = this.#watch()
  }

  #fail(error: unknown): void {
    const failure = error instanceof LinkError ? error : new LinkError('network', messageOf(error), { error })
    this.#end.end(closedFor(failure))
  }
}
