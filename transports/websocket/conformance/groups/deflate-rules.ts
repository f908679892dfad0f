// Group 21, beyond Autobahn: what permessage-deflate may be agreed on, and what its messages may look like (RFC 7692).
import {
  answered,
  type Case,
  type DeflatePlan,
  failed,
  protocolError,
  type Script,
  send,
  tooBig,
  wrongPayload,
} from '../case.ts'
import { binary, close, closePayload, continuation, type Frame, hex, ping, text, utf8 } from '../frames.ts'
import { corpora } from '../payloads.ts'
import { bytesOfZeros, compressedZeros } from '../zeros.ts'

const rsv1 = 4
const plain: DeflatePlan = { offer: 'permessage-deflate', answer: 'permessage-deflate' }
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

const whole = (digits: string, opcode = text): Frame => ({ opcode, reserved: rsv1, payload: hex(digits) })
const firstPart = (digits: string): Frame => ({ ...whole(digits), final: false })
const lastPart = (digits: string): Frame => ({ opcode: continuation, payload: hex(digits) })
const compressedHello = 'f248cdc9c90700'

/** Number, title, frames, and the texts that they are. The first of each kind are the RFC's own examples (§7.2.3). */
const messages: readonly (readonly [string, string, readonly Frame[], readonly Uint8Array[]])[] = [
  ['21.4.1', 'a block with a fixed code', [whole(compressedHello)], [hello]],
  ['21.4.2', 'the same in two fragments', [firstPart('f248cd'), lastPart('c9c90700')], [hello]],
  [
    '21.4.3',
    'a reference to the message before',
    [whole(compressedHello), whole('f200110000')],
    [hello, hello],
  ],
  ['21.4.4', 'a block that is not compressed', [whole('000500faff48656c6c6f00')], [hello]],
  ['21.4.5', 'a block that says it is the last', [whole('f348cdc9c9070000')], [hello]],
  ['21.4.6', 'two blocks', [whole('f248050000 00ffff cac9c90700')], [hello]],
  ['21.4.7', 'an empty message', [whole('00')], [utf8('')]],
  ['21.4.8', 'an empty message that says it is the last block', [whole('030000')], [utf8('')]],
  [
    '21.4.9',
    'a message that is not compressed between two that are',
    [whole(compressedHello), { opcode: text, payload: hello }, whole('f200110000')],
    [hello, hello, hello],
  ],
  ['21.4.10', 'an empty first fragment', [firstPart(''), lastPart(compressedHello)], [hello]],
  ['21.4.11', 'an empty last fragment', [firstPart(compressedHello), lastPart('')], [hello]],
  [
    '21.4.12',
    'a block that says it is the last, and another one',
    [whole('f348cdc9c90700 f248cdc9c90700')],
    [utf8('HelloHello')],
  ],
]

const stray = whole(compressedHello)
/** Number, title, frames, and with what codes they are failed. */
const wrongFrames: readonly (readonly [string, string, readonly Frame[], readonly number[]])[] = [
  ['21.5.1', 'RSV1 on a ping', [{ opcode: ping, reserved: rsv1 }], [protocolError]],
  [
    '21.5.2',
    'RSV1 on a close',
    [{ opcode: close, reserved: rsv1, payload: closePayload(1000) }],
    [protocolError],
  ],
  [
    '21.5.3',
    'RSV1 on the second fragment, too',
    [firstPart('f248cd'), { ...lastPart('c9c90700'), reserved: rsv1 }],
    [protocolError],
  ],
  [
    '21.5.4',
    'RSV1 on the second fragment only',
    [
      { ...stray, reserved: 0, final: false },
      { ...lastPart('c9c90700'), reserved: rsv1 },
    ],
    [protocolError, wrongPayload],
  ],
  ['21.5.5', 'RSV2', [{ ...stray, reserved: 2 }], [protocolError]],
  ['21.5.6', 'RSV1 and RSV3', [{ ...stray, reserved: 5 }], [protocolError]],
  ['21.5.7', 'no DEFLATE', [whole('07ffffff', binary)], [protocolError, wrongPayload]],
  [
    '21.5.8',
    'a reference to before the first byte',
    [whole('02020000', binary)],
    [protocolError, wrongPayload],
  ],
  ['21.5.9', 'inflated, it is not UTF-8', [whole('000300fcffeda08000')], [wrongPayload]],
]

const late = 'the rest, as it had not failed at the wrong byte'
const mebi = 1024 * 1024
const bombBytes = 256 * 1024 * 1024

function exchanges(deflate: DeflatePlan): Script {
  const [, , prose] = corpora
  const message = (index: number): Uint8Array => prose?.message(index, 2000 + index) ?? hello
  return {
    ...answered([{ do: 'exchange', opcode: text, messages: 20, message, compress: true }], []),
    deflate,
  }
}

export const deflateRules: readonly Case[] = [
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
  ...messages.map(
    ([number, title, frames, texts]): Case => ({
      number,
      title,
      script: () => ({
        ...answered(
          [send(frames)],
          texts.map((payload) => ({ kind: 'text', payload })),
        ),
        deflate: plain,
      }),
    }),
  ),
  ...wrongFrames.map(
    ([number, title, frames, codes]): Case => ({
      number,
      title,
      script: () => ({
        ...failed([send(frames)], protocolError),
        closing: { by: 'peer', codes, clean: false },
        deflate: plain,
      }),
    }),
  ),
  {
    number: '21.4.13',
    title: 'a ping between two fragments',
    script: () => ({
      ...answered(
        [send([firstPart('f248cd'), { opcode: ping, payload: hello }, lastPart('c9c90700')])],
        [
          { kind: 'pong', payload: hello },
          { kind: 'text', payload: hello },
        ],
      ),
      deflate: plain,
    }),
  },
  {
    number: '21.5.10',
    title: 'inflated, its first fragment is not UTF-8; the message unfinished',
    script: () => ({
      ...failed(
        [send([firstPart('000300fcffeda080')]), { do: 'expect failure', mark: late }, send([lastPart('00')])],
        wrongPayload,
      ),
      outcomes: [
        { verdict: 'OK', events: [] },
        { verdict: 'NON-STRICT', events: [{ kind: 'mark', name: late }] },
      ],
      deflate: plain,
    }),
  },
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
  {
    number: '21.6.2',
    title: 'a compressed message of 8 MiB, then close: the echo comes first',
    script: () => ({
      steps: [
        send([
          { opcode: binary, reserved: rsv1, payload: compressedZeros(8 * mebi) },
          { opcode: close, payload: closePayload(1000) },
        ]),
      ],
      outcomes: [
        { verdict: 'OK', events: [{ kind: 'binary', payload: new Uint8Array(bytesOfZeros(8 * mebi)) }] },
      ],
      closing: { by: 'fuzzer', codes: [1000], clean: true },
      deflate: plain,
      timeLimitMs: 20_000,
    }),
  },
  {
    number: '21.6.1',
    title: 'a bomb: 256 MiB of zeros in 1.7 MB',
    script: () => ({
      ...failed([send([{ opcode: binary, reserved: rsv1, payload: compressedZeros(bombBytes) }])], tooBig),
      deflate: plain,
      timeLimitMs: 30_000,
    }),
  },
]
