// Why a WebSocket did not open, as far as the same path asked by `fetch` can tell: a browser says nothing about a handshake that failed.
import { LinkError, messageOf } from './errors.ts'
import { type Fetch, refusal } from './http.client.ts'

/** How long the question may take, in ms: another transport may wait for the answer. */
export const diagnosisTimeoutMs = 1000

/** What a browser could see of an opening that failed. */
export interface OpeningSeen {
  /** It had no answer for so long, in ms; absent: it was ended from outside. */
  readonly unansweredMs?: number
  /** The handshake went through, and the server's hello is what didn't come. */
  readonly hadOpened?: boolean
}

/**
 * The error of a WebSocket at this http: or https: address that did not open. Never rejects.
 * The server answers a plain request to a socket's address with 426 (RFC 9110 §15.5.22), or with what it would have said to the handshake.
 */
export async function whyNotOpened(
  fetch: Fetch,
  address: URL,
  signal: AbortSignal,
  seen: OpeningSeen = {},
): Promise<LinkError> {
  const { hadOpened = false, unansweredMs } = seen
  const failed = whatFailed(seen)
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
      const wasRefused = !hadOpened && unansweredMs === undefined
      const met = wasRefused ? 'The handshake was refused' : failed
      return new LinkError('network', `${met}; the same path by fetch ${said}.`)
    }
    if (refused.problem.status !== 426) return refused
    const answers = `${failed}, though the server answers the same path by fetch`
    // A link that was cut in its first moment looks the same as one that is let through and stopped.
    if (hadOpened) return new LinkError('network', `${answers}.`)
    return new LinkError('network', `${answers}: something on the way lets no WebSocket through.`, {
      isBlocked: true,
    })
  } catch (error) {
    const said = timeout.aborted
      ? `has no answer within ${formatSeconds(diagnosisTimeoutMs)}`
      : `fails too: ${messageOf(error).replace(/\.$/, '')}`
    return new LinkError('network', `${failed}; the same path by fetch ${said}.`, { error })
  }
}

function whatFailed({ hadOpened = false, unansweredMs }: OpeningSeen): string {
  if (hadOpened) {
    const hello =
      unansweredMs === undefined ? 'ended before' : `within ${formatSeconds(unansweredMs)} brought not even`
    return `The WebSocket opened, and ${hello} the server’s hello`
  }
  if (unansweredMs === undefined) return 'The handshake failed'
  return `The handshake had no answer within ${formatSeconds(unansweredMs)}`
}

/** `1.3 s`. */
function formatSeconds(durationMs: number): string {
  return `${Math.round(durationMs / 100) / 10} s`
}
