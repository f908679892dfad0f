// Errors as the wire says them: problem details (RFC 9457) with a stable `type`.

/** Every type that Parley answers with, and its HTTP status and title. `docs/protocol.md` describes each. */
export const problems = {
  'bad-request': { status: 400, title: 'The request cannot be understood' },
  'bad-room': { status: 400, title: 'This is no name of a room' },
  'bad-cursor': { status: 400, title: 'This is no cursor' },
  'bad-draft': { status: 400, title: 'This is no draft' },
  'forbidden-origin': { status: 403, title: 'This page may not talk to this lab' },
  'forbidden-host': { status: 403, title: 'This lab does not answer to that name' },
  'forbidden-session': { status: 403, title: 'This session belongs to another origin' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'method-not-allowed': { status: 405, title: 'This address has no such method' },
  'not-acceptable': { status: 406, title: 'The stream has no such format' },
  'draft-conflict': { status: 409, title: 'This id stands for another message' },
  replaced: { status: 409, title: 'A newer link of this session took over' },
  'too-large': { status: 413, title: 'The message is too large' },
  'unsupported-media-type': { status: 415, title: 'A draft is sent as application/json' },
  'upgrade-required': { status: 426, title: 'This address speaks WebSocket only' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'The server failed' },
  'not-implemented': { status: 501, title: 'The server does no such thing' },
  'http-version': { status: 505, title: 'This stream is served over HTTP/2 only' },
  overloaded: { status: 503, title: 'The server has too much to do' },
  draining: { status: 503, title: 'The server is going away' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemName = keyof typeof problems

/** Prefix of every `type`: a relative reference, resolved against the lab's own address. */
export const problemTypePrefix = '/problems/'

/** Problem details (RFC 9457 §3.1). */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  /** The draft that it is about, on a WebSocket. */
  readonly id?: string
  /** Milliseconds to wait before another try. Over HTTP `Retry-After` says the same in seconds, rounded up. */
  readonly retryAfterMs?: number
}

/** Makes the document of a problem. */
export function problem(
  name: ProblemName,
  detail: string,
  extra: { readonly id?: string; readonly retryAfterMs?: number } = {},
): Problem {
  return { type: `${problemTypePrefix}${name}`, ...problems[name], detail, ...extra }
}

/** The stable name in a problem's `type`, or null for one of somebody else's. */
export function problemName(value: Problem): ProblemName | null {
  const name = value.type.slice(problemTypePrefix.length)
  return value.type.startsWith(problemTypePrefix) && Object.hasOwn(problems, name)
    ? (name as ProblemName)
    : null
}

/** Thrown by the hub and its callers on the server: carries the problem to answer with. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly problem: Problem

  constructor(value: Problem) {
    super(value.detail)
    this.problem = value
  }
}
