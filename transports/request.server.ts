// What every server half asks of a request: where to start, who the link is, and how to answer with a problem.
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { LinkIdentity, Query } from './contract.server.ts'
import type { Negotiated, Start } from './contract.ts'
import { parseCursor } from './cursor.ts'
import { wireLimits } from './limits.ts'
import { type Problem, ProblemError, problem } from './problem.ts'

/** Session ids: 22 to 64 URL-safe characters, which hold at least 122 random bits when made as asked (R24). */
const sessionPattern = /^[A-Za-z0-9_-]{22,64}$/

/** One value of a query. Throws `bad-request` when it is there twice. */
export function one(query: Query, name: string): string | undefined {
  const value = query[name]
  if (Array.isArray(value))
    throw new ProblemError(problem('bad-request', `"${name}" is given more than once.`))
  return value
}

/** A whole number from a query, within bounds. Throws `bad-request`. */
export function wholeNumber(
  query: Query,
  name: string,
  minimum: number,
  maximum: number,
): number | undefined {
  const value = one(query, name)
  if (value === undefined) return undefined
  const number = /^[0-9]{1,9}$/.test(value) ? Number(value) : Number.NaN
  if (number >= minimum && number <= maximum) return number
  throw new ProblemError(
    problem('bad-request', `"${name}" must be a whole number from ${minimum} to ${maximum}.`),
  )
}

/** `after=CURSOR` or `last=N`; without either the newest messages, `wireLimits.pageMessagesDefault` at most. */
export function startOf(query: Query): Start {
  const after = one(query, 'after')
  const last = wholeNumber(query, 'last', 0, wireLimits.pageMessages)
  if (after !== undefined && last !== undefined) {
    throw new ProblemError(problem('bad-request', '"after" and "last" exclude each other.'))
  }
  if (after === undefined) return { last: last ?? wireLimits.pageMessagesDefault }
  return { after: cursorOf(after, 'after') }
}

/** A cursor from a query. Throws `bad-cursor`. */
export function cursorOf(token: string, name: string) {
  const cursor = parseCursor(token)
  if (cursor === null)
    throw new ProblemError(problem('bad-cursor', `"${name}" is no cursor that this lab gave out.`))
  return cursor
}

/** `session=` and `link=`, or null when the request takes no part in hand-overs. Throws `bad-request` for half of it. */
export function identityOf(query: Query, origin: string | undefined): LinkIdentity | null {
  const session = one(query, 'session')
  const link = wholeNumber(query, 'link', 1, 999_999_999)
  if (session === undefined && link === undefined) return null
  if (session === undefined || link === undefined || !sessionPattern.test(session)) {
    const detail =
      '"session" (22 to 64 letters, digits, "_" or "-") and "link" (a number from 1) come together.'
    throw new ProblemError(problem('bad-request', detail))
  }
  return { session, link, origin: origin ?? null }
}

/** What was really negotiated for this request (R11). */
export function negotiatedOf(request: {
  readonly httpVersionMajor: number
  readonly socket: object
}): Negotiated {
  const socket = request.socket as { encrypted?: boolean }
  return {
    protocol: request.httpVersionMajor === 2 ? 'h2' : 'http/1.1',
    tls: socket.encrypted === true,
    subprotocol: null,
    extensions: [],
  }
}

/** The value of `Parley-Protocol` on answers to polls: the protocol, and whether it came over TLS. */
export function protocolHeader(negotiated: Negotiated): string {
  return `${negotiated.protocol}${negotiated.tls ? '; tls' : ''}`
}

/** Whether a response can't be written any more, so that no `close` will come of it: one over HTTP/2 says so of its stream alone. */
export function isGone(response: ServerResponse): boolean {
  const { stream } = response as { readonly stream?: { readonly destroyed: boolean } }
  return stream?.destroyed ?? response.destroyed
}

/** Answers with problem details (RFC 9457), and `Retry-After` where there is a time to wait. */
export function sendProblem(reply: FastifyReply, value: Problem): FastifyReply {
  if (value.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(value.retryAfterMs / 1000))
  return reply
    .code(value.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .send(JSON.stringify(value))
}

/** The same for a response that no framework has wrapped. One that has begun, or whose peer is gone, is left alone. */
export function answerProblem(response: ServerResponse, value: Problem): void {
  if (response.headersSent || isGone(response)) return
  const body = JSON.stringify(value)
  const headers: OutgoingHttpHeaders = {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  }
  if (value.retryAfterMs !== undefined) headers['retry-after'] = String(Math.ceil(value.retryAfterMs / 1000))
  response.writeHead(value.status, headers)
  response.end(body)
}

/** The problem that stands for whatever was thrown. What nobody foresaw is told to `log`, and the client learns no details. */
export function problemFor(error: unknown, log: (error: unknown) => void): Problem {
  if (error instanceof ProblemError) return error.problem
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message?: string }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return problem('unsupported-media-type', 'Send it as application/json.')
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return problem('too-large', 'The body is longer than a message can be.')
  if (statusCode === 429) return problem('too-many-requests', message ?? 'Wait a moment.')
  if (statusCode === 503)
    return problem('overloaded', message ?? 'Try again in a moment.', { retryAfterMs: 1000 })
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return problem('bad-request', message ?? 'The request cannot be understood.')
  }
  log(error)
  return problem('internal', 'The server failed on this request. It goes on serving others.')
}

/** The parameters of a search part, as Fastify parses them. */
export function queryOf(search: string): Query {
  const query: Record<string, string | string[]> = {}
  const parameters = new URLSearchParams(search)
  for (const name of new Set(parameters.keys())) {
    const values = parameters.getAll(name)
    query[name] = values.length === 1 ? (values[0] ?? '') : values
  }
  return query
}
