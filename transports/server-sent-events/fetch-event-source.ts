// An EventSource over `fetch` (WHATWG HTML §9.2.2), for runtimes that have none: with Last-Event-ID, retry, and reading that can be stopped.
import { type CancelTimer, type Clock, systemClock } from '../clock.ts'
import { LinkError } from '../errors.ts'
import type { Fetch } from '../http.client.ts'
import { serverLimits } from '../limits.ts'
import { EventStreamDecoder } from './event-stream.ts'

/** As much of the standard EventSource as this transport uses; the browser's has it. */
export interface EventSourceLike {
  /** 0: it connects, or waits before it does again. 1: open. 2: closed for good. */
  readonly readyState: number
  // The parameters are each implementation's own; what is read of them is checked where it is read.
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  close(): void
  /** Ours can stop reading; a browser's can't, and what is not taken yet piles up in the page (R39). */
  pause?(): void
  resume?(): void
}

export type EventSourceConstructor = new (url: string) => EventSourceLike

export const readyStates = { connecting: 0, open: 1, closed: 2 } as const

/** Before the server has asked for another wait; browsers take some seconds. */
const defaultRetryMs = 2000
/** A longer wait than this is not obeyed: timers of more than 2³¹ ms fire at once. */
const longestRetryMs = 60_000
/** A batch, which is bounded, or one message, whose text may be escaped to six times its size; and the fields around it. */
const largestEventBytes = serverLimits.batchBytes + 64 * 1024

export interface FetchEventSourceParts {
  readonly fetch: Fetch
  readonly clock?: Clock
}

/** Makes a constructor like the browser's, over this `fetch`. */
export function eventSourceOver(parts: FetchEventSourceParts): EventSourceConstructor {
  return class extends FetchEventSource {
    constructor(url: string) {
      super(url, parts)
    }
  }
}

export class FetchEventSource implements EventSourceLike {
  onopen: ((event: never) => void) | null = null
  onmessage: ((event: never) => void) | null = null
  onerror: ((event: never) => void) | null = null
  #readyState: number = readyStates.connecting
  readonly #url: URL
  readonly #fetch: Fetch
  readonly #clock: Clock
  readonly #stop = new AbortController()
  #lastEventId = ''
  #retryMs = defaultRetryMs
  #cancelRetry: CancelTimer | null = null
  /** Reading goes on when this resolves. */
  #paused: { readonly until: Promise<void>; go(): void } | null = null

  constructor(url: string, { fetch, clock = systemClock }: FetchEventSourceParts) {
    this.#url = new URL(url)
    this.#fetch = fetch
    this.#clock = clock
    void this.#run()
  }

  get readyState(): number {
    return this.#readyState
  }

  pause(): void {
    if (this.#paused !== null) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#paused = { until: promise, go: resolve }
  }

  resume(): void {
    this.#paused?.go()
    this.#paused = null
  }

  close(): void {
    this.#readyState = readyStates.closed
    this.#cancelRetry?.()
    this.#stop.abort()
    this.resume()
  }

  async #run(): Promise<void> {
    // Called as a plain function: a browser's fetch refuses to be a method of something else.
    const fetch = this.#fetch
    try {
      const response = await fetch(this.#url, {
        headers: {
          accept: 'text/event-stream',
          ...(this.#lastEventId === '' ? {} : { 'last-event-id': this.#lastEventId }),
        },
        cache: 'no-store',
        redirect: 'error',
        signal: this.#stop.signal,
      })
      const type = response.headers.get('content-type') ?? ''
      if (response.status !== 200 || response.body === null || !/^text\/event-stream *(;|$)/i.test(type)) {
        // For good (§9.2.3): what was answered is not a stream.
        await response.body?.cancel()
        this.#fail()
        return
      }
      if (this.#isClosed) return
      this.#readyState = readyStates.open
      this.#tell(this.onopen, {})
      await this.#read(response.body)
    } catch (error) {
      // What breaks the bounds once would do so again. However the network failed, the listener hears of it and it reconnects.
      if (error instanceof LinkError) {
        this.#fail(error)
        return
      }
    }
    this.#reconnect()
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new EventStreamDecoder(largestEventBytes, this.#lastEventId)
    const reader = body.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done || this.#isClosed) return
      const events = decoder.push(value)
      if (decoder.retryMs !== null) this.#retryMs = Math.min(decoder.retryMs, longestRetryMs)
      for (const { data, lastEventId } of events) {
        this.#lastEventId = lastEventId
        this.#tell(this.onmessage, { data, lastEventId })
        if (this.#paused !== null) await this.#paused.until
        if (this.#isClosed) return
      }
      // An id may come without data.
      this.#lastEventId = decoder.lastEventId
    }
  }

  #reconnect(): void {
    if (this.#isClosed) return
    this.#readyState = readyStates.connecting
    this.#tell(this.onerror, {})
    if (this.#isClosed) return
    this.#cancelRetry = this.#clock.after(this.#retryMs, () => void this.#run())
  }

  /** Closes for good. The browser's would not say why; ours does where it knows more than a request by `fetch` could learn. */
  #fail(error?: LinkError): void {
    if (this.#isClosed) return
    this.#readyState = readyStates.closed
    this.#stop.abort()
    this.#tell(this.onerror, { error })
  }

  get #isClosed(): boolean {
    return this.#readyState === readyStates.closed
  }

  #tell(listener: ((event: never) => void) | null, event: object): void {
    listener?.(event as never)
  }
}
