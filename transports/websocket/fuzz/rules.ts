// Where our decoder and the `ws` library's differ on purpose: each rule has its proof from the trace, and its clause of the RFC.
import { concat } from '../protocol/testing.ts'
import type { Agreement } from './agreement.ts'
import { deflateRules } from './deflate-rules.ts'
import { type Evidence, gather, type MessageSoFar } from './evidence.ts'
import { fuzzLimits } from './limits.ts'
import type { Seen } from './listen.ts'
import { isLengthTooLong, isWrongFromHereOn, type ScannedFrame } from './scan.ts'

/** Two verdicts on one trace that part at event `at`. */
interface Difference extends Evidence {
  readonly at: number
  /** Undefined: nothing more. */
  readonly ours: Seen | undefined
  readonly theirs: Seen | undefined
}

export interface Rule {
  readonly name: string
  readonly clause: string
  readonly why: string
  /** Whether this rule is what makes the difference. Judged from the trace alone, by other code than either decoder. */
  explains(difference: Difference): boolean
}

const frameRules: readonly Rule[] = [
  {
    name: 'shortest-length',
    clause: 'RFC 6455 §5.2',
    why: '"the minimal number of bytes MUST be used to encode the length": ours fails with 1002, ws takes any encoding',
    explains: ({ frames, at, ours }) =>
      ours === 'failure 1002' && frames.some((frame) => isLengthTooLong(frame) && frame.eventsBefore === at),
  },
  {
    name: 'utf8-fails-fast',
    clause: 'RFC 6455 §8.1, §7.1.7',
    why: 'bytes that no UTF-8 goes on with fail the connection when they arrive (1007); ws looks when the message is whole, which the peer may never let it be',
    explains: ({ messages, at, ours, theirs }) =>
      ours === 'failure 1007' &&
      !isText(theirs) &&
      messages.some((message) => message.frame.eventsBefore === at && isWrongText(message)),
  },
  {
    name: 'control-frame-limit',
    clause: 'RFC 6455 §10.4',
    why: 'an implementation sets limits of its own: so many control frames between the fragments of one message get 1008; ws has no such limit',
    explains: ({ frames, at, ours }) =>
      ours === 'failure 1008' &&
      countWithinMessage(frames).some(
        ({ frame, controls }) =>
          controls > fuzzLimits.maxControlFramesPerMessage && frame.eventsBefore === at,
      ),
  },
  {
    name: 'fragment-limit-at-header',
    clause: 'RFC 6455 §10.4',
    why: 'a fragment beyond the limit is refused by its header (1008); ws first takes in its payload, which this trace ends before',
    explains: ({ frames, at, ours, theirs }) =>
      ours === 'failure 1008' &&
      theirs === undefined &&
      countWithinMessage(frames).some(
        ({ frame, fragments }) =>
          fragments > fuzzLimits.maxFragments && !frame.whole && frame.eventsBefore === at,
      ),
  },
  {
    name: 'whole-header-first',
    clause: 'RFC 6455 §5.2, §7.1.7',
    why: 'the trace ends within a header, or within a close frame of one byte: ours judges a header when it is whole (up to 13 bytes later, nothing of it acted on), ws after each field; once it is whole both fail alike',
    explains: () => false, // See `explain`: the proof is that the verdicts agree when the trace goes on.
  },
]

export const rules: readonly Rule[] = [...frameRules, ...deflateRules]

export type Verdicts = (trace: Uint8Array) => Promise<{
  readonly ours: readonly Seen[]
  readonly theirs: readonly Seen[]
}>

/** Completes every header, and a close frame of one byte. */
const goingOn = new Uint8Array(16)

/**
 * Whether the two verdicts on a trace are the same; else the rule that explains why not, or null when none does.
 *
 * @param agreement how messages may be compressed; null: not at all
 */
export async function explain(
  trace: Uint8Array,
  agreement: Agreement | null,
  verdicts: Verdicts,
): Promise<Rule | 'agree' | null> {
  const { ours, theirs } = await verdicts(trace)
  const at = firstDifference(ours, theirs)
  if (at === -1) return 'agree'
  const evidence = gather(trace, agreement)
  const difference: Difference = { ...evidence, at, ours: ours[at], theirs: theirs[at] }
  const found = rules.find((rule) => rule.explains(difference))
  if (found !== undefined) return found
  if (difference.ours !== undefined || difference.theirs?.startsWith('failure') !== true) return null
  const last = evidence.frames.at(-1)
  const withinClose = last !== undefined && last.opcode === 8 && last.declaredBytes === 1n && !last.whole
  if (evidence.restBytes === 0 && !withinClose) return null
  const later = await explain(concat(trace, goingOn), agreement, verdicts)
  return later === null ? null : (rules.find((rule) => rule.name === 'whole-header-first') ?? null)
}

function firstDifference(ours: readonly Seen[], theirs: readonly Seen[]): number {
  const length = Math.max(ours.length, theirs.length)
  for (let index = 0; index < length; index++) if (ours[index] !== theirs[index]) return index
  return -1
}

function isText(seen: Seen | undefined): boolean {
  return seen?.startsWith('text') === true
}

/** Whether it is a text that is none, however it goes on. */
function isWrongText({ text, content }: MessageSoFar): boolean {
  return text && isWrongFromHereOn(content)
}

/** For each frame, how many fragments its message has had with it, and how many control frames stand between them. */
function countWithinMessage(
  frames: readonly ScannedFrame[],
): readonly { frame: ScannedFrame; fragments: number; controls: number }[] {
  let fragments = 0
  let controls = 0
  return frames.map((frame) => {
    if (frame.opcode >= 8) {
      if (fragments > 0) controls++
      return { frame, fragments, controls }
    }
    const counted = { frame, fragments: fragments + 1, controls }
    fragments = frame.final ? 0 : fragments + 1
    if (frame.final) controls = 0
    return counted
  })
}
