// One reader that stops: a real session over a real client half, whose deliveries can be left untaken; or a poller that only asks.
import { once } from 'node:events'
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { systemClock } from '../../transports/clock.ts'
import type { ClientTransport, Delivery } from '../../transports/contract.ts'
import { type Cursor, formatCursor, parseCursor } from '../../transports/cursor.ts'
import type { Fetch } from '../../transports/http.client.ts'
import { Session } from '../../transports/session.ts'
import { benchLimits } from '../limits.ts'
import { clientOf, httpOf } from '../subjects.ts'
import type { OpenSlow, SlowReport } from './slow-orders.ts'
import { CountedSockets, countedFetch, trusting } from './sockets.ts'

export interface SlowReader {
  /** Where it stands, and all that went wrong. */
  report(): SlowReport
  stop(): void
  resume(): void
  close(): Promise<void>
}

/** Opens one; resolves when it has its place in the room. */
export function openSlowReader(order: OpenSlow): Promise<SlowReader> {
  return order.way === 'asks' ? AskingReader.open(order) : SessionReader.open(order)
}

/** Checks by itself what a session hands up. */
class History {
  offset = -1
  repeated = 0
  missing = 0
  gaps = 0
  readonly ends: Record<string, number> = {}

  take(offset: number): void {
    if (offset <= this.offset) this.repeated += 1
    else this.missing += offset - this.offset - 1
    this.offset = Math.max(this.offset, offset)
  }

  gap(cursor: Cursor): void {
    this.gaps += 1
    this.offset = cursor.offset
  }

  ended(cause: string): void {
    this.ends[cause] = (this.ends[cause] ?? 0) + 1
  }

  report(): SlowReport {
    const { offset, repeated, missing, gaps, ends } = this
    return { offset, repeated, missing, gaps, ends: { ...ends } }
  }
}

/** A transport whose deliveries wait at a gate, so that the link pushes back. */
class GatedTransport implements ClientTransport {
  readonly name: string
  readonly #inner: ClientTransport
  #gate: PromiseWithResolvers<void> | null = null

  constructor(inner: ClientTransport) {
    this.#inner = inner
    this.name = inner.name
  }

  shut(): void {
    this.#gate ??= Promise.withResolvers()
  }

  lift(): void {
    this.#gate?.resolve()
    this.#gate = null
  }

  missing(base: URL): readonly string[] {
    return this.#inner.missing(base)
  }

  open(request: Parameters<ClientTransport['open']>[0]): ReturnType<ClientTransport['open']> {
    const receive = (delivery: Delivery): void | Promise<void> =>
      this.#gate === null
        ? request.receive(delivery)
        : this.#gate.promise.then(() => request.receive(delivery))
    return this.#inner.open({ ...request, receive })
  }
}

class SessionReader implements SlowReader {
  readonly #history = new History()
  readonly #sockets = new CountedSockets()
  readonly #fetch: ReturnType<typeof countedFetch>
  readonly #transport: GatedTransport
  readonly #session: Session
  readonly #opened = Promise.withResolvers<void>()
  #trouble: object | null = null

  static async open(order: OpenSlow): Promise<SlowReader> {
    const reader = new SessionReader(order)
    reader.#session.start()
    await reader.#opened.promise
    return reader
  }

  constructor(order: OpenSlow) {
    this.#fetch = countedFetch(this.#sockets, httpOf(order.transport))
    this.#transport = new GatedTransport(clientFor(order, this.#sockets, this.#fetch.fetch))
    this.#session = new Session({
      base: new URL(order.followUrl),
      room: order.room,
      transports: [this.#transport],
      transport: this.#transport.name,
      last: 0,
      onEvent: (event) => {
        if (event.kind === 'messages') for (const { offset } of event.messages) this.#history.take(offset)
        else if (event.kind === 'gap') this.#history.gap(event.cursor)
        else if (event.kind === 'state') this.#changed(event.state)
      },
    })
  }

  report(): SlowReport {
    return this.#history.report()
  }

  stop(): void {
    this.#transport.shut()
  }

  resume(): void {
    this.#transport.lift()
  }

  async close(): Promise<void> {
    await this.#session.close()
    await this.#fetch.close()
    this.#sockets.destroy()
  }

  #changed({ phase, trouble, cursor }: Session['state']): void {
    if (phase === 'open' && cursor !== null) {
      if (this.#history.offset < 0) this.#history.offset = cursor.offset
      this.#opened.resolve()
    }
    if (trouble === null || trouble === this.#trouble) return
    this.#trouble = trouble
    this.#history.ended(trouble.cause)
    if (phase === 'closed') this.#opened.reject(new Error(trouble.detail))
  }
}

