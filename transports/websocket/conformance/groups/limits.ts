// Groups 9 and 10: large messages, whole, in many fragments and in small TCP segments, and many round trips.
import { answered, type Case, type Script, send } from '../case.ts'
import { binary, continuation, fragmented, text } from '../frames.ts'
import { bytesOf, textOf } from '../payloads.ts'

const kibi = 1024
const mebi = 1024 * 1024
const timeLimitMs = 100_000

const kinds = [
  { kind: 'text', opcode: text, make: textOf },
  { kind: 'binary', opcode: binary, make: bytesOf },
] as const
type Kind = (typeof kinds)[number]

/** The groups of both kinds, what they vary, and its values in order. */
const wholeBytes = [64 * kibi, 256 * kibi, mebi, 4 * mebi, 8 * mebi, 16 * mebi]
const fragmentBytes = [64, 256, kibi, 4 * kibi, 16 * kibi, 64 * kibi, 256 * kibi, mebi, 4 * mebi]
const chopBytes = [64, 128, 256, 512, 1024, 2048]
const roundTripBytes = [0, 16, 64, 256, kibi, 4 * kibi]
const roundTrips = 1000

const families: readonly {
  readonly groups: readonly [string, string]
  readonly values: readonly number[]
  readonly title: (kind: string, value: number) => string
  readonly script: (kind: Kind, value: number) => Script
}[] = [
  {
    groups: ['9.1', '9.2'],
    values: wholeBytes,
    title: (kind, bytes) => `${kind} of ${size(bytes)}`,
    script: (kind, bytes) => large(kind, bytes, bytes, 'one write'),
  },
  {
    groups: ['9.3', '9.4'],
    values: fragmentBytes,
    title: (kind, bytes) => `${kind} of 4 MiB in fragments of ${size(bytes)} and an empty one`,
    script: (kind, bytes) => inFragments(kind, 4 * mebi, bytes),
  },
  {
    groups: ['9.5', '9.6'],
    values: chopBytes,
    title: (kind, bytes) => `${kind} of 1 MiB in TCP segments of ${size(bytes)}`,
    script: (kind, bytes) => large(kind, mebi, mebi, bytes),
  },
  {
    groups: ['9.7', '9.8'],
    values: roundTripBytes,
    title: (kind, bytes) => `${roundTrips} round trips of ${kind} of ${size(bytes)}`,
    script: ({ opcode, make }, bytes) => ({
      ...answered([{ do: 'exchange', opcode, messages: roundTrips, message: () => make(bytes) }], []),
      timeLimitMs,
    }),
  },
]

function large(
  { kind, opcode, make }: Kind,
  bytes: number,
  pieceBytes: number,
  how: 'one write' | number,
): Script {
  const payload = make(bytes)
  return {
    ...answered([send(fragmented(opcode, payload, pieceBytes), how)], [{ kind, payload }]),
    timeLimitMs,
  }
}

/** As a sender makes them that learns only afterwards that there is no more. */
function inFragments({ kind, opcode, make }: Kind, bytes: number, pieceBytes: number): Script {
  const payload = make(bytes)
  const frames = fragmented(opcode, payload, pieceBytes).map((frame) => ({ ...frame, final: false }))
  return {
    ...answered([send([...frames, { opcode: continuation }])], [{ kind, payload }]),
    timeLimitMs,
  }
}

function size(bytes: number): string {
  if (bytes >= mebi) return `${bytes / mebi} MiB`
  return bytes >= kibi ? `${bytes / kibi} KiB` : `${bytes} bytes`
}

export const limits: readonly Case[] = families.flatMap(({ groups, values, title, script }) =>
  kinds.flatMap((kind, which) =>
    values.map((value, index) => ({
      number: `${groups[which]}.${index + 1}`,
      title: title(kind.kind, value),
      script: () => script(kind, value),
    })),
  ),
)

export const autoFragments: readonly Case[] = [
  {
    number: '10.1.1',
    title: 'text of 64 KiB in fragments of 1,300 bytes',
    script: () => {
      const payload = textOf(64 * kibi)
      return answered([send(fragmented(text, payload, 1300), 'frames')], [{ kind: 'text', payload }])
    },
  },
]
