// HTTP/2 push, server half: a response that stays open, one JSON document a line. (Not PUSH_PROMISE, which browsers have removed.)
import type { ServerHttp2Stream } from 'node:http2'
import type {
  LeaveLink,
  MountContext,
  ServerTransport,
  StreamHandler,
  Subscriber,
  Subscription,
} from '../contract.server.ts'
import type { Closed, Gap, Negotiated, Reset } from '../contract.ts'
import type { Batch, WireForm } from '../hub/batch.ts'
import { Heartbeats } from '../hub/heartbeats.ts'
import { serverLimits } from '../limits.ts'
import { replacedByNewer } from '../link-end.ts'
import { ProblemError, problem } from '../problem.ts'
import { queuedOn } from '../queued.server.ts'
import { identityOf, protocolHeader, startOf } from '../request.server.ts'
import { SessionPulse } from '../session-pulse.server.ts'
import { encodeDocument, type ServerDocument } from '../wire.ts'

/** A batch as one line. */
const ndjson: WireForm<Buffer> = { encode: (batch) => Buffer.from(`${batch.document}\n`) }

const streamHeaders = {
  'content-type': 'application/x-ndjson; charset=utf-8',
  // Nothing on the way may buffer or compress a stream (R1).
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/** What looks after all streams, so that none has a timer of its own. */
interface Care {
  /** Tells clients that the server is alive. */
  readonly heartbeats: Heartbeats<Buffer>
  /** Asks their connections whether they are. */
  readonly pulse: SessionPulse
}

export const http2PushServer: ServerTransport = {
  name: 'http2-push',
  mount(app, context) {
    const care: Care = {
      heartbeats: new Heartbeats(context.heartbeatMs, () => line({ kind: 'heartbeat', time: Date.now() })),
      pulse: new SessionPulse(context.heartbeatMs),
    }
    app.addHook('onClose', () => care.heartbeats.stop())
    context.stream('stream', accepts, open(context, care))
    // Only HTTP/1.1 comes as far as the router.
    app.get('/rooms/:room/stream', { exposeHeadRoute: false }, () => {
      const detail =
        'Open this stream over HTTP/2, on the TLS port, by a client that offers "h2"; over HTTP/1.1 ask for text/event-stream.'
      throw new ProblemError(problem('http-version', detail))
    })
  },
}

/**
 * Takes the stream itself: the request and response that Fastify would wrap around it live as long as it does and lie between
 * what each write touches. With 500 readers a delivery took 2.84 µs in place of 2.97, medians of five noisy runs in turns.
 */
function open(context: MountContext, care: Care): StreamHandler {
  const { hub, heartbeatMs } = context
  return ({ stream, headers, room, query }) => {
    const start = startOf(query)
    const identity = identityOf(query, headers.origin)
    const subscriber = new StreamSubscriber(stream)
    // Both may refuse, while the answer can still be a problem. A link without a place must not take over from one that has it.
    const subscription = hub.subscribe(room, start, subscriber)
    subscriber.subscription = subscription
    let leave: LeaveLink | null = null
    try {
      if (identity !== null) leave = hub.links.enter(identity, () => subscriber.close(replacedByNewer))
    } catch (error) {
      subscription.leave()
      throw error
    }
    subscriber.begin(leave, care)
    const tls = stream.session?.encrypted === true
    const negotiated: Negotiated = { protocol: 'h2', tls, subprotocol: null, extensions: [] }
    stream.respond({ ':status': 200, ...streamHeaders, 'parley-protocol': protocolHeader(negotiated) })
    const { start: cursor, head } = subscription
    stream.write(line({ kind: 'hello', transport: 'http2-push', negotiated, cursor, head, heartbeatMs }))
  }
}

function accepts(header: string | undefined): boolean {
  return header === undefined || /application\/(?:x-ndjson|\*)|\*\/\*/.test(header)
}

function line(document: ServerDocument): Buffer {
  return Buffer.from(`${encodeDocument(document)}\n`)
}

/** A reader on an HTTP/2 stream. */
class StreamSubscriber implements Subscriber {
  readonly #stream: ServerHttp2Stream
  subscription: Subscription | null = null
  #ended = false
  #goodbyeTimer: NodeJS.Timeout | undefined

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream
  }

  /** Ties the stream's end to everything that must end with it. */
  begin(leave: LeaveLink | null, { heartbeats, pulse }: Care): void {
    const stream = this.#stream
    const stop = heartbeats.add((document) => {
      if (stream.session !== undefined) pulse.beat(stream.session)
      // A stream that has not drained has something to read already: a heartbeat would only add to what is queued.
      if (!this.#ended && !stream.writableNeedDrain) stream.write(document)
    })
    stream.on('drain', () => this.subscription?.writable())
    // A cancelled stream is the reader's way to leave, not an error of ours.
    stream.on('error', () => this.terminate())
    stream.on('close', () => {
      this.#ended = true
      stop()
      clearTimeout(this.#goodbyeTimer)
      leave?.()
      this.subscription?.leave()
    })
  }

  write(event: Batch | Gap | Reset): boolean {
    if (this.#ended) return true
    return this.#stream.write(event.kind === 'messages' ? event.as(ndjson) : line(event))
  }

  /** The subscription ends with the stream, so that a drain waits until the goodbye has been taken, or its time is over. */
  close(reason: Closed): void {
    if (this.#ended) return
    this.#ended = true
    this.#stream.end(line({ kind: 'goodbye', ...reason }))
    this.#goodbyeTimer = setTimeout(() => this.#stream.destroy(), serverLimits.goodbyeDeadlineMs).unref()
  }

  terminate(): void {
    this.#ended = true
    this.#stream.destroy()
  }

  queuedBytes(): number {
    return queuedOn(this.#stream)
  }
}
