// Long polling, client half: a request that the server holds until there is something, and the next one as soon as it is answered.
import { type Clock, systemClock } from '../clock.ts'
import type { ClientTransport, Link, LinkStats, Negotiated, OpenRequest, Receipt } from '../contract.ts'
import { type Cursor, sameCursor } from '../cursor.ts'
import { UsageError } from '../errors.ts'
import {
  answerTimeoutMs,
  type Counter,
  closedFor,
  DraftSender,
  type Fetch,
  newCounter,
  roomUrl,
  unreachable,
} from '../http.client.ts'
import { wireLimits } from '../limits.ts'
import { endedHere, LinkEnd } from '../link-end.ts'
import type { Draft } from '../message.ts'
import { deliveryIn, firstPoll, poll, startIn } from '../poll.client.ts'
import type { PollDocument } from '../wire.ts'

/** How long a request asks to be held, in seconds: as long as others go without a heartbeat, so that a dead link is noticed as soon (R34). */
const defaultWaitSeconds = 10
/** An answer without news that comes earlier than this was not held, whoever on the way gave it, in ms. */
const heldAtLeastMs = 250
/** The wait before the next request then, in ms; it doubles with each one in a row. */
const firstPauseMs = 250
const longestPauseMs = 10_000

export interface LongPollingOptions {
  readonly fetch: Fetch
  /** How long each request asks to be held, in seconds: 1 to 30. */
  readonly waitSeconds?: number
  readonly clock?: Clock
}

export class LongPollingTransport implements ClientTransport {
  readonly name = 'long-polling'
  readonly #options: LongPollingOptions
  readonly #waitSeconds: number

  /** Throws `UsageError` for a wait that the server would refuse. */
  constructor(options: LongPollingOptions) {
    const { waitSeconds = defaultWaitSeconds } = options
    if (!Number.isInteger(waitSeconds) || waitSeconds < 1 || waitSeconds > wireLimits.waitSeconds)
      throw new UsageError(
        `A long poll waits 1 to ${wireLimits.waitSeconds} whole seconds, not ${waitSeconds}.`,
      )
    this.#options = options
    this.#waitSeconds = waitSeconds
  }

  missing(base: URL): readonly string[] {
    return base.protocol === 'http:' || base.protocol === 'https:'
      ? []
      : ['Long polling needs an http: or https: address.']
  }

  /** The first question is not held: its answer says what is spoken, and where the room is. */
  async open(request: OpenRequest): Promise<Link> {
    const { fetch, clock = systemClock } = this.#options
    const counter = newCounter()
    const url = roomUrl(request, 'messages', request.start)
    const { document, negotiated } = await firstPoll({ fetch, counter, url, signal: request.signal })
    const link = new LongPollingLink({
      fetch,
      counter,
      request,
      negotiated,
      first: document,
      clock,
      waitSeconds: this.#waitSeconds,
    })
    void link.run()
    return link
  }
}

interface LongPollingLinkParts {
  readonly fetch: Fetch
  readonly counter: Counter
  readonly request: OpenRequest
  readonly negotiated: Negotiated
  readonly first: PollDocument
  readonly clock: Clock
  readonly waitSeconds: number
}

class LongPollingLink implements Link {
  readonly negotiated: Negotiated
  readonly start: Cursor
  readonly head: Cursor
  readonly #parts: LongPollingLinkParts
  readonly #sender: DraftSender
  readonly #end: LinkEnd
  readonly #stop = new AbortController()
  /** The request that is under way. */
  #asking: AbortController | null = null
  /** Ends a pause early. */
  #wake: (() => void) | null = null
  /** The next question is one that is answered at once. */
  #inHaste = false
  /** Answers in a row that came at once and brought nothing. */
  #hollow = 0
  /** The last answer sent it to another log. */
  #wasReset = false

  constructor(parts: LongPollingLinkParts) {
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
    })
  }

  /** Hands up what the first answer brought, then asks on until the link ends. */
  async run(): Promise<void> {
    const { request } = this.#parts
    let document = this.#parts.first
    let isFirst = true
    try {
      while (this.#end.reason === null) {
        // Of those after the first, one without news is a sign of life, and nothing to hand up.
        if (isFirst || document.kind !== 'messages' || document.messages.length > 0)
          await request.receive(deliveryIn(document))
        isFirst = false
        document = await this.#next(document.cursor)
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

  /** The request that is held may be dead without a word, after a sleep say: another one, that is answered at once, takes its place (R30, R35). */
  probe(): void {
    this.#inHaste = true
    this.#asking?.abort()
    this.#wake?.()
  }

  close(): Promise<void> {
    this.#end.end(endedHere)
    return Promise.resolve()
  }

  /** The next answer. */
  async #next(cursor: Cursor): Promise<PollDocument> {
    for (;;) {
      if (this.#hollow > 0) await this.#pause()
      const { clock } = this.#parts
      const askedAtMs = clock.nowMs()
      const wasInHaste = this.#inHaste
      const document = await this.#ask(cursor)
      if (document === null) continue
      const isReset = document.kind === 'reset'
      // One reset leads on. Two in a row are two servers that take turns, each with a log of its own.
      const isNews = !sameCursor(document.cursor, cursor) && !(isReset && this.#wasReset)
      this.#wasReset = isReset
      const wasHeld = clock.nowMs() - askedAtMs >= heldAtLeastMs
      // What answers at once and says nothing does not know how to wait: it must not be asked in a circle.
      this.#hollow = isNews || wasHeld || wasInHaste ? 0 : this.#hollow + 1
      return document
    }
  }

  /** One question; null: it was given up for another one. */
  async #ask(cursor: Cursor): Promise<PollDocument | null> {
    const { fetch, counter, request, waitSeconds, clock } = this.#parts
    const url = roomUrl(request, 'messages', { after: cursor })
    const holdSeconds = this.#inHaste ? 0 : waitSeconds
    this.#inHaste = false
    url.searchParams.set('wait', String(holdSeconds))
    const asking = new AbortController()
    this.#asking = asking
    const signal = AbortSignal.any([this.#stop.signal, asking.signal])
    try {
      const timeoutMs = holdSeconds * 1000 + answerTimeoutMs
      const { document } = await poll({ fetch, counter, url, signal, timeoutMs, clock })
      // No tag is sent along, so this is nobody's 304 to give: as hollow as an empty answer.
      return document ?? { kind: 'messages', after: cursor, messages: [], cursor, head: cursor }
    } catch (error) {
      if (asking.signal.aborted && this.#end.reason === null) return null
      throw error
    } finally {
      this.#asking = null
    }
  }

  async #pause(): Promise<void> {
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#hollow - 1))
    await new Promise<void>((resolve) => {
      const cancel = this.#parts.clock.after(pauseMs, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
    this.#wake = null
  }
}
