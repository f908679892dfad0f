// One question for what follows a cursor, as short and long polls ask it, and what its answer says.
import { awakeTimeout } from './awake-timeout.ts'
import type { Clock } from './clock.ts'
import type { Delivery, Negotiated } from './contract.ts'
import { type Cursor, formatCursor } from './cursor.ts'
import { LinkError } from './errors.ts'
import {
  answerTimeoutMs,
  type Counter,
  type Fetch,
  negotiatedIn,
  refusal,
  unreachable,
} from './http.client.ts'
import { decodePoll, type PollDocument } from './wire.ts'

export interface PollQuestion {
  readonly fetch: Fetch
  readonly counter: Counter
  readonly url: URL
  /** The position whose tag is sent along: nothing new is a 304 then. */
  readonly known?: Cursor
  readonly signal: AbortSignal
  /** How long the answer may take, in ms. */
  readonly timeoutMs?: number
  readonly clock?: Clock
}

export interface PollAnswer {
  /** Null: 304, nothing new. */
  readonly document: PollDocument | null
  readonly negotiated: Negotiated
}

/** Asks once. Rejects with a `LinkError`: 'idle' when no answer came in time, 'local' when the signal gave up. */
export async function poll(question: PollQuestion): Promise<PollAnswer> {
  const { fetch, counter, url, known, signal, timeoutMs = answerTimeoutMs, clock } = question
  counter.requests += 1
  const timeout = awakeTimeout(timeoutMs, clock)
  try {
    const response = await fetch(url, {
      headers: known === undefined ? {} : { 'if-none-match': `"${formatCursor(known)}"` },
      // The browser's cache would add its own question to ours.
      cache: 'no-store',
      redirect: 'error',
      signal: AbortSignal.any([signal, timeout.signal]),
    })
    counter.reads += 1
    if (response.status !== 200 && response.status !== 304) throw await refusal(response)
    const negotiated = negotiatedIn(response)
    if (negotiated === null) throw new LinkError('protocol', 'The answer does not come from a Parley server.')
    const body = await response.arrayBuffer()
    counter.payloadBytesDown += body.byteLength
    if (response.status === 304) return { document: null, negotiated }
    return { document: decodePoll(new TextDecoder().decode(body)), negotiated }
  } catch (error) {
    if (timeout.signal.aborted && !signal.aborted)
      throw new LinkError('idle', `No answer within ${timeoutMs / 1000} s.`, { error })
    throw unreachable(error, signal)
  } finally {
    timeout.clear()
  }
}

/** The question that opens a link: its answer always has a document. */
export async function firstPoll(
  question: Omit<PollQuestion, 'known'>,
): Promise<{ readonly document: PollDocument; readonly negotiated: Negotiated }> {
  const { document, negotiated } = await poll(question)
  if (document !== null) return { document, negotiated }
  throw new LinkError('protocol', 'The server answered "nothing new" to a first question.')
}

/** Where a link begins whose first answer this is. */
export function startIn(first: PollDocument): Cursor {
  return first.kind === 'reset' ? first.cursor : first.after
}

/** The delivery that an answer brings. */
export function deliveryIn({ head: _, ...delivery }: PollDocument): Delivery {
  return delivery
}
