// Group 21.1–21.3, beyond Autobahn: what permessage-deflate may be agreed on, and what not (RFC 7692 §7.1).
import { answered, type Case, type DeflatePlan, type Script, send } from '../case.ts'
import { text, utf8 } from '../frames.ts'
import { corpora } from '../payloads.ts'

const hello = utf8('Hello')

/** Number, and parameters of an offer that a server must decline (§7.1), and go on without. */
const declinedOffers: readonly (readonly [string, string])[] = [
  ['21.1.1', 'x-unheard-of'],
  ['21.1.2', 'server_no_context_takeover=1'],
  ['21.1.3', 'client_no_context_takeover=true'],
  ['21.1.4', 'server_no_context_takeover; server_no_context_takeover'],
  ['21.1.5', 'server_max_window_bits=10; server_max_window_bits=10'],
  ['21.1.6', 'server_max_window_bits'],
  ['21.1.7', 'server_max_window_bits=7'],
  ['21.1.8', 'server_max_window_bits=16'],
  ['21.1.9', 'server_max_window_bits=09'],
  ['21.1.10', 'server_max_window_bits=ten'],
  ['21.1.11', 'client_max_window_bits=7'],
  ['21.1.12', 'client_max_window_bits=16'],
]

/** Number, an offer, a fuzzing server's answer ('' where only a server is tested), and whether the server may decline it. */
const agreements: readonly (readonly [string, string, string, 'optional'?])[] = [
  ['21.2.1', 'permessage-deflate', 'permessage-deflate'],
  [
    '21.2.2',
    'permessage-deflate; server_no_context_takeover',
    'permessage-deflate; server_no_context_takeover',
  ],
  [
    '21.2.3',
    'permessage-deflate; client_no_context_takeover',
    'permessage-deflate; client_no_context_takeover',
  ],
  [
    '21.2.4',
    'permessage-deflate; server_max_window_bits=8',
    'permessage-deflate; client_max_window_bits=8',
    'optional',
  ],
  ['21.2.5', 'permessage-deflate; server_max_window_bits=9', 'permessage-deflate; client_max_window_bits=9'],
  [
    '21.2.6',
    'permessage-deflate; server_max_window_bits=12',
    'permessage-deflate; client_max_window_bits=12',
  ],
  [
    '21.2.7',
    'permessage-deflate; server_max_window_bits="10"',
    'permessage-deflate; server_max_window_bits="10"',
  ],
  ['21.2.8', 'permessage-deflate; client_max_window_bits=8', 'permessage-deflate; server_max_window_bits=8'],
  [
    '21.2.9',
    'permessage-deflate; client_max_window_bits=10',
    'permessage-deflate; server_max_window_bits=10',
  ],
  ['21.2.10', 'permessage-deflate; x-unheard-of, permessage-deflate', ''],
  ['21.2.11', 'x-unheard-of; level=1, permessage-deflate', ''],
]

/** Number, and parameters of an answer that a client must not accept (§7.1, RFC 6455 §4.1). */
const wrongAnswers: readonly (readonly [string, string])[] = [
  ['21.3.1', 'permessage-deflate; x-unheard-of'],
  ['21.3.2', 'permessage-deflate; server_no_context_takeover=1'],
  ['21.3.3', 'permessage-deflate; server_max_window_bits'],
  ['21.3.4', 'permessage-deflate; server_max_window_bits=16'],
  ['21.3.5', 'permessage-deflate; client_max_window_bits'],
  ['21.3.6', 'permessage-deflate; client_no_context_takeover; client_no_context_takeover'],
  ['21.3.7', 'permessage-deflate, permessage-deflate'],
]

function exchanges(deflate: DeflatePlan): Script {
  const [, , prose] = corpora
  const message = (index: number): Uint8Array => prose?.message(index, 2000 + index) ?? hello
  return {
    ...answered([{ do: 'exchange', opcode: text, messages: 20, message, compress: true }], []),
    deflate,
  }
}

export const deflateOffers: readonly Case[] = [
  ...declinedOffers.map(
    ([number, parameters]): Case => ({
      number,
      title: `declines ${parameters}`,
      role: 'server',
      script: () => ({
        ...answered([send([{ opcode: text, payload: hello }])], [{ kind: 'text', payload: hello }]),
        deflate: { offer: `permessage-deflate; ${parameters}`, answer: '', declined: true },
      }),
    }),
  ),
  ...agreements.map(
    ([number, offer, answer, optional]): Case => ({
      number,
      title: `keeps to ${offer}`,
      ...(answer === '' ? { role: 'server' } : {}),
      script: () => exchanges({ offer, answer, ...(optional === undefined ? {} : { optional: true }) }),
    }),
  ),
  ...wrongAnswers.map(
    ([number, answer]): Case => ({
      number,
      title: `does not accept ${answer}`,
      role: 'client',
      script: () => ({
        ...{ steps: [], outcomes: [], closing: null },
        opening: {
          response: (usual) => [...usual, `Sec-WebSocket-Extensions: ${answer}`],
          expected: 'none',
        },
      }),
    }),
  ),
  {
    number: '21.2.12',
    title: 'keeps to the second of two fields',
    role: 'server',
    script: () => ({
      ...exchanges({ offer: 'x-unheard-of, permessage-deflate', answer: '' }),
      opening: {
        request: (usual) =>
          usual.flatMap((line) =>
            line.startsWith('Sec-WebSocket-Extensions')
              ? ['Sec-WebSocket-Extensions: x-unheard-of', 'Sec-WebSocket-Extensions: permessage-deflate']
              : [line],
          ),
      },
    }),
  },
]
