// HTTP/2 push, client half: reads the response that stays open. (Not PUSH_PROMISE, which browsers have removed.)
import { type Clock, systemClock } from '../clock.ts'
import type {
  ClientTransport,
  Closed,
  Link,
  LinkStats,
  Negotiated,
  OpenRequest,
  Receipt,
} from '../contract.ts'
import type { Cursor } from '../cursor.ts'
import { LinkError } from '../errors.ts'
import {
  type Counter,
  closedFor,
  DraftSender,
  type Fetch,
  newCounter,
  refusal,
  roomUrl,
  unreachable,
} from '../http.client.ts'
import { serverLimits } from '../limits.ts'
import { endedHere, LinkEnd } from '../link-end.ts'
import { Liveness } from '../liveness.ts'
import type { Draft } from '../message.ts'
import { StreamProbe } from '../stream-probe.ts'
import { decodeDocument, goodbyeError, type Hello, type ServerDocument } from '../wire.ts'
import { LineDecoder } from './ndjson.ts'

/** A line is a batch, which is bounded, or one message, whose text may be escaped to six times its size. */
const longestLineBytes = serverLimits.batchBytes + 64 * 1024

export interface Http2PushOptions {
  /** One that speaks HTTP/2: a browser's, or undici's with `allowH2`. */
  readonly fetch: Fetch
  readonly clock?: Clock
}

export class Http2PushTransport implements ClientTransport {
  readonly name = 'http2-push'
  readonly #options: Http2PushOptions

  constructor(options: Http2PushOptions) {
    this.#options = options
  }

  missing(base: URL): readonly string[] {
    const missing: string[] = []
    if (base.protocol !== 'https:')
      missing.push('Browsers speak HTTP/2 only over TLS, and this address is plain HTTP.')
    if (typeof ReadableStream === 'undefined')
      missing.push('This runtime cannot read a response while it arrives.')
    return missing
  }

  async open(request: OpenRequest): Promise<Link> {
    const { fetch, clock = systemClock } = this.#options
    const counter = newCounter()
    const stop = new AbortController()
    const giveUp = () => stop.abort()
    if (request.signal.aborted) throw new LinkError('local', 'Given up.')
    request.signal.addEventListener('abort', giveUp)
    let documents: Documents | null = null
    try {
      counter.requests += 1
      const response = await fetch(roomUrl(request, 'stream', request.start), {
        headers: { accept: 'application/x-ndjson' },
        cache: 'no-store',
        redirect: 'error',
        signal: stop.signal,
      })
      if (response.status !== 200) throw await refusal(response)
      if (response.body === null) throw new LinkError('protocol', 'The server answered without a stream.')
      documents = new Documents(response.body, counter)
      const hello = await firstOf(documents)
      return start({ fetch, counter, request, hello, documents, stop, clock })
    } catch (error) {
      stop.abort()
      throw unreachable(error, request.signal)
    } finally {
      request.signal.removeEventListener('abort', giveUp)
    }
  }
}

async function firstOf(documents: Documents): Promise<Hello> {
  const hello = await documents.next()
  if (hello === null) throw new LinkError('network', 'The stream ended before it began.')
  if (hello.kind === 'goodbye') throw goodbyeError(hello)
  if (hello.kind !== 'hello') throw new LinkError('protocol', 'The stream does not begin with a hello.')
  if (hello.negotiated.protocol !== 'h2') {
    throw new LinkError(
      'protocol',
      `This stream is to be HTTP/2, and the server speaks ${hello.negotiated.protocol} with us.`,
    )
  }
  return hello
}

/** Reads documents one by one; the next chunk is read only when all of the last have been taken. */
class Documents {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #lines = new LineDecoder(longestLineBytes)
  readonly #counter: Counter
  #ready: string[] = []
  #at = 0
  /** Called for each chunk: a sign of life. */
  onChunk: () => void = () => undefined

  constructor(body: ReadableStream<Uint8Array>, counter: Counter) {
    this.#reader = body.getReader()
    this.#counter = counter
  }

