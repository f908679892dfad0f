// Group 22, beyond Autobahn: ends of connections under load, and frames whose headers are wrong in other ways.
import {
  answered,
  type Case,
  type Closing,
  closeFrame,
  failed,
  protocolError,
  type Script,
  send,
  tooBig,
} from '../case.ts'
import { binary, continuation, type Frame, fragmented, ping, text, utf8 } from '../frames.ts'
import { bytesOf } from '../payloads.ts'
import { bytesOfZeros, compressedZeros } from '../zeros.ts'

const plainDeflate = { offer: 'permessage-deflate', answer: 'permessage-deflate' }
const mebi = 1024 * 1024
const hello = utf8('Hello, wörld!')
const helloFrame: Frame = { opcode: text, payload: hello }
const wrong: Frame = { opcode: 3 }
const afterwards = (bytes: number): readonly Frame[] => fragmented(binary, bytesOf(bytes), 64 * 1024)

/** Failed, however much stands behind the fault; and TCP ends in order, so that the close frame isn't lost. */
function failsBefore(bytes: number): Script {
  const closing: Closing = { by: 'peer', codes: [protocolError], clean: true, noReset: true }
  return { ...failed([send([wrong, ...afterwards(bytes)])], protocolError), closing, timeLimitMs: 20_000 }
}

function closesBefore(bytes: number): Script {
  return {
    steps: [send([closeFrame(1000), ...afterwards(bytes)])],
    outcomes: [{ verdict: 'OK', events: [] }],
    closing: { by: 'fuzzer', codes: [1000], clean: true, noReset: true },
    timeLimitMs: 20_000,
  }
}

const many64KiB = Array.from({ length: 256 }, (_, index) => bytesOf(64 * 1024 + (index % 2)))

/** Echoes pile up until the peer stops reading, too; then all of them have to come, and what was asked behind them. */
function withoutReading(payloads: readonly Uint8Array[], last: Frame): Script {
  const frames = payloads.map((payload): Frame => ({ opcode: binary, payload }))
  const script: Script = {
    steps: [
      { do: 'stop reading' },
      { do: 'send', frames: [...frames, last], in: 'one write', unawaited: true },
      { do: 'pause', milliseconds: 1000 },
      { do: 'read on' },
    ],
    outcomes: [{ verdict: 'OK', events: payloads.map((payload) => ({ kind: 'binary', payload })) }],
    closing: { by: 'fuzzer', codes: [1000], clean: true },
    timeLimitMs: 20_000,
  }
  if (last !== wrong) return script
  return { ...script, closing: { by: 'peer', codes: [protocolError], clean: true } }
}

/** A message, a close frame, and the end of the fuzzer's side of TCP with it: the answers still have to come. */
function closesAndEnds(message: Frame, payload: Uint8Array): Script {
  return {
    steps: [
      { do: 'send', frames: [message, closeFrame(1000)], in: 'one write', unawaited: true },
      { do: 'end' },
    ],
    outcomes: [{ verdict: 'OK', events: [{ kind: 'binary', payload }] }],
    closing: { by: 'fuzzer', codes: [1000], clean: true },
  }
}

function endsWithoutClose(): Script {
  return {
    steps: [send([helloFrame]), { do: 'await', events: 1 }, { do: 'end' }],
    outcomes: [{ verdict: 'OK', events: [{ kind: 'text', payload: hello }] }],
    closing: { by: 'fuzzer', codes: [null, 1000, 1001, protocolError], clean: false },
  }
}

const manyPings = 10_000

function many(): Script {
  const payloads = Array.from({ length: manyPings }, (_, index) => utf8(String(index)))
  return answered(
    [send(payloads.map((payload) => ({ opcode: ping, payload })))],
    payloads.map((payload) => ({ kind: 'pong', payload })),
  )
}

export const endings: readonly Case[] = [
  {
    number: '22.1.1',
    title: 'a fault, and no answer to the close frame',
    role: 'server',
    script: () => ({
      ...failed([send([wrong])], protocolError),
      closing: { by: 'peer', codes: [protocolError], clean: true, noReset: true, answered: false },
    }),
  },
  { number: '22.1.2', title: 'a fault, then 64 KiB', script: () => failsBefore(64 * 1024) },
  { number: '22.1.3', title: 'a fault, then 16 MiB', script: () => failsBefore(16 * mebi) },
  { number: '22.1.4', title: 'close, then 64 KiB', script: () => closesBefore(64 * 1024) },
  { number: '22.1.5', title: 'close, then 16 MiB', script: () => closesBefore(16 * mebi) },
  {
    number: '22.1.6',
    title: '4 MiB and close, from one who does not read for a while',
    script: () => withoutReading([bytesOf(4 * mebi)], closeFrame(1000)),
  },
  { number: '22.1.7', title: 'the end of TCP without a close frame', script: endsWithoutClose },
  {
    number: '22.1.8',
    title: '256 messages of 64 KiB and close, from one who does not read for a while',
    script: () => withoutReading(many64KiB, closeFrame(1000)),
  },
  {
    number: '22.1.9',
    title: '256 messages of 64 KiB and a fault, from one who does not read for a while',
    script: () => withoutReading(many64KiB, wrong),
  },
  {
    number: '22.1.10',
    title: '4 MiB, close and the end of TCP at once',
    script: () => closesAndEnds({ opcode: binary, payload: bytesOf(4 * mebi) }, bytesOf(4 * mebi)),
  },
  {
    number: '22.1.11',
    title: 'a compressed message of 8 MiB, close and the end of TCP at once',
    script: () => {
      const payload = new Uint8Array(bytesOfZeros(8 * mebi))
      const message: Frame = { opcode: binary, reserved: 4, payload: compressedZeros(8 * mebi) }
      return { ...closesAndEnds(message, payload), deflate: plainDeflate }
    },
  },
  {
    number: '22.2.1',
    title: 'a length of 2^63 - 1',
    script: () => failed([send([{ ...helloFrame, declaredBytes: 2n ** 63n - 1n }])], tooBig),
  },
  {
    number: '22.2.2',
    title: 'a length with its highest bit set',
    script: () => ({
      ...failed([send([{ ...helloFrame, declaredBytes: 2n ** 63n }])], protocolError),
      closing: { by: 'peer', codes: [protocolError, tooBig], clean: false },
    }),
  },
  {
    number: '22.2.3',
    title: 'a frame masked as only the other side may',
    script: () => failed([send([{ ...helloFrame, wronglyMasked: true }])], protocolError),
  },
  {
    number: '22.2.4',
    title: 'a second fragment masked as only the other side may',
    script: () =>
      failed(
        [
          send([
            { ...helloFrame, final: false },
            { opcode: continuation, wronglyMasked: true },
          ]),
        ],
        protocolError,
      ),
  },
  { number: '22.3.1', title: `${manyPings} pings in one write`, script: many },
]
