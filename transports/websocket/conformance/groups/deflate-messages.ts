// Group 21.4–21.6, beyond Autobahn: what compressed messages may look like, what not, and long ones (RFC 7692 §6, §7.2).
import {
  answered,
  type Case,
  type DeflatePlan,
  failed,
  protocolError,
  send,
  tooBig,
  wrongPayload,
} from '../case.ts'
import { binary, close, closePayload, continuation, type Frame, hex, ping, text, utf8 } from '../frames.ts'
import { bytesOfZeros, compressedZeros } from '../zeros.ts'

const rsv1 = 4
const plain: DeflatePlan = { offer: 'permessage-deflate', answer: 'permessage-deflate' }
const hello = utf8('Hello')

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
const bombBytes = 256 * mebi

export const deflateMessages: readonly Case[] = [
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
