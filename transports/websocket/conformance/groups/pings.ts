// Group 2: pings and pongs (RFC 6455 §5.5.2, §5.5.3).
import { answered, type Case, failed, protocolError, send } from '../case.ts'
import { ping, pong, utf8 } from '../frames.ts'
import { bytesOf } from '../payloads.ts'

const empty = new Uint8Array(0)
const longest = bytesOf(125)
const ten = Array.from({ length: 10 }, (_, index) => utf8(`ping ${index}`))

/** Number, title, payload, and how it is written. */
const singlePings: readonly (readonly [string, string, Uint8Array, 'one write' | 1])[] = [
  ['2.1', 'an empty ping', empty, 'one write'],
  ['2.2', 'a ping with text', utf8('are you there?'), 'one write'],
  [
    '2.3',
    'a ping with bytes that are no text',
    Uint8Array.of(0x00, 0xff, 0xfe, 0xfd, 0xc0, 0x00),
    'one write',
  ],
  ['2.4', 'a ping of 125 bytes', longest, 'one write'],
  ['2.6', 'a ping of 125 bytes, octet by octet', longest, 1],
]

export const pings: readonly Case[] = [
  ...singlePings.map(
    ([number, title, payload, how]): Case => ({
      number,
      title,
      script: () => answered([send([{ opcode: ping, payload }], how)], [{ kind: 'pong', payload }]),
    }),
  ),
  {
    number: '2.5',
    title: 'a ping of 126 bytes, which is one too many',
    script: () => failed([send([{ opcode: ping, payload: bytesOf(126) }])], protocolError),
  },
  { number: '2.7', title: 'an empty pong unasked', script: () => answered([send([{ opcode: pong }])], []) },
  {
    number: '2.8',
    title: 'a pong with a payload unasked',
    script: () => answered([send([{ opcode: pong, payload: utf8('unasked') }])], []),
  },
  {
    number: '2.9',
    title: 'a pong unasked, then a ping',
    script: () =>
      answered(
        [
          send(
            [
              { opcode: pong, payload: utf8('unasked') },
              { opcode: ping, payload: utf8('asked') },
            ],
            'frames',
          ),
        ],
        [{ kind: 'pong', payload: utf8('asked') }],
      ),
  },
  ...(['one write', 1] as const).map(
    (how, index): Case => ({
      number: `2.${10 + index}`,
      title: `ten pings${how === 1 ? ', octet by octet' : ''}`,
      script: () =>
        answered(
          [
            send(
              ten.map((payload) => ({ opcode: ping, payload })),
              how,
            ),
          ],
          ten.map((payload) => ({ kind: 'pong', payload })),
        ),
    }),
  ),
]
