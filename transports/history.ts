// Reads older messages, beside whatever link is open.
import type { Delivery } from './contract.ts'
import { type Cursor, formatCursor } from './cursor.ts'
import { LinkError } from './errors.ts'
import { answerTimeoutMs, type Fetch, refusal, unreachable } from './http.client.ts'
import { decodePoll } from './wire.ts'

export interface HistoryRequest {
  readonly fetch: Fetch
  readonly base: URL
  readonly room: string
  /** The position that the messages are to lead up to: the `after` of the oldest delivery held. */
  readonly before: Cursor
  /** At most this many messages. */
  readonly limit: number
  readonly signal?: AbortSignal
}

/**
 * The messages that lead up to `before`, oldest first; none when there are none any more. A gap or a reset says that the log
 * cannot answer for that position. Rejects with a `LinkError`.
 */
export async function readHistory(request: HistoryRequest): Promise<Delivery> {
  const { fetch, base, room, before, limit } = request
  const url = new URL(`/rooms/${encodeURIComponent(room)}/messages`, base)
  url.searchParams.set('before', formatCursor(before))
  url.searchParams.set('limit', String(limit))
  const timeout = AbortSignal.timeout(answerTimeoutMs)
  const signal = request.signal === undefined ? timeout : AbortSignal.any([request.signal, timeout])
  const isLate = () => timeout.aborted && request.signal?.aborted !== true
  try {
    const response = await fetch(url, { cache: 'no-store', redirect: 'error', signal })
    if (response.status !== 200) throw await refusal(response)
    const { head: _, ...delivery } = decodePoll(await response.text())
    return delivery
  } catch (error) {
    if (isLate()) throw new LinkError('idle', `No answer within ${answerTimeoutMs / 1000} s.`, { error })
    throw unreachable(error, signal)
  }
}
