// Polling, client half: ask, wait, ask again. The wait is counted from the end of the last answer, so polls never overlap (R36).
import { type CancelTimer, type Clock, systemClock } from '../clock.ts'
import type {
  ClientTransport,
  Link,
  LinkStats,
  Negotiated,
  OpenRequest,
  Receipt,
  Start,
} from '../contract.ts'
import { type Cursor, sameCursor } from '../cursor.ts'
import { UsageError } from '../errors.ts'
import {
  type Counter,
  closedFor,
  DraftSender,
  type Fetch,
  newCounter,
  roomUrl,
  unreachable,
} from '../http.client.ts'
import { endedHere, LinkEnd } from '../link-end.ts'
import type { Draft } from '../message.ts'
import { deliveryIn, firstPoll, type PollAnswer, poll, startIn } from '../poll.client.ts'
import type { PollDocument } from '../wire.ts'

export const shortestIntervalMs = 100
export const longestIntervalMs = 30_000

/** Whether a person can see the page; in Node there is none to ask. */
export interface Visibility {
  hidden(): boolean
  /** Calls back when it changes; gives the way to stop that. */
  changed(callback: () => void): () => void
}

export interface PollingOptions {
  readonly fetch: Fetch
  /** From the end of one answer to the next request, in ms: 100 to 30,000. */
  readonly intervalMs: number
  readonly visibility?: Visibility
  readonly clock?: Clock
}

export class PollingTransport implements ClientTransport {
  readonly name = 'polling'
  /** Polls rest while the page is hidden. Takes effect at the next poll. */
  pauseWhenHidden = false
  readonly #options: PollingOptions
  readonly #links = new Set<PollingLink>()
  #intervalMs: number

  constructor(options: PollingOptions) {
    this.#options = options
    this.#intervalMs = checkedInterval(options.intervalMs)
  }

  get intervalMs(): number {
    return this.#intervalMs
  }

  /** Takes effect at once, on open links too. Throws `UsageError` outside 100 to 30,000 ms. */
  set intervalMs(value: number) {
    this.#intervalMs = checkedInterval(value)
    for (const link of this.#links) link.reschedule()
  }

  missing(base: URL): readonly string[] {
    return base.protocol === 'http:' || base.protocol === 'https:'
      ? []
      : ['Polling needs an http: or https: address.']
  }

  async open(request: OpenRequest): Promise<Link> {
    const { fetch, visibility, clock = systemClock } = this.#options
    const counter = newCounter()
    const answer = await firstPoll({
      fetch,
      counter,
      url: roomUrl(request, 'messages', request.start),
      signal: request.signal,
    })
    const link: PollingLink = new PollingLink({
      fetch,
      counter,
      request,
      negotiated: answer.negotiated,
      first: answer.document,
      clock,
      waitMs: () => this.#intervalMs,
      visibility: visibility ?? null,
      resting: () => this.pauseWhenHidden && visibility?.hidden() === true,
      ended: () => this.#links.delete(link),
    })
    this.#links.add(link)
    void link.run()
    return link
  }
}

function checkedInterval(value: number): number {
  if (value >= shortestIntervalMs && value <= longestIntervalMs) return value
  throw new UsageError(
    `A polling interval is ${shortestIntervalMs} to ${longestIntervalMs} ms, not ${value}.`,
  )
}

interface PollingLinkParts {
  readonly fetch: Fetch
  readonly counter: Counter
  readonly request: OpenRequest
  readonly negotiated: Negotiated
  readonly first: PollDocument
  readonly clock: Clock
  waitMs(): number
  readonly visibility: Visibility | null
  resting(): boolean
  ended(): void
}

class PollingLink implements Link {
  readonly negotiated: Negotiated
  readonly start: Cursor
  readonly head: Cursor
  readonly #parts: PollingLinkParts
  readonly #sender: DraftSender
  readonly #end: LinkEnd
  readonly #stop = new AbortController()
  /** Ends the present wait early. */
  #wake: (() => void) | null = null
  #restedSinceMs = 0

  constructor(parts: PollingLinkParts) {
    this.#parts = parts
    this.negotiated = parts.negotiated
    this.start = startIn(parts.first)
    this.head = parts.first.head
    this.#sender = new DraftSender(parts.fetch, parts.request, parts.counter)
    this.#end = new LinkEnd((reason) => parts.request.closed(reason))
    this.#end.onEnd(() => {
      this.#stop.abort()
      this.#sender.close()
      this.#wake?.()
      parts.ended()
    })
    if (parts.visibility !== null) this.#end.onEnd(parts.visibility.changed(() => this.reschedule()))
  }

  /** Hands up what the first answer brought, then asks on until the link ends. */
  async run(): Promise<void> {
    const { fetch, counter, request } = this.#parts
    let document: PollDocument | null = this.#parts.first
    let cursor = document.cursor
    let leadsOn = true
    try {
      while (this.#end.reason === null) {
        if (document !== null) await request.receive(deliveryIn(document))
        // Where there is more, it asks at once, as long as the answers lead on.
        const isMore = document !== null && leadsOn && !sameCursor(document.cursor, document.head)
        if (!isMore) await this.#rest()
        if (this.#end.reason !== null) return
        const start: Start = { after: cursor }
        const url = roomUrl(request, 'messages', start)
        const answer: PollAnswer = await poll({
          fetch,
          counter,
          url,
          known: cursor,
          clock: this.#parts.clock,
          signal: this.#stop.signal,
        })
        document = answer.document
        const reached: Cursor = document?.cursor ?? cursor
        leadsOn = !sameCursor(reached, cursor)
        cursor = reached
      }
    } catch (error) {
      this.#end.end(closedFor(unreachable(error, this.#stop.signal)))
    }
  }

  send(draft: Draft): Promise<Receipt> {
    return this.#sender.send(draft)
  }

  stats(): LinkStats {
    return { ...this.#parts.counter }
  }

  probe(): void {
    this.#restedSinceMs = Number.NEGATIVE_INFINITY
    this.#wake?.()
  }

  /** Looks again how long to wait: the interval or the visibility changed. */
  reschedule(): void {
    this.#wake?.()
  }

  close(): Promise<void> {
    this.#end.end(endedHere)
    return Promise.resolve()
  }

  async #rest(): Promise<void> {
    const { clock } = this.#parts
    this.#restedSinceMs = clock.nowMs()
    while (this.#end.reason === null) {
      const resting = this.#parts.resting()
      const leftMs = this.#restedSinceMs + this.#parts.waitMs() - clock.nowMs()
      if (leftMs <= 0 && !resting) return
      await new Promise<void>((resolve) => {
        const cancel: CancelTimer | null = resting ? null : clock.after(leftMs, resolve)
        this.#wake = () => {
          cancel?.()
          resolve()
        }
      })
      this.#wake = null
    }
  }
}
