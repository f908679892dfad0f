// Handshakes for the fuzzer: the heads that peers send, one thing changed whose verdict is known, or bytes spoilt at random.
import { acceptValue, type Sha1Base64 } from '../protocol/handshake.ts'
import { mutateBytes } from './bytes.ts'
import { makeOffers } from './offers.ts'
import type { Random } from './random.ts'

/** The handshake that all responses answer. */
export const fuzzHandshake = {
  host: '127.0.0.1:9001',
  target: '/fuzz?a=1',
  key: 'dGhlIHNhbXBsZSBub25jZQ==',
  subprotocols: ['json', 'other'],
  headers: {},
} as const

export interface MadeHead {
  readonly bytes: Uint8Array
  /** What the verdict must begin with; null where nobody knows beforehand. */
  readonly expected: string | null
}

interface Lines {
  start: string
  /** `Name: value`, without line ends. */
  fields: string[]
}

interface Change {
  /** The verdict's beginning: a status, `101` among them. */
  readonly expected: string
  readonly apply: (head: Lines, random: Random) => void
}

const set =
  (name: string, line: string | null) =>
  (head: Lines): void => {
    head.fields = head.fields.flatMap((field) =>
      !field.startsWith(`${name}:`) ? [field] : line === null ? [] : [line],
    )
  }
const add =
  (...lines: string[]) =>
  (head: Lines): void => {
    head.fields.push(...lines)
  }
const start =
  (line: string) =>
  (head: Lines): void => {
    head.start = line
  }

