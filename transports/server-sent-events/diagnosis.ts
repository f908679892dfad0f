// Why an event stream failed, as far as the same address asked by `fetch` can tell: an EventSource says nothing about what it was answered.
import { LinkError, messageOf } from '../errors.ts'
import { type Fetch, refusal } from '../http.client.ts'

/** How long the question may take, in ms: another transport may wait for the answer. */
const diagnosisTimeoutMs = 1000

/** The error of a stream that an EventSource gave up. Never rejects. */
export async function whyNotOpened(fetch: Fetch, url: URL, signal: AbortSignal): Promise<LinkError> {
  const timeout = AbortSignal.timeout(diagnosisTimeoutMs)
  const stop = new AbortController()
  try {
    const response = await fetch(url, {
      headers: { accept: 'text/event-stream' },
      cache: 'no-store',
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout, stop.signal]),
    })
    if (response.status !== 200) {
      const refused = await refusal(response)
      if (refused.problem !== undefined) return refused
      const said = response.status === 0 ? 'leads elsewhere' : `answers ${response.status}`
      return new LinkError('network', `The stream failed; the same address by fetch ${said}.`)
    }
    const type = response.headers.get('content-type') ?? ''
    if (!type.startsWith('text/event-stream'))
      return new LinkError(
        'network',
        `What answers is no event stream but "${type}": something on the way answers in the server’s place.`,
      )
    return new LinkError('network', 'The stream was cut, though the server can be reached.')
  } catch (error) {
    if (signal.aborted) return new LinkError('local', 'Given up.', { error })
    const said = timeout.aborted ? `No answer within ${diagnosisTimeoutMs / 1000} s` : messageOf(error)
    return new LinkError('network', `The server cannot be reached: ${said}`, { error })
  } finally {
    // Of a stream that opens nothing is needed but its head.
    stop.abort()
  }
}
