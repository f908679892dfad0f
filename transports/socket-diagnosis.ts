// Why a WebSocket did not open, as far as the same path asked by `fetch` can tell: a browser says nothing about a handshake that failed.
import { LinkError, messageOf } from './errors.ts'
import { type Fetch, refusal } from './http.client.ts'

/** How long the question may take, in ms: another transport may wait for the answer. */
export const diagnosisTimeoutMs = 1000

/**
 * The error of a handshake that failed at this http: or https: address. Never rejects.
 * The server answers a plain request to a socket's address with 426 (RFC 9110 §15.5.22), or with what it would have said to the handshake.
 */
export async function whyNotOpened(fetch: Fetch, address: URL, signal: AbortSignal): Promise<LinkError> {
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
      return new LinkError('network', `The handshake was refused; the same path by fetch ${said}.`)
    }
    if (refused.problem.status !== 426) return refused
    const detail =
      'The handshake failed, though the server answers the same path by fetch: something on the way lets no WebSocket through.'
    return new LinkError('network', detail)
  } catch (error) {
    const said = timeout.aborted
      ? `has no answer within ${diagnosisTimeoutMs / 1000} s`
      : `fails too: ${messageOf(error).replace(/\.$/, '')}`
    return new LinkError('network', `The handshake failed; the same path by fetch ${said}.`, { error })
  }
}