/** RFC 6455 §4.2.1 and §4.4, RFC 9112 §3 and §5, one by one. */
const requestChanges: readonly Change[] = [
  { expected: '405', apply: start('POST /fuzz HTTP/1.1') },
  { expected: '400', apply: start('GET /fuzz HTTP/1.0') },
  { expected: '400', apply: start('GET /fuzz HTTP/2.0') },
  { expected: '400', apply: start('GET fuzz HTTP/1.1') },
  { expected: '400', apply: start('GET http://127.0.0.1/fuzz HTTP/1.1') },
  { expected: '400', apply: start('GET /fu zz HTTP/1.1') },
  { expected: '400', apply: start('GET /fuzz') },
  { expected: '400', apply: start('') },
  { expected: '400', apply: set('Host', null) },
  { expected: '426', apply: set('Upgrade', null) },
  { expected: '426', apply: set('Upgrade', 'Upgrade: websockets') },
  { expected: '101', apply: set('Upgrade', 'UPGRADE: h2c, WebSocket') },
  { expected: '400', apply: set('Connection', null) },
  { expected: '400', apply: set('Connection', 'Connection: keep-alive') },
  { expected: '101', apply: set('Connection', 'connection:keep-alive , uPGRADE\t ') },
  { expected: '426', apply: set('Sec-WebSocket-Version', null) },
  { expected: '426', apply: set('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 8') },
  { expected: '426', apply: set('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 013') },
  { expected: '400', apply: set('Sec-WebSocket-Key', null) },
  { expected: '400', apply: set('Sec-WebSocket-Key', 'Sec-WebSocket-Key: c2hvcnQ=') },
  { expected: '400', apply: set('Sec-WebSocket-Key', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWFhYWFh') },
  { expected: '400', apply: add(`Sec-WebSocket-Key: ${fuzzHandshake.key}`) },
  { expected: '400', apply: add('Sec-WebSocket-Protocol: json, json') },
  { expected: '400', apply: add('Sec-WebSocket-Protocol: a b') },
  { expected: '101', apply: add('Sec-WebSocket-Protocol: json', 'Sec-WebSocket-Protocol: other') },
  { expected: '400', apply: add('Content-Length: 5') },
  { expected: '400', apply: add('Content-Length: +5') },
  { expected: '400', apply: add('Content-Length: 0, 5') },
  { expected: '101', apply: add('Content-Length: 0') },
  { expected: '400', apply: add('Host: another.example') },
  { expected: '400', apply: set('Host', 'Host: ') },
  { expected: '400', apply: add('Transfer-Encoding: chunked') },
  { expected: '400', apply: add(' folded: line') },
  { expected: '400', apply: add('Name : value') },
  { expected: '400', apply: add('no colon') },
  { expected: '400', apply: add(': no name') },
  { expected: '400', apply: add('X-Null: a\0b') },
  { expected: '400', apply: add('X-Line: a\nb') },
  { expected: '400', apply: add('X-Return: a\rb') },
  { expected: '400', apply: add(...Array.from({ length: 120 }, () => 'A: b')) },
  { expected: 'too large', apply: add(`X-Long: ${'x'.repeat(3000)}`) },
  { expected: '101', apply: add('X-Obscure: \x80\xff', 'X-Empty:') },
  { expected: '101', apply: (head, random) => head.fields.sort(() => random.below(3) - 1) },
]

/** RFC 6455 §4.1, the client's checks of the answer. */
const responseChanges: readonly Change[] = [
  { expected: 'refused 200', apply: start('HTTP/1.1 200 OK') },
  { expected: 'refused 302', apply: start('HTTP/1.1 302 Found') },
  { expected: 'refused 401', apply: start('HTTP/1.1 401') },
  { expected: 'error', apply: start('HTTP/1.0 101 Switching Protocols') },
  { expected: 'error', apply: start('HTTP/1.1 1010 Switching Protocols') },
  { expected: 'error', apply: start('ICY 101 OK') },
  { expected: 'error', apply: start('') },
  { expected: 'refused 101', apply: set('Upgrade', null) },
  { expected: 'refused 101', apply: set('Upgrade', 'Upgrade: h2c') },
  { expected: '101', apply: set('Upgrade', 'upgrade: WEBSOCKET') },
  { expected: 'refused 101', apply: set('Connection', null) },
  { expected: 'refused 101', apply: set('Connection', 'Connection: close') },
  { expected: 'refused 101', apply: set('Sec-WebSocket-Accept', null) },
  {
    expected: 'refused 101',
    apply: set('Sec-WebSocket-Accept', 'Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA='),
  },
  { expected: 'refused 101', apply: add('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=') },
  { expected: 'refused 101', apply: add('Sec-WebSocket-Extensions: permessage-deflate') },
  { expected: 'refused 101', apply: add('Sec-WebSocket-Protocol: foreign') },
  { expected: 'refused 101', apply: add('Sec-WebSocket-Protocol: json', 'Sec-WebSocket-Protocol: other') },
  { expected: '101', apply: add('Sec-WebSocket-Protocol: other') },
  { expected: 'error', apply: add(' folded: line') },
  { expected: 'error', apply: add('X-Line: a\nb') },
  { expected: 'too large', apply: add(`X-Long: ${'x'.repeat(3000)}`) },
]

/** A client's opening handshake with bytes behind it, as a server may see it. */
export function makeRequest(random: Random): MadeHead {
  const { target, host, key } = fuzzHandshake
  const fields = [
    `Host: ${host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
  ]
  return makeHead({ start: `GET ${target} HTTP/1.1`, fields }, false, random)
}

/** A server's answer to `fuzzHandshake` with bytes behind it. */
export function makeResponse(random: Random, sha1Base64: Sha1Base64): MadeHead {
  const accept = `Sec-WebSocket-Accept: ${acceptValue(fuzzHandshake.key, sha1Base64)}`
  const fields = ['Upgrade: websocket', 'Connection: Upgrade', accept]
  return makeHead({ start: 'HTTP/1.1 101 Switching Protocols', fields }, true, random)
}

function makeHead(head: Lines, isResponse: boolean, random: Random): MadeHead {
  const changes = isResponse ? responseChanges : requestChanges
  if (random.chance(0.05)) return { bytes: random.bytes(random.below(600)), expected: null }
  const change = random.chance(0.1) ? null : random.pick(changes)
  change?.apply(head, random)
  let expected: string | null = change?.expected ?? '101'
  for (let count = random.pick([0, 0, 0, 0, 0, 1, 2]); count > 0; count--) {
    random.pick(changes).apply(head, random)
    expected = null
  }
  if (random.chance(0.4) && !addExtensions(head, isResponse, random)) expected = null
  const text = `${[head.start, ...head.fields].join('\r\n')}\r\n\r\n`
  const bytes = fromLatin1(text)
  const rest = random.bytes(random.below(20))
  const whole = new Uint8Array(bytes.length + rest.length)
  whole.set(bytes)
  whole.set(rest, bytes.length)
  if (random.chance(0.7)) return { bytes: whole, expected }
  return { bytes: mutateBytes(whole, random), expected: null }
}

/** @returns whether the verdict is the same as without them */
function addExtensions(head: Lines, isResponse: boolean, random: Random): boolean {
  const { text, wellFormed } = makeOffers(random, isResponse)
  head.fields.push(`Sec-WebSocket-Extensions: ${text}`)
  if (!isResponse && wellFormed === true) return true
  if (random.chance(0.1)) head.fields.push(`Sec-WebSocket-Extensions: ${makeOffers(random, isResponse).text}`)
  return false
}

function fromLatin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}
