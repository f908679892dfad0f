// The opening handshake over HTTP/2 (RFC 8441): an extended CONNECT in place of GET and 101, for both roles.
import { UsageError } from './errors.ts'
import {
  badRequest,
  type ClientHandshake,
  choiceFault,
  field,
  type HandshakeRequest,
  type Offers,
  type Refusal,
  readOffers,
  refusal,
  requestFields,
} from './handshake.ts'
import { type Headers, isFieldValue, isToken } from './head.ts'

/** A CONNECT as an HTTP/2 server gives it, its pseudo-header fields among the others. */
export interface ConnectRequest {
  readonly headers: HandshakeRequest['headers']
  /** What the connection is: `https` over TLS. */
  readonly scheme: 'http' | 'https'
  /** The stream is over with its header fields (END_STREAM). */
  readonly ended: boolean
}

/**
 * Checks a client's opening handshake. There is no key and no proof of it: an HTTP/2 server that doesn't mean it can't be made
 * to look as if it did (RFC 8441 §5). What nobody may send over HTTP/2 at all, such as `Connection`, is left to the HTTP/2
 * layer (RFC 9113 §8.2.2).
 */
export function checkConnect(request: ConnectRequest): Offers | Refusal {
  const protocol = field(request, ':protocol')
  if (field(request, ':method') !== 'CONNECT' || protocol === '') {
    return notImplemented('this is no proxy: it opens no tunnels')
  }
  // RFC 9220 §3 says it of HTTP/3; RFC 8441 leaves it open.
  if (protocol !== 'websocket') return notImplemented('the one protocol that is spoken here is "websocket"')
  // RFC 8441 §4: both MUST be there, and §5: the scheme is that of http(s), not ws(s).
  if (field(request, ':scheme') !== request.scheme) return badRequest(`the :scheme is not ${request.scheme}`)
  if (!field(request, ':path').startsWith('/')) return badRequest('the :path is not a path')
  // RFC 8441 §4: it names the host, as in any request other than a plain CONNECT.
  if (!/^\S+$/.test(field(request, ':authority'))) return badRequest('the :authority is missing')
  if (!/^0?$/.test(field(request, 'content-length'))) return badRequest('a WebSocket opens without a body')
  // RFC 8441 §5: END_STREAM is TCP's FIN, and a peer that has said all has nothing to say in frames.
  if (request.ended) return badRequest('the stream has ended before it began')
  // RFC 6455 §4.4 names the version; a 426 needs the field Upgrade (RFC 9110 §15.5.22), which HTTP/2 doesn't have.
  if (field(request, 'sec-websocket-version') !== '13') {
    return refusal(400, 'Bad Request', 'the WebSocket version is 13', { 'sec-websocket-version': '13' })
  }
  return readOffers(request)
}

function notImplemented(detail: string): Refusal {
  return refusal(501, 'Not Implemented', detail)
}

/** The fields that open the connection (RFC 8441 §5): a 200, and no `Sec-WebSocket-Accept`. */
export function connectAnswer(
  offers: Offers,
  subprotocol: string | null,
  headers: Headers,
): Record<string, string | number> {
  // RFC 6455 §4.2.2: a subprotocol that wasn't offered fails the connection at the client.
  if (subprotocol !== null && !offers.offeredSubprotocols.includes(subprotocol)) {
    throw new UsageError(`the subprotocol ${subprotocol} was not offered`)
  }
  return {
    ':status': 200,
    ...(subprotocol === null ? {} : { 'sec-websocket-protocol': subprotocol }),
    ...headers,
  }
}

/**
 * The fields of a client's opening handshake (RFC 8441 §5).
 *
 * @throws UsageError for subprotocols or headers that can't be sent
 */
export function connectFields(
  handshake: Omit<ClientHandshake, 'key'>,
  scheme: 'http' | 'https',
): Record<string, string> {
  const fields = requestFields(handshake)
  for (const [name, value] of Object.entries(fields)) {
    if (!isToken(name) || !isFieldValue(value)) {
      throw new UsageError(`the header field ${name} can't be sent as given`)
    }
  }
  return {
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': scheme,
    ':authority': handshake.host,
    ':path': handshake.target,
    ...fields,
  }
}

/** What a server has answered. */
export interface ConnectResponse {
  readonly status: number
  readonly subprotocol: string | null
  /** As in `HandshakeResponse`. */
  readonly extensions: string
  /** Why this doesn't open a connection, or null if it does. */
  readonly fault: string | null
}

/** Checks a server's answer: any 2xx opens the tunnel (RFC 9113 §8.5), and what is chosen must have been offered. */
export function checkConnectResponse(
  status: number,
  headers: HandshakeRequest['headers'],
  offered: Pick<ClientHandshake, 'subprotocols' | 'extensions'>,
): ConnectResponse {
  const subprotocol = field({ headers }, 'sec-websocket-protocol') || null
  const extensions = field({ headers }, 'sec-websocket-extensions')
  const opens = status >= 200 && status < 300
  const fault = opens ? choiceFault(subprotocol, extensions, offered) : `the server answered ${status}`
  return { status, subprotocol, extensions, fault }
}
