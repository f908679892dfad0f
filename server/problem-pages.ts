// What each type of problem means, for whoever opens its address.
import { type ProblemName, problems } from '../transports/problem.ts'

const meanings: Record<ProblemName, string> = {
  'bad-request':
    'The server could not make sense of the address, the query or the body. Sending the same again will not help.',
  'bad-room': 'A room is named with 1 to 64 letters, digits, "_" or "-".',
  'bad-cursor':
    'A cursor is a token that this lab gave out earlier. Carry it as it is, and do not look into it.',
  'bad-draft':
    'A draft is {"id", "user", "text"}: a UUID of version 7, a name, and a text that is not blank.',
  'forbidden-origin':
    'The page that sent this belongs to another site. Start the lab with --origin to let it in.',
  'forbidden-host':
    'The request asked for a name that this lab does not go by. Start it with --origin for other names.',
  'forbidden-session': 'The session was opened by a page of another origin, and only that one may use it.',
  'not-found': 'No route has this address. GET /transports says what is served.',
  'method-not-allowed': 'The address is right and the method is not. Allow names those that it has.',
  'not-acceptable': 'The stream cannot be written in any of the formats that the request accepts.',
  'draft-conflict':
    'The id of a draft names it for ever. This one was used before, with another name or text.',
  replaced: 'The session has opened a newer link, which has taken over from this one.',
  'too-large': 'The message or its request is longer than the limits in GET /transports.',
  'unsupported-media-type': 'Send drafts with "Content-Type: application/json".',
  'upgrade-required': 'This address is for WebSocket. Open it with an upgrade (RFC 6455).',
  'too-many-requests': 'Wait as long as Retry-After says, then go on more slowly.',
  internal: 'Something failed that should not. The server has written down what; it goes on serving others.',
  'not-implemented': 'CONNECT opens WebSockets here (RFC 8441), and nothing else: the lab is no proxy.',
  'http-version': 'Open this stream over HTTP/2, on the TLS port that GET /transports names.',
  overloaded: 'The server is at one of its limits. Nothing was stored; try again after Retry-After.',
  draining: 'The server is about to stop, and will be back soon. Connect again after Retry-After.',
}

/** The explanation of one type, as text; null when there is no such type. */
export function problemPage(name: string): string | null {
  if (!Object.hasOwn(problems, name)) return null
  const { status, title } = problems[name as ProblemName]
  return `${title} (${status})\n\n${meanings[name as ProblemName]}\n`
}
