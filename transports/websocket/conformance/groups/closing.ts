// Group 7: the closing handshake, what a close frame may say, and what comes behind one (RFC 6455 §5.5.1, §7).
import {
  type Case,
  type Closing,
  closeFrame,
  failed,
  type Outcome,
  protocolError,
  type Script,
  send,
  wrongPayload,
} from '../case.ts'
import { close, closePayload, continuation, type Frame, hex, join, ping, text, utf8 } from '../frames.ts'
import { bytesOf, textOf } from '../payloads.ts'

const hello: Frame = { opcode: text, payload: utf8('Hello, wörld!') }
const asked: Frame = { opcode: ping }
const normal = closeFrame(1000)
const nothing: readonly Outcome[] = [{ verdict: 'OK', events: [] }]
const closedBy = (codes: readonly (number | null)[], clean: boolean): Closing => ({
  by: 'fuzzer',
  codes,
  clean,
})

/** Frames with a close frame among them, after which nothing may come but the answer to it. */
function closes(frames: readonly Frame[], codes: readonly (number | null)[] = [1000]): Script {
  return { steps: [send(frames)], outcomes: nothing, closing: closedBy(codes, true) }
}

/** A close frame that is wrong itself. */
function closesWrongly(frame: Frame, codes: readonly number[]): Script {
  return { steps: [send([frame])], outcomes: nothing, closing: closedBy(codes, false) }
}

const reason = (bytes: number): Uint8Array => textOf(bytes)

/** A long message, a short one, a close and a ping in one write: the close must not overtake what was asked before it. */
function behindMuch(): Script {
  const long: Frame = { opcode: text, payload: textOf(256 * 1024) }
  const echoes = [long, hello].map(({ payload = new Uint8Array(0) }) => ({ kind: 'text', payload }) as const)
  return {
    steps: [send([long, hello, normal, asked])],
    outcomes: [
      { verdict: 'OK', events: echoes },
      { verdict: 'INFORMATIONAL', events: echoes.slice(0, 1) },
      { verdict: 'INFORMATIONAL', events: [] },
    ],
    closing: closedBy([1000], true),
  }
}

const handshakes: readonly Case[] = [
  {
    number: '7.1.1',
    title: 'text, then close',
    script: () => ({
      ...closes([hello, normal]),
      outcomes: [{ verdict: 'OK', events: [{ kind: 'text', payload: utf8('Hello, wörld!') }] }],
    }),
  },
  { number: '7.1.2', title: 'close twice', script: () => closes([normal, normal]) },
  { number: '7.1.3', title: 'close, then ping: no pong', script: () => closes([normal, asked]) },
  { number: '7.1.4', title: 'close, then text: no echo', script: () => closes([normal, hello]) },
  {
    number: '7.1.5',
    title: 'a fragment, close, the last fragment',
    script: () => closes([{ ...hello, final: false }, normal, { opcode: continuation, payload: utf8('!') }]),
  },
  { number: '7.1.6', title: '256 KiB, text, close, ping in one write', script: behindMuch },
  { number: '7.3.1', title: 'close without a code', script: () => closes([closeFrame(null)], [null, 1000]) },
  {
    number: '7.3.2',
    title: 'close with one byte',
    script: () => closesWrongly({ opcode: close, payload: bytesOf(1) }, [protocolError]),
  },
  { number: '7.3.3', title: 'close with a code', script: () => closes([normal]) },
  {
    number: '7.3.4',
    title: 'close with a code and a reason',
    script: () => closes([closeFrame(1000, utf8('Tschüß'))]),
  },
  {
    number: '7.3.5',
    title: 'close with the longest reason, 123 bytes',
    script: () => closes([closeFrame(1000, reason(123))]),
  },
  {
    number: '7.3.6',
    title: 'close with a reason of 124 bytes',
    script: () => closesWrongly({ opcode: close, payload: closePayload(1000, reason(124)) }, [protocolError]),
  },
  {
    number: '7.5.1',
    title: 'close with a reason that is not UTF-8',
    script: () =>
      closesWrongly(closeFrame(1000, join(utf8('κόσμε'), hex('ed a0 80'), utf8('edited'))), [
        wrongPayload,
        protocolError,
      ]),
  },
]

const validCodes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
const invalidCodes = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999]
/** The RFC says nothing of them but that they aren't used. */
const undefinedCodes = [5000, 65_535]

export const closing: readonly Case[] = [
  ...handshakes,
  ...validCodes.map(
    (code, index): Case => ({
      number: `7.7.${index + 1}`,
      title: `close with ${code}, which may be sent`,
      script: () => closes([closeFrame(code)], [code]),
    }),
  ),
  ...invalidCodes.map(
    (code, index): Case => ({
      number: `7.9.${index + 1}`,
      title: `close with ${code}, which may not be sent`,
      script: () => closesWrongly(closeFrame(code), [protocolError]),
    }),
  ),
  ...undefinedCodes.map(
    (code, index): Case => ({
      number: `7.13.${index + 1}`,
      title: `close with ${code}, which is no code`,
      script: () => ({
        ...failed([send([closeFrame(code)])], protocolError),
        outcomes: [{ verdict: 'INFORMATIONAL', events: [] }],
        closing: closedBy([code, 1000, protocolError, null], false),
      }),
    }),
  ),
]
