// Server-sent events, server half: a response that stays open, one event a document, over HTTP/1.1 and HTTP/2 (WHATWG HTML §9.2).
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { hostOf } from '../before-router.server.ts'
import type { LeaveLink, MountContext, Query, ServerTransport } from '../contract.server.ts'
import type { Negotiated, Start } from '../contract.ts'
import { formatCursor } from '../cursor.ts'
import { Heartbeats } from '../hub/heartbeats.ts'
import { serverLimits } from '../limits.ts'
import { replacedByNewer } from '../link-end.ts'
import { ProblemError, problem } from '../problem.ts'
import {
  answerProblem,
  cursorOf,
  identityOf,
  negotiatedOf,
  problemFor,
  protocolHeader,
  queryOf,
  startOf,
} from '../request.server.ts'
import { SessionPulse } from '../session-pulse.server.ts'
import { roomProblem } from '../text.ts'
import { encodeDocument } from '../wire.ts'
import { encodeEvent } from './event-stream.ts'
import { type Care, EventSubscriber, type EventWire } from './subscriber.server.ts'

const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  // Nothing on the way may buffer or compress a stream (R1).
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

const streamPath = /^\/rooms\/([^/?#]*)\/stream(?:\?([^#]*))?$/

/** Only who asks for it by name: without an `Accept` a stream is JSON lines. */
function accepts(accept: string | undefined): boolean {
  return accept !== undefined && /(?:^|,) *text\/event-stream *(?:[;,]|$)/i.test(accept)
}

export const serverSentEventsServer: ServerTransport = {
  name: 'server-sent-events',
  mount(app, context) {
    const care: Care = {
      heartbeats: new Heartbeats<Buffer>(context.heartbeatMs, () =>
        Buffer.from(encodeEvent({ data: encodeDocument({ kind: 'heartbeat', time: Date.now() }) })),
      ),
      pulse: new SessionPulse(context.heartbeatMs),
    }
    const log = (error: unknown): void => app.log.error(error)
    app.addHook('onClose', () => care.heartbeats.stop())
    context.stream('stream', accepts, ({ stream, headers, room, query }) => {
      const tls = stream.session?.encrypted === true
      const negotiated: Negotiated = { protocol: 'h2', tls, subprotocol: null, extensions: [] }
      open({ context, care, wire: stream, headers, room, query, negotiated }, (fields) =>
        stream.respond({ ':status': 200, ...fields }),
      )
    })
    context.quick((request, response) => {
      if (request.httpVersionMajor !== 1 || request.method !== 'GET') return false
      const [, room, search = ''] = streamPath.exec(request.url ?? '') ?? []
      if (room === undefined || !accepts(request.headers.accept)) return false
      try {
        openOverHttp1(context, care, { request, response, room, query: queryOf(search) })
      } catch (error) {
        answerProblem(response, problemFor(error, log))
      }
      return true
    })
  },
}

interface Http1Request {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly room: string
  readonly query: Query
}

function openOverHttp1(context: MountContext, care: Care, asked: Http1Request): void {
  const { request, response, room, query } = asked
  const { headers } = request
  const refused = context.guard({ host: hostOf(headers), origin: headers.origin })
  if (refused !== null) throw new ProblemError(refused)
  const wrongRoom = roomProblem(room)
  if (wrongRoom !== null) throw new ProblemError(problem('bad-room', wrongRoom))
  const negotiated = negotiatedOf(request)
  open({ context, care, wire: response, headers, room, query, negotiated }, (fields) => {
    // An event that waits for the acknowledgement of the last one is late by 40 ms (R19).
    request.socket.setNoDelay(true)
    response.writeHead(200, fields)
  })
}

interface OpenParts {
  readonly context: MountContext
  readonly care: Care
  readonly wire: EventWire
  readonly headers: IncomingHttpHeaders
  readonly room: string
  readonly query: Query
  readonly negotiated: Negotiated
}

/** Throws a `ProblemError` while the answer can still be one; nothing is left of the link then. */
function open(parts: OpenParts, respond: (headers: Record<string, string>) => void): void {
  const { context, care, wire, headers, room, query, negotiated } = parts
  const { hub, heartbeatMs } = context
  const start = startIn(query, headers)
  const identity = identityOf(query, headers.origin)
  const subscriber = new EventSubscriber(wire)
  const subscription = hub.subscribe(room, start, subscriber)
  subscriber.subscription = subscription
  let leave: LeaveLink | null = null
  try {
    // Only now: a link without a place must not take over from one that has it.
    if (identity !== null) leave = hub.links.enter(identity, () => subscriber.close(replacedByNewer))
  } catch (error) {
    subscription.leave()
    throw error
  }
  subscriber.begin(leave, care)
  respond({ ...streamHeaders, 'parley-protocol': protocolHeader(negotiated) })
  const { start: cursor, head } = subscription
  const data = encodeDocument({
    kind: 'hello',
    transport: 'server-sent-events',
    negotiated,
    cursor,
    head,
    heartbeatMs,
  })
  // Readers that were cut together don't come back together: each has a wait of its own (R33).
  const retryMs = Math.random() * serverLimits.eventSourceRetryMs
  wire.write(Buffer.from(encodeEvent({ data, id: formatCursor(cursor), retryMs })))
}

/** Where a reader that reconnects by itself was: its address still says where it began. */
function startIn(query: Query, headers: IncomingHttpHeaders): Start {
  const lastEventId = headers['last-event-id']
  if (lastEventId === undefined || lastEventId === '') return startOf(query)
  // A header that came twice is a list; it is refused with its commas.
  return { after: cursorOf(String(lastEventId), 'Last-Event-ID') }
}
