// Group 6.1–6.5: texts that are UTF-8 and texts that are not, whole and cut anywhere, and how soon that is noticed (RFC 6455 §8.1).
import {
  answered,
  type Case,
  type Event,
  failed,
  type Script,
  type Step,
  send,
  wrongPayload,
} from '../case.ts'
import { continuation, type Frame, fragmented, hex, join, ping, text, utf8 } from '../frames.ts'

const mixed = utf8('Grüße, 世界 — naïve 𝄞!')
const greek = utf8('κόσμε')
const surrogate = hex('ed a0 80')
const wrong = join(greek, surrogate, utf8('edited'))

function echoedText(frames: readonly Frame[]): Script {
  const payload = join(...frames.map((frame) => frame.payload ?? new Uint8Array(0)))
  return answered([send(frames, 'frames')], [{ kind: 'text', payload }])
}

/** A text in three pieces, of which the second holds the first wrong byte. */
interface ThreePieces {
  readonly number: string
  readonly title: string
  readonly pieces: readonly [Uint8Array, Uint8Array, Uint8Array]
}

const betweenFrames: readonly ThreePieces[] = [
  {
    number: '6.4.1',
    title: 'a wrong fragment, the message unfinished',
    pieces: [greek, hex('f4 90 80 80'), utf8('edited')],
  },
  {
    number: '6.4.2',
    title: 'a character that goes wrong at its second byte, in the second fragment',
    pieces: [join(greek, hex('f4')), hex('90'), join(hex('80 80'), utf8('edited'))],
  },
]
const withinFrame: readonly ThreePieces[] = betweenFrames.map(({ pieces }, index) => ({
  number: `6.4.${3 + index}`,
  title: index === 0 ? 'as 6.4.1 within one frame that is not finished' : 'as 6.4.2 within one frame',
  pieces,
}))

const late = 'the rest, as it had not failed at the wrong byte'
/** OK when the connection is failed at the first wrong byte; a peer that waits for the rest isn't strict. */
function failsFast(before: readonly Event[], steps: readonly Step[]): Script {
  const script = failed(steps, wrongPayload)
  const inTime = { verdict: 'OK', events: before } as const
  const tooLate = { verdict: 'NON-STRICT', events: [...before, { kind: 'mark', name: late }] } as const
  return { ...script, outcomes: [inTime, tooLate] }
}

/** A ping behind the first fragment: when its pong is here, the fragment has been looked at, and was right. */
function fragmentByFragment({ number, title, pieces: [first, second, third] }: ThreePieces): Case {
  return {
    number,
    title,
    script: () =>
      failsFast(
        [{ kind: 'pong', payload: utf8('so far') }],
        [
          send([
            { opcode: text, payload: first, final: false },
            { opcode: ping, payload: utf8('so far') },
          ]),
          { do: 'await', events: 1 },
          send([{ opcode: continuation, payload: second, final: false }]),
          { do: 'expect failure', mark: late },
          send([{ opcode: continuation, payload: third }]),
        ],
      ),
  }
}

function pieceByPiece({ number, title, pieces }: ThreePieces): Case {
  const [first, second] = pieces
  const frame = { opcode: text, payload: join(...pieces) }
  return {
    number,
    title,
    script: () =>
      failsFast(
        [],
        [
          { do: 'send start', frame, cutsBytes: [first.length, first.length + second.length] },
          { do: 'expect failure', mark: late },
          { do: 'send rest' },
        ],
      ),
  }
}

const emptyText: Frame = { opcode: text }
const emptyFragment: Frame = { opcode: continuation }

export const texts: readonly Case[] = [
  { number: '6.1.1', title: 'an empty text', script: () => echoedText([emptyText]) },
  {
    number: '6.1.2',
    title: 'an empty text in three fragments',
    script: () =>
      echoedText([{ ...emptyText, final: false }, { ...emptyFragment, final: false }, emptyFragment]),
  },
  {
    number: '6.1.3',
    title: 'a text between two empty fragments',
    script: () =>
      echoedText([
        { ...emptyText, final: false },
        { opcode: continuation, payload: mixed, final: false },
        emptyFragment,
      ]),
  },
  { number: '6.2.1', title: 'valid UTF-8', script: () => echoedText([{ opcode: text, payload: mixed }]) },
  {
    number: '6.2.2',
    title: 'valid UTF-8 in two fragments, cut between characters',
    script: () => echoedText(cutInTwo(mixed, utf8('Grüße, ').length)),
  },
  {
    number: '6.2.3',
    title: 'valid UTF-8 in fragments of an octet',
    script: () => echoedText(fragmented(text, mixed, 1)),
  },
  {
    number: '6.2.4',
    title: 'Greek in fragments of an octet',
    script: () => echoedText(fragmented(text, greek, 1)),
  },
  {
    number: '6.3.1',
    title: 'invalid UTF-8',
    script: () => failed([send([{ opcode: text, payload: wrong }])], wrongPayload),
  },
  {
    number: '6.3.2',
    title: 'invalid UTF-8 in fragments of an octet',
    script: () => failed([send(fragmented(text, wrong, 1), 'frames')], wrongPayload),
  },
  ...betweenFrames.map(fragmentByFragment),
  ...withinFrame.map(pieceByPiece),
]

function cutInTwo(payload: Uint8Array, at: number): readonly Frame[] {
  return [
    { opcode: text, payload: payload.subarray(0, at), final: false },
    { opcode: continuation, payload: payload.subarray(at) },
  ]
}