/** Over connections of this reader's own. */
function clientFor(
  { transport, intervalMs }: OpenSlow,
  sockets: CountedSockets,
  fetch: Fetch,
): ClientTransport {
  return clientOf(transport)({ fetch, sockets, intervalMs, clock: systemClock })
}

/** Asks for the same page again and again over HTTP/2, takes no answer, and answers pings: what a window of 0 does. */
class AskingReader implements SlowReader {
  readonly #order: OpenSlow
  readonly #history = new History()
  readonly #session: ClientHttp2Session
  readonly #asked = new Set<ClientHttp2Stream>()
  #cursor: Cursor
  #timer: NodeJS.Timeout | undefined
  #returned: ReturnedPoller | null = null

  static async open(order: OpenSlow): Promise<SlowReader> {
    const start = await headOf(order)
    // The window of all its streams: it takes no byte of any answer.
    const session = http2.connect(order.followUrl, { ...trusting, settings: { initialWindowSize: 0 } })
    await once(session, 'connect')
    return new AskingReader(order, session, start)
  }

  constructor(order: OpenSlow, session: ClientHttp2Session, start: Cursor) {
    this.#order = order
    this.#session = session
    this.#cursor = start
    this.#history.offset = start.offset
    session.on('error', () => session.destroy())
    session.on('close', () => this.#history.ended('connection ended'))
  }

  stop(): void {
    this.#timer = setInterval(() => this.#ask(), benchLimits.slow.askEveryMs)
  }

  /** Lets go of what it asked for, and reads as a poller does. */
  resume(): void {
    clearInterval(this.#timer)
    for (const stream of this.#asked) stream.close(http2.constants.NGHTTP2_CANCEL)
    this.#session.removeAllListeners('close').destroy()
    this.#returned = new ReturnedPoller(this.#order, this.#cursor, this.#history)
  }

  report(): SlowReport {
    return this.#history.report()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#session.removeAllListeners('close').destroy()
    await this.#returned?.close()
  }

  #ask(): void {
    if (this.#session.destroyed || this.#session.closed) return
    const after = formatCursor(this.#cursor)
    const stream = this.#session.request({ ':path': `/rooms/${this.#order.room}/messages?after=${after}` })
    this.#asked.add(stream)
    stream.on('response', (headers) => {
      if (headers[':status'] !== 200) this.#history.ended(`answered ${headers[':status']}`)
    })
    stream.on('error', () => stream.destroy())
    stream.on('close', () => {
      this.#asked.delete(stream)
      const { rstCode = 0 } = stream
      if (rstCode !== 0 && rstCode !== http2.constants.NGHTTP2_CANCEL) this.#history.ended(`reset ${rstCode}`)
    })
  }
}

/** A link of the real client half from a cursor on. */
class ReturnedPoller {
  readonly #sockets = new CountedSockets()
  readonly #fetch: ReturnType<typeof countedFetch>
  readonly #opening: Promise<{ close(): Promise<void> }>

  constructor(order: OpenSlow, after: Cursor, history: History) {
    const { followUrl, room } = order
    this.#fetch = countedFetch(this.#sockets, httpOf(order.transport))
    const transport = clientFor(order, this.#sockets, this.#fetch.fetch)
    this.#opening = transport.open({
      base: new URL(followUrl),
      room,
      session: crypto.randomUUID(),
      link: 1,
      start: { after },
      receive: (delivery) => {
        if (delivery.kind === 'messages') for (const { offset } of delivery.messages) history.take(offset)
        else history.gap(delivery.cursor)
      },
      closed: ({ cause }) => history.ended(cause),
      signal: new AbortController().signal,
    })
    this.#opening.catch((error: unknown) => history.ended(String(error)))
  }

  async close(): Promise<void> {
    await this.#opening.then((link) => link.close()).catch(() => undefined)
    await this.#fetch.close()
    this.#sockets.destroy()
  }
}

async function headOf({ followUrl, room }: OpenSlow): Promise<Cursor> {
  const session = http2.connect(followUrl, trusting)
  const stream = session.request({ ':path': `/rooms/${room}/messages?last=0` })
  let body = ''
  for await (const chunk of stream.setEncoding('utf8')) body += chunk
  session.close()
  const cursor = parseCursor((JSON.parse(body) as { readonly cursor: string }).cursor)
  if (cursor === null) throw new Error('A poll was answered without a cursor.')
  return cursor
}
