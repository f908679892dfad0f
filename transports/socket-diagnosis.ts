// Why a WebSocket did not open, as far as the same path asked by `fetch` can tell: a browser says nothing about a handshake that failed.
import { LinkError, messageOf } from './errors.ts'
import { type Fetch, refusal } from './http.client.ts'

/** How long the question may take, in ms: another transport may wait for the answer. */
export const diagnosisTimeoutMs = 1000

/**
 * The error of a handshake that failed at this http: or https: address; `unansweredMs`: that had no answer for so long, in ms. Never rejects.
 * The server answers a plain request to a socket's address with 426 (RFC 9110 §15.5.22), or with what it would have said to the handshake.
 */
export async function whyNotOpened(
  fetch: Fetch,
  address: URL,
  signal: AbortSignal,
  unansweredMs?: number,
): Promise<LinkError> {
  const isUnanswered = unansweredMs !== undefined
  const failed = isUnanswered ? `had no answer within ${formatSeconds(unansweredMs)}` : 'failed'
  const timeout = AbortSignal.timeout(diagnosisTimeoutMs)
  try {
    const response = await fetch(address, {
      cache: 'no-store',
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout]),
    })
    const refused = await refusal(response)
    if (refused.problem === undefined) {
      // A redirect that isn't followed has no status that a page may see (Fetch §3.1.7).
      const said = response.status === 0 ? 'leads elsewhere' : `answers ${response.status}`
      const met = isUnanswered ? failed : 'was refused'
      return new LinkError('network', `The handshake ${met}; the same path by fetch ${said}.`)
    }
    if (refused.problem.status !== 426) return refused
    const detail = `The handshake ${failed}, though the server answers the same path by fetch: something on the way lets no WebSocket through.`
    return new LinkError('network', detail, { isBlocked: true })
  } catch (error) {
    const said = timeout.aborted
      ? `has no answer within ${formatSeconds(diagnosisTimeoutMs)}`
      : `fails too: ${messageOf(error).replace(/\.$/, '')}`
    return new LinkError('network', `The handshake ${failed}; the same path by fetch ${said}.`, { error })
  }
}

/** `1.3 s`. */
function formatSeconds(durationMs: number): string {
  return `${Math.round(durationMs / 100) / 10} s`
}
