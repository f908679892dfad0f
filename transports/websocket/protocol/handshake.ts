// The opening handshake (RFC 6455 §4) of both roles: what a server checks and answers, what a client asks and checks.
import { ProtocolError, UsageError } from './errors.ts'
import { type Extension, parseExtensions } from './extensions.ts'
import { type Headers, isFieldValue, isToken, listElements, parseHead } from './head.ts'

/** SHA-1 of an ASCII text, in base64. */
export type Sha1Base64 = (text: string) => string

/** A request as any HTTP server gives it. Header names are in lower case. */
export interface HandshakeRequest {
  readonly method: string
  /** `1.1`. */
  readonly httpVersion: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** A request read from raw bytes. */
export interface RawRequest extends HandshakeRequest {
  /** The request target: a path with its query, as it was sent. */
  readonly target: string
  readonly headers: Headers
}

/** An answer instead of 101. */
export interface Refusal {
  readonly status: number
  readonly statusText: string
  readonly headers: Headers
  /** For the reader of the response, one line. */
  readonly detail: string
}

/** What a client leaves to the server's choice. */
export interface Offers {
  /** In the client's order of preference; empty when it offered none. */
  readonly offeredSubprotocols: readonly string[]
  /** In the client's order of preference, alternatives included; empty when it offered none. */
  readonly offeredExtensions: readonly Extension[]
}

/** A handshake that is fine so far: what is left is to choose a subprotocol among those offered. */
export interface AcceptableHandshake extends Offers {
  readonly key: string
}

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
/** 16 bytes in base64: 22 characters and the padding (RFC 6455 §4.1). */
const keyPattern = /^[A-Za-z0-9+/]{22}==$/
/** A client's own fields must not contradict the handshake. */
const ownedByHandshake = new Set([
  'host',
  'upgrade',
  'connection',
  'content-length',
  'transfer-encoding',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
])
const requestLine = /^([A-Z]{1,20}) ([\x21-\x7e]+) HTTP\/(\d\.\d)$/
const statusLine = /^HTTP\/1\.1 (\d{3})(?: |$)/

/** The value that proves that a server has read a key (RFC 6455 §4.2.2, step 5.4). */
export function acceptValue(key: string, sha1Base64: Sha1Base64): string {
  return sha1Base64(key + guid)
}

/** Reads a request's head, which ends with its empty line. */
export function parseRequest(head: Uint8Array): RawRequest | Refusal {
  const parsed = parseHead(head)
  if (typeof parsed === 'string') return badRequest(parsed)
  const match = requestLine.exec(parsed.startLine)
  const [, method, target, httpVersion] = match ?? []
  if (method === undefined || target === undefined || httpVersion === undefined) {
    return badRequest('the request line is malformed')
  }
  if (!target.startsWith('/')) return badRequest('the request target is not a path')
  return { method, target, httpVersion, headers: parsed.headers }
}

/** Checks a client's opening handshake (RFC 6455 §4.2.1). */
export function checkRequest(request: HandshakeRequest): AcceptableHandshake | Refusal {
  if (request.method !== 'GET') {
    return refusal(405, 'Method Not Allowed', 'a WebSocket opens with GET', { allow: 'GET' })
  }
  if (request.httpVersion !== '1.1') return badRequest('a WebSocket needs HTTP/1.1')
  // RFC 9112 §3.2: there MUST be one Host field, no more. Two are joined with a space between.
  if (!/^\S+$/.test(field(request, 'host'))) return badRequest('the Host header is missing or not one host')
  if (!/^0?$/.test(field(request, 'content-length')) || field(request, 'transfer-encoding') !== '') {
    return badRequest('a WebSocket opens without a body')
  }
  if (!hasElement(field(request, 'upgrade'), 'websocket')) {
    return refusal(426, 'Upgrade Required', 'this is a WebSocket', { upgrade: 'websocket' })
  }
  if (!hasElement(field(request, 'connection'), 'upgrade')) {
    return badRequest('the Connection header does not say Upgrade')
  }
  // RFC 6455 §4.4: name the version that is spoken here.
  if (field(request, 'sec-websocket-version') !== '13') {
    return refusal(426, 'Upgrade Required', 'the WebSocket version is 13', { 'sec-websocket-version': '13' })
  }
  const key = field(request, 'sec-websocket-key')
  if (!keyPattern.test(key)) return badRequest('Sec-WebSocket-Key is not 16 bytes in base64')
  const offers = readOffers(request)
  return isRefusal(offers) ? offers : { key, ...offers }
}

/** Reads what a client offers, in an upgrade as in an extended CONNECT. */
export function readOffers(request: Pick<HandshakeRequest, 'headers'>): Offers | Refusal {
  const offeredSubprotocols = listElements(field(request, 'sec-websocket-protocol'))
  const distinct = new Set(offeredSubprotocols)
  // RFC 6455 §4.1, item 10: tokens that MUST all be different.
  if (distinct.size !== offeredSubprotocols.length || !offeredSubprotocols.every(isToken)) {
    return badRequest('Sec-WebSocket-Protocol is malformed')
  }
  const offeredExtensions = parseExtensions(field(request, 'sec-websocket-extensions'))
  // RFC 6455 §9.1: what breaks the grammar MUST fail; what is merely unknown is declined.
  if (offeredExtensions === null) return badRequest('Sec-WebSocket-Extensions is malformed')
  return { offeredSubprotocols, offeredExtensions }
}

/** The first of the offered subprotocols, in the client's order, that is supported; null if there is none. */
export function chooseSubprotocol(
  offered: readonly string[],
  supported: readonly string[] | 'any',
): string | null {
  return offered.find((name) => supported === 'any' || supported.includes(name)) ?? null
}

/** The response that opens the connection (RFC 6455 §4.2.2), as text for the wire. */
export function acceptResponse(
  handshake: AcceptableHandshake,
  subprotocol: string | null,
  headers: Headers,
  sha1Base64: Sha1Base64,
): string {
  // RFC 6455 §4.2.2: a subprotocol that wasn't offered fails the connection at the client.
  if (subprotocol !== null && !handshake.offeredSubprotocols.includes(subprotocol)) {
    throw new UsageError(`the subprotocol ${subprotocol} was not offered`)
  }
  return headText('HTTP/1.1 101 Switching Protocols', {
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-accept': acceptValue(handshake.key, sha1Base64),
    ...(subprotocol === null ? {} : { 'sec-websocket-protocol': subprotocol }),
    ...headers,
  })
}

/** The response of a refusal, as text for the wire; the connection ends with it. */
export function refusalResponse(refused: Refusal): string {
  const body = `${refused.detail}\n`
  const head = headText(`HTTP/1.1 ${refused.status} ${refused.statusText}`, {
    connection: 'close',
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(new TextEncoder().encode(body).length),
    ...refused.headers,
  })
  return head + body
}

/** A refusal, for checks of one's own. */
export function refusal(status: number, statusText: string, detail: string, headers: Headers = {}): Refusal {
  return { status, statusText, headers, detail }
}

/** Tells a refusal from what it stands in for. */
export function isRefusal(value: object): value is Refusal {
  return 'statusText' in value
}

/** What a client asks for. */
export interface ClientHandshake {
  /** With the port, if it isn't the scheme's own. */
  readonly host: string
  /** Path and query. */
  readonly target: string
  /** 16 random bytes in base64, new for each connection. */
  readonly key: string
  readonly subprotocols: readonly string[]
  /** The value of Sec-WebSocket-Extensions; '' or nothing to offer none. */
  readonly extensions?: string
  readonly headers: Headers
}

/**
 * A client's opening handshake (RFC 6455 §4.1), as text for the wire.
 *
 * @throws UsageError for subprotocols or headers that can't be sent
 */
export function requestText(handshake: ClientHandshake): string {
  const { host, target, key } = handshake
  const fields = requestFields(handshake)
  return headText(`GET ${target} HTTP/1.1`, {
    host,
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-key': key,
    ...fields,
  })
}

/** The fields of a client's opening handshake that mean the same over HTTP/1.1 and over HTTP/2. Throws as `requestText`. */
export function requestFields(handshake: Omit<ClientHandshake, 'key'>): Record<string, string> {
  const { target, subprotocols, extensions = '', headers } = handshake
  if (!subprotocols.every(isToken) || new Set(subprotocols).size !== subprotocols.length) {
    throw new UsageError('subprotocols must be different tokens')
  }
  for (const name of Object.keys(headers)) {
    if (name !== name.toLowerCase()) throw new UsageError(`header names are given in lower case: ${name}`)
    if (ownedByHandshake.has(name)) throw new UsageError(`the header field ${name} belongs to the handshake`)
  }
  if (!/^[\x21-\x7e]+$/.test(target))
    throw new UsageError('the request target has characters that it must not')
  return {
    'sec-websocket-version': '13',
    ...(subprotocols.length === 0 ? {} : { 'sec-websocket-protocol': subprotocols.join(', ') }),
    ...(extensions === '' ? {} : { 'sec-websocket-extensions': extensions }),
    ...headers,
  }
}

/** What a server has answered. */
export interface HandshakeResponse {
  readonly status: number
  readonly headers: Headers
  readonly subprotocol: string | null
  /** The value of its Sec-WebSocket-Extensions, '' without one; if any were offered, whether it is right is left to them. */
  readonly extensions: string
  /** Why this doesn't open a connection (RFC 6455 §4.1), or null if it does. */
  readonly fault: string | null
}

/**
 * Reads and checks a server's answer, whose head ends with its empty line.
 *
 * @throws ProtocolError when it isn't HTTP/1.1 at all
 */
export function checkResponse(
  head: Uint8Array,
  handshake: ClientHandshake,
  sha1Base64: Sha1Base64,
): HandshakeResponse {
  const parsed = parseHead(head)
  if (typeof parsed === 'string') throw new ProtocolError(1002, `the response is malformed: ${parsed}`)
  const status = Number(statusLine.exec(parsed.startLine)?.[1] ?? 0)
  if (status === 0) throw new ProtocolError(1002, 'the response is not HTTP/1.1')
  const { headers } = parsed
  const subprotocol = headers['sec-websocket-protocol'] ?? null
  const extensions = headers['sec-websocket-extensions'] ?? ''
  const accepted = acceptValue(handshake.key, sha1Base64)
  return { status, headers, subprotocol, extensions, fault: responseFault() }

  function responseFault(): string | null {
    // RFC 6455 §4.1, the client's six checks in their order.
    if (status !== 101) return `the server answered ${status}`
    if ((headers.upgrade ?? '').toLowerCase() !== 'websocket')
      return 'the Upgrade header is missing or different'
    if (!hasElement(headers.connection ?? '', 'upgrade')) return 'the Connection header does not say Upgrade'
    if (headers['sec-websocket-accept'] !== accepted) return 'Sec-WebSocket-Accept is missing or wrong'
    return choiceFault(subprotocol, extensions, handshake)
  }
}

/** What is wrong with a server's choice among a client's offers (RFC 6455 §4.1, the last two of its checks); null: nothing. */
export function choiceFault(
  subprotocol: string | null,
  extensions: string,
  offered: Pick<ClientHandshake, 'subprotocols' | 'extensions'>,
): string | null {
  if (extensions !== '' && (offered.extensions ?? '') === '') {
    return 'the server uses an extension that was not offered'
  }
  if (subprotocol !== null && !offered.subprotocols.includes(subprotocol)) {
    return `the server chose the subprotocol ${subprotocol}, which was not offered`
  }
  return null
}

export function badRequest(detail: string): Refusal {
  return refusal(400, 'Bad Request', detail)
}

/** A header's value, '' if it is missing. A list counts as one value, joined. */
export function field(request: Pick<HandshakeRequest, 'headers'>, name: string): string {
  const value = request.headers[name]
  return typeof value === 'string' ? value : (value?.join(', ') ?? '')
}

function hasElement(list: string, element: string): boolean {
  return listElements(list.toLowerCase()).includes(element)
}

function headText(startLine: string, headers: Headers): string {
  const lines = [startLine]
  for (const [name, value] of Object.entries(headers)) {
    if (!isToken(name) || !isFieldValue(value))
      throw new UsageError(`the header field ${name} can't be sent as given`)
    lines.push(`${titleCase(name)}: ${value}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** Field names have no case, but some peers compare them with the RFC's spelling. */
function titleCase(name: string): string {
  return name
    .split('-')
    .map((part) => (part === 'websocket' ? 'WebSocket' : part.charAt(0).toUpperCase() + part.slice(1)))
    .join('-')
}
