// Polling, server half: read what is new, send a message, and answer 304 without touching the log when nothing is new.
import { once } from 'node:events'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { MountContext, Query, ServerTransport } from '../contract.server.ts'
import type { Gap, Reset } from '../contract.ts'
import { formatCursor } from '../cursor.ts'
import { asDraft, draftProblem } from '../draft.ts'
import type { Batch, WireForm } from '../hub/batch.ts'
import { wireLimits } from '../limits.ts'
import type { Draft } from '../message.ts'
import { ProblemError, problem } from '../problem.ts'
import {
  cursorOf,
  identityOf,
  negotiatedOf,
  one,
  protocolHeader,
  startOf,
  wholeNumber,
} from '../request.server.ts'
import { encodeDocument } from '../wire.ts'
import { isUnchanged, sendUnchanged, unchangedAnswer } from './unchanged.server.ts'
import { type Place, UnreadAnswers } from './unread.server.ts'

/** A delivery without its closing brace: the answer to a poll adds the head, which changes while the batch does not. */
const openDocument: WireForm<string> = { encode: (batch) => batch.document.slice(0, -1) }

/** Up to here an answer goes out in one piece with its head, which is quicker, and takes little where it waits. */
const longestStringBody = 4096

/** What answering a poll takes. */
interface Polling extends MountContext {
  readonly unread: UnreadAnswers
}

type ReadRequest = FastifyRequest<{ Params: { room: string }; Querystring: Query }>

export const pollingServer: ServerTransport = {
  name: 'polling',
  mount(app, context) {
    const unread = new UnreadAnswers()
    context.hub.alsoHolds(() => unread.queued())
    app.addHook('onClose', () => unread.stop())
    const polling: Polling = { ...context, unread }
    app.get<{ Params: { room: string }; Querystring: Query }>(
      '/rooms/:room/messages',
      { exposeHeadRoute: false },
      (request, reply) => read(polling, request, reply),
    )
    mountSend(app, context)
    context.quick(unchangedAnswer(context))
  },
}

function read(
  context: Polling,
  request: ReadRequest,
  reply: FastifyReply,
): FastifyReply | Promise<FastifyReply> {
  const { hub } = context
  hub.assertServing()
  const { room } = request.params
  const { query, headers } = request
  const identity = identityOf(query, headers.origin)
  if (identity !== null) hub.links.touch(identity)
  const head = hub.head(room)
  const after = one(query, 'after')
  const tag = headers['if-none-match']
  if (tag !== undefined && after !== undefined && isUnchanged(tag, after, head)) {
    sendUnchanged(request.raw, reply.raw, tag)
    return reply.hijack()
  }
  // A response that waits behind another on its connection has no socket yet (HTTP/1.1 pipelining).
  if (request.raw.httpVersionMajor === 1 && reply.raw.socket === null) {
    return once(reply.raw, 'socket').then(() => inTurn(context, room, request, reply))
  }
  return inTurn(context, room, request, reply)
}

/**
 * Answers when enough of those before it on its connection are taken: a client that asks a thousand times and reads nothing
 * costs a few pages, not a thousand (R38).
 */
function inTurn(
  context: Polling,
  room: string,
  request: ReadRequest,
  reply: FastifyReply,
): FastifyReply | Promise<FastifyReply> {
  const place = context.unread.admit(request, reply)
  if (place === null) return reply.hijack()
  return place.turn === null
    ? page(context, room, request, reply, place)
    : place.turn.then(() => page(context, room, request, reply, place))
}

function page(
  context: Polling,
  room: string,
  request: ReadRequest,
  reply: FastifyReply,
  place: Place,
): FastifyReply | Promise<FastifyReply> {
  const found = range(context, room, request.query)
  return found instanceof Promise
    ? found.then((event) => answer(context, room, request, reply, event, place))
    : answer(context, room, request, reply, found, place)
}

function range(context: MountContext, room: string, query: Query) {
  const limit = wholeNumber(query, 'limit', 1, wireLimits.pageMessages)
  const messages = limit === undefined ? {} : { messages: limit }
  const before = one(query, 'before')
  if (before !== undefined) {
    if (one(query, 'after') !== undefined || one(query, 'last') !== undefined) {
      throw new ProblemError(problem('bad-request', '"before", "after" and "last" exclude each other.'))
    }
    return context.hub.read(
      room,
      { before: cursorOf(before, 'before') },
      { messages: limit ?? wireLimits.pageMessagesDefault },
    )
  }
  const start = startOf(query)
  return context.hub.read(room, start, messages)
}

function answer(
  context: Polling,
  room: string,
  request: FastifyRequest,
  reply: FastifyReply,
  event: Batch | Gap | Reset,
  place: Place,
): FastifyReply {
  const head = context.hub.head(room)
  const body =
    event.kind === 'messages'
      ? `${event.as(openDocument)},"head":"${formatCursor(head)}"}`
      : encodeDocument({ ...event, head })
  // A string in UTF-8 that can't be written at once takes three times its length in Node: as bytes it takes one (R38).
  const long = body.length > longestStringBody ? Buffer.from(body) : body
  place.made(Buffer.byteLength(long))
  return reply
    .header('etag', `"${formatCursor(event.cursor)}"`)
    .header('cache-control', 'no-store')
    .header('parley-protocol', spoken(request))
    .type('application/json; charset=utf-8')
    .send(long)
}

function spoken(request: FastifyRequest): string {
  return protocolHeader(negotiatedOf(request.raw))
}

/** `POST /rooms/:room/messages`, which every transport without an up-link of its own uses. */
function mountSend(app: FastifyInstance, { hub }: MountContext): void {
  app.post<{ Params: { room: string }; Body: unknown }>(
    '/rooms/:room/messages',
    { bodyLimit: wireLimits.draftBytes },
    async (request, reply) => {
      const detail = draftProblem(request.body)
      if (detail !== null) throw new ProblemError(problem('bad-draft', detail))
      const { message, created } = await hub.publish(request.params.room, asDraft(request.body as Draft))
      return reply
        .code(created ? 201 : 200)
        .header('cache-control', 'no-store')
        .header('parley-protocol', spoken(request))
        .type('application/json; charset=utf-8')
        .send(JSON.stringify(message))
    },
  )
}
