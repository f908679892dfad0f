// Group 20, beyond Autobahn: the opening handshake (RFC 6455 §4), as it may be written and as it must be refused.
import { answered, type Case, failed, type Opening, type Script, send } from '../case.ts'
import { text, utf8 } from '../frames.ts'

type Lines = (usual: readonly string[]) => readonly string[]

const hello = utf8('Hello, wörld!')
const helloFrame = { opcode: text, payload: hello }
const echoed = { kind: 'text', payload: hello } as const

/** The same lines, but for the field of this name; without a value it's left out. */
function field(name: string, value: string | null): Lines {
  return (usual) =>
    usual.flatMap((line) => {
      if (!line.toLowerCase().startsWith(`${name.toLowerCase()}:`)) return [line]
      return value === null ? [] : [`${name}: ${value}`]
    })
}

function names(change: (name: string) => string): Lines {
  return ([first = '', ...fields]) => [first, ...fields.map((line) => line.replace(/^[^:]+/, change))]
}

const firstLine =
  (change: (line: string) => string): Lines =>
  ([first = '', ...fields]) => [change(first), ...fields]

function opens(opening: Opening): Script {
  return opening.firstFrames === undefined
    ? { ...answered([send([helloFrame])], [echoed]), opening }
    : { ...answered([], [echoed]), opening }
}

/** Number, title, and how the request differs from the usual one. */
const rightRequests: readonly (readonly [string, string, Opening])[] = [
  ['20.1.1', 'field names in small letters', { request: names((name) => name.toLowerCase()) }],
  ['20.1.2', 'field names in capitals', { request: names((name) => name.toUpperCase()) }],
  ['20.1.3', 'Upgrade: WEBSOCKET', { request: field('Upgrade', 'WEBSOCKET') }],
  ['20.1.4', 'Connection: keep-alive, upgrade', { request: field('Connection', 'keep-alive, upgrade') }],
  [
    '20.1.5',
    'no blank before values, and some behind',
    {
      request: (usual) => usual.map((line, index) => (index === 0 ? line : `${line.replace(': ', ':')} \t`)),
    },
  ],
  [
    '20.1.6',
    'fields in the opposite order',
    { request: ([first = '', ...fields]) => [first, ...fields.reverse()] },
  ],
  ['20.1.7', 'octet by octet', { chopBytes: 1 }],
  ['20.1.8', 'the first message in the same packet', { firstFrames: [helloFrame] }],
  [
    '20.1.9',
    'an extension that nobody knows',
    { request: (usual) => [...usual, 'Sec-WebSocket-Extensions: x-parley; level=9; quick'] },
  ],
]

/** Number, title, the statuses that say it best, and how the request differs from the usual one. */
const wrongRequests: readonly (readonly [string, string, readonly number[], Lines])[] = [
  ['20.2.1', 'version 14', [426], field('Sec-WebSocket-Version', '14')],
  ['20.2.2', 'no version', [400, 426], field('Sec-WebSocket-Version', null)],
  ['20.2.3', 'no key', [400], field('Sec-WebSocket-Key', null)],
  ['20.2.4', 'a key of 15 bytes', [400], field('Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAA')],
  ['20.2.5', 'POST', [400, 405], firstLine((line) => line.replace('GET', 'POST'))],
  ['20.2.6', 'HTTP/1.0', [400, 426, 505], firstLine((line) => line.replace('HTTP/1.1', 'HTTP/1.0'))],
  ['20.2.7', 'no Upgrade', [400, 426], field('Upgrade', null)],
  ['20.2.8', 'Upgrade to something else', [400, 426], field('Upgrade', 'h2c')],
  ['20.2.9', 'Connection without upgrade', [400, 426], field('Connection', 'keep-alive')],
  ['20.2.10', 'no Host', [400], field('Host', null)],
]

/** Number, title, and how the answer differs from the usual one: a client must not go on with it (RFC 6455 §4.1). */
const wrongAnswers: readonly (readonly [string, string, Lines])[] = [
  ['20.3.1', 'the wrong proof', field('Sec-WebSocket-Accept', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=')],
  ['20.3.2', 'no proof', field('Sec-WebSocket-Accept', null)],
  ['20.3.3', 'status 200', firstLine(() => 'HTTP/1.1 200 OK')],
  ['20.3.4', 'no Upgrade', field('Upgrade', null)],
  ['20.3.5', 'Upgrade to something else', field('Upgrade', 'h2c')],
  ['20.3.6', 'no Connection', field('Connection', null)],
  [
    '20.3.7',
    'a subprotocol that was not offered',
    (usual) => [...usual, 'Sec-WebSocket-Protocol: unheard.of'],
  ],
  [
    '20.3.8',
    'an extension that was not offered',
    (usual) => [...usual, 'Sec-WebSocket-Extensions: x-unheard-of'],
  ],
]

const rightAnswers: readonly (readonly [string, string, Opening])[] = [
  ['20.4.1', 'field names in small letters', { response: names((name) => name.toLowerCase()) }],
  ['20.4.2', 'Upgrade: WebSocket', { response: field('Upgrade', 'WebSocket') }],
  ['20.4.3', 'Connection: upgrade', { response: field('Connection', 'upgrade') }],
  ['20.4.4', 'octet by octet', { chopBytes: 1 }],
  ['20.4.5', 'the first message in the same packet', { firstFrames: [helloFrame] }],
  ['20.4.6', 'a wrong frame in the same packet', { firstFrames: [{ opcode: 3 }] }],
]

export const opening: readonly Case[] = [
  ...rightRequests.map(
    ([number, title, how]): Case => ({ number, title, role: 'server', script: () => opens(how) }),
  ),
  ...wrongRequests.map(
    ([number, title, expected, request]): Case => ({
      number,
      title,
      role: 'server',
      script: () => ({ steps: [], outcomes: [], closing: null, opening: { request, expected } }),
    }),
  ),
  ...wrongAnswers.map(
    ([number, title, response]): Case => ({
      number,
      title,
      role: 'client',
      script: () => ({ steps: [], outcomes: [], closing: null, opening: { response, expected: 'none' } }),
    }),
  ),
  ...rightAnswers.map(
    ([number, title, how]): Case => ({
      number,
      title,
      role: 'client',
      script: () => (number === '20.4.6' ? { ...failed([], 1002), opening: how } : opens(how)),
    }),
  ),
]
