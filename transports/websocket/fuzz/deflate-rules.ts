// Where our decoder and the `ws` library's differ on purpose when messages are compressed.
import { fuzzLimits } from './limits.ts'
import type { Rule } from './rules.ts'

const { maxMessageBytes } = fuzzLimits

export const deflateRules: readonly Rule[] = [
  {
    name: 'inflates-as-it-arrives',
    clause: 'RFC 7692 §7.2.2, RFC 6455 §7.1.7',
    why: 'what has arrived of a frame is inflated at once: what is corrupt fails with 1007, what is too big with 1009; ws waits for the whole frame, which this trace ends before',
    explains: ({ messages, at, ours, theirs }) => {
      const last = messages.at(-1)
      if (last === undefined || last.inflated === null || last.frame.whole) return false
      const { corrupt, beyondWindow } = last.inflated
      const tooBig = last.content.length > maxMessageBytes
      const fault = tooBig ? 'failure 1009' : corrupt || beyondWindow ? 'failure 1007' : null
      return theirs === undefined && ours === fault && last.frame.eventsBefore === at
    },
  },
  {
    name: 'compressed-length-limit',
    clause: 'RFC 7692 §7.2.1, RFC 6455 §10.4',
    why: 'the limit is for what is in a message, which compressed may be longer (data that can’t be compressed, many flushes): ours lets it be an eighth and 1 KiB longer, ws fails with 1009',
    explains: ({ messages, at, theirs }) =>
      theirs === 'failure 1009' &&
      messages.some(
        ({ frame, declaredBytes, inflated }) =>
          inflated !== null && declaredBytes > maxMessageBytes && frame.eventsBefore === at,
      ),
  },
  {
    name: 'limit-before-corruption',
    clause: 'RFC 6455 §7.1.7, §10.4',
    why: 'a message is too big before it is corrupt: ours stops at the limit (1009); ws inflates 16 KiB at a time, and then knows only of what is corrupt (1007)',
    explains: ({ messages, at, ours, theirs }) =>
      ours === 'failure 1009' &&
      theirs === 'failure 1007' &&
      messages.some(
        ({ frame, content, inflated }) =>
          inflated?.corrupt === true && content.length > maxMessageBytes && frame.eventsBefore === at,
      ),
  },
  {
    name: 'goes-on-after-final-block',
    clause: 'RFC 7692 §7.2.3.4',
    why: 'a message may have blocks after one that says that it is the last: ours goes on with them; ws drops what follows in its frame, or if nothing does, the next frame',
    explains: ({ messages, at }) =>
      messages.some(({ frame, inflated }) => inflated?.goesOnAfterFinal === true && frame.eventsBefore <= at),
  },
  {
    name: 'beyond-the-window',
    clause: 'RFC 7692 §7.1.2',
    why: 'a peer refers further back than the window that was agreed on: whether zlib notices depends on how much of what comes out is still in its hands, for either',
    explains: ({ messages, at }) =>
      messages.some(({ frame, inflated }) => inflated?.beyondWindow === true && frame.eventsBefore <= at),
  },
]