  /** The next document, or null at the end of the stream. Waits for bytes when there is none. */
  async next(): Promise<ServerDocument | null> {
    for (;;) {
      const line = this.#ready[this.#at]
      if (line !== undefined) {
        this.#at += 1
        return decodeDocument(line)
      }
      const { done, value } = await this.#reader.read()
      if (done) return null
      this.#counter.reads += 1
      this.#counter.payloadBytesDown += value.byteLength
      this.onChunk()
      this.#ready = this.#lines.push(value)
      this.#at = 0
    }
  }
}

interface StreamParts {
  readonly fetch: Fetch
  readonly counter: Counter
  readonly request: OpenRequest
  readonly hello: Hello
  readonly documents: Documents
  readonly stop: AbortController
  readonly clock: Clock
}

function start(parts: StreamParts): Link {
  const link = new StreamLink(parts)
  void link.run()
  return link
}

class StreamLink implements Link {
  readonly negotiated: Negotiated
  readonly start: Cursor
  readonly head: Cursor
  readonly #parts: StreamParts
  readonly #sender: DraftSender
  readonly #end: LinkEnd
  #liveness: Liveness
  /** The end of what the stream has brought. */
  #cursor: Cursor
  readonly #probe: StreamProbe

  constructor(parts: StreamParts) {
    const { hello, fetch, request, counter, stop } = parts
    this.#parts = parts
    this.negotiated = hello.negotiated
    this.start = hello.cursor
    this.#cursor = hello.cursor
    this.head = hello.head
    this.#sender = new DraftSender(fetch, request, counter)
    this.#end = new LinkEnd((reason) => request.closed(reason))
    this.#liveness = this.#watch()
    parts.documents.onChunk = () => this.#liveness.alive()
    this.#end.onEnd(() => {
      this.#liveness.stop()
      this.#sender.close()
      stop.abort()
    })
    this.#probe = new StreamProbe({
      fetch,
      counter,
      request,
      signal: stop.signal,
      clock: parts.clock,
      cursor: () => this.#cursor,
      demand: (limitMs) => this.#liveness.demand(limitMs),
      silent: (detail) => this.#end.end({ cause: 'idle', retry: true, detail }),
      failed: (error) => this.#end.end(closedFor(error)),
    })
  }

  async run(): Promise<void> {
    const { documents, stop } = this.#parts
    try {
      for (;;) {
        const document = await documents.next()
        if (this.#end.reason !== null) return
        if (document === null) throw new LinkError('network', 'The stream ended without a goodbye.')
        const taken = this.#take(document)
        if (taken !== undefined) await this.#waitFor(taken)
      }
    } catch (error) {
      this.#end.end(closedFor(unreachable(error, stop.signal)))
    }
  }

  #watch(): Liveness {
    const { hello, clock } = this.#parts
    return new Liveness(hello.heartbeatMs * 2, clock, () => {
      const detail = `The stream was silent for two heartbeats (${(hello.heartbeatMs * 2) / 1000} s).`
      this.#end.end({ cause: 'idle', retry: true, detail })
    })
  }

  /** The application pushes back: nothing is read, so nothing can be heard, until it is ready. */
  async #waitFor(taken: Promise<void>): Promise<void> {
    this.#liveness.stop()
    await taken
    if (this.#end.reason === null) this.#liveness = this.#watch()
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

  #take(document: ServerDocument): void | Promise<void> {
    switch (document.kind) {
      case 'messages':
      case 'gap':
      case 'reset':
        this.#cursor = document.cursor
        return this.#parts.request.receive(document)
      case 'heartbeat':
        return
      case 'goodbye': {
        const { kind: _, ...reason } = document
        this.#end.end(reason satisfies Closed)
        return
      }
      case 'hello':
      case 'receipt':
      case 'error':
        throw new LinkError('protocol', `The server sent a ${document.kind} in the middle of a stream.`)
    }
  }
}
