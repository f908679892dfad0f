// Group 5: messages in fragments, with control frames between them, and fragments that belong to nothing (RFC 6455 §5.4).
import {
  answered,
  type Case,
  type Event,
  failed,
  protocolError,
  type Script,
  type Step,
  send,
} from '../case.ts'
import { continuation, type Frame, ping, pong, text, utf8 } from '../frames.ts'

type How = 'one write' | 'frames' | number

const first: Frame = { opcode: text, payload: utf8('frag'), final: false }
const last: Frame = { opcode: continuation, payload: utf8('ment') }
const whole: Frame = { opcode: text, payload: utf8('whole') }
const stray: Frame = { opcode: continuation, payload: utf8('stray') }
const strayOpen: Frame = { ...stray, final: false }
const asked: Frame = { opcode: ping, payload: utf8('between') }
const echoed: Event = { kind: 'text', payload: utf8('fragment') }
const ponged: Event = { kind: 'pong', payload: utf8('between') }

const hows: readonly (readonly [string, How])[] = [
  ['in one write', 'one write'],
  ['frame by frame', 'frames'],
  ['octet by octet', 1],
]

/** Three numbers, from `start` on: the same frames in one write, frame by frame, and octet by octet. */
function inThreeWays(start: number, title: string, script: (how: How) => Script): readonly Case[] {
  return hows.map(([said, how], index) => ({
    number: `5.${start + index}`,
    title: `${title}, ${said}`,
    script: () => script(how),
  }))
}

/** Five fragments with pings between; the pongs must not wait for the end of the message. */
function withPauses(how: How): Script {
  const pieces = ['one, ', 'two, ', 'three, ', 'four, ', 'five'].map(utf8)
  const fragment = (index: number): Frame => ({
    opcode: index === 0 ? text : continuation,
    payload: pieces[index] ?? new Uint8Array(0),
    final: index === pieces.length - 1,
  })
  const pingOf = (name: string): Frame => ({ opcode: ping, payload: utf8(name) })
  const pause: Step = { do: 'pause', milliseconds: 1000 }
  const steps: readonly Step[] = [
    send([fragment(0), fragment(1), pingOf('first')], how),
    { do: 'await', events: 1 },
    pause,
    send([fragment(2), fragment(3), pingOf('second')], how),
    { do: 'await', events: 2 },
    pause,
    send([fragment(4)], how),
  ]
  return answered(steps, [
    { kind: 'pong', payload: utf8('first') },
    { kind: 'pong', payload: utf8('second') },
    { kind: 'text', payload: utf8('one, two, three, four, five') },
  ])
}

/** Number, title, frames, and what comes before the failure. */
const wrongOrders: readonly (readonly [string, string, readonly Frame[], readonly Event[]])[] = [
  [
    '5.15',
    'text in two fragments, a continuation of nothing, text',
    [first, last, strayOpen, whole],
    [echoed],
  ],
  [
    '5.16',
    'twice: a continuation of nothing, then a fragmented text',
    [strayOpen, first, last, strayOpen, first, last],
    [],
  ],
  [
    '5.17',
    'twice: a final continuation of nothing, then a fragmented text',
    [stray, first, last, stray, first, last],
    [],
  ],
  ['5.18', 'a second fragment with the opcode of text', [first, { ...last, opcode: text }], []],
]

export const fragments: readonly Case[] = [
  ...(
    [
      ['5.1', 'a ping in two fragments', ping],
      ['5.2', 'a pong in two fragments', pong],
    ] as const
  ).map(
    ([number, title, opcode]): Case => ({
      number,
      title,
      script: () => failed([send([{ ...first, opcode }, last])], protocolError),
    }),
  ),
  ...inThreeWays(3, 'text in two fragments', (how) => answered([send([first, last], how)], [echoed])),
  ...inThreeWays(6, 'text in two fragments with a ping between', (how) =>
    answered([send([first, asked, last], how)], [ponged, echoed]),
  ),
  ...inThreeWays(9, 'a final continuation of nothing, then text', (how) =>
    failed([send([stray, whole], how)], protocolError),
  ),
  ...inThreeWays(12, 'a continuation of nothing, then text', (how) =>
    failed([send([strayOpen, whole], how)], protocolError),
  ),
  ...wrongOrders.map(
    ([number, title, frames, before]): Case => ({
      number,
      title,
      script: () => failed([send(frames)], protocolError, before),
    }),
  ),
  {
    number: '5.19',
    title: 'text in five fragments, with pings and pauses',
    script: () => withPauses('frames'),
  },
  { number: '5.20', title: 'the same, octet by octet', script: () => withPauses(1) },
]
