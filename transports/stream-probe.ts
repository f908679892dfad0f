// How a stream that can't be asked anything is asked all the same: a request beside it (R35).
import { awakeTimeout } from './awake-timeout.ts'
import type { Clock } from './clock.ts'
import type { OpenRequest } from './contract.ts'
import { type Cursor, formatCursor } from './cursor.ts'
import type { LinkError } from './errors.ts'
import { type Counter, type Fetch, roomUrl, unreachable } from './http.client.ts'
import { utf8Bytes } from './text.ts'
import { decodePoll } from './wire.ts'

/** How long the server, and then the stream, may take to answer, in ms. */
export const probeTimeoutMs = 5000

export interface StreamProbeParts {
  readonly fetch: Fetch
  readonly counter: Counter
  readonly request: OpenRequest
  /** Ends with the link. */
  readonly signal: AbortSignal
  readonly clock: Clock
  /** The end of what the stream has brought. */
  cursor(): Cursor
  /** The server has more than the stream has brought: it must bring something within so many ms. */
  demand(limitMs: number): void
  /** The server gives no sign of life; `idle`, with the reason in words. */
  silent(detail: string): void
  failed(error: LinkError): void
}

export class StreamProbe {
  readonly #parts: StreamProbeParts
  #isAsking = false

  constructor(parts: StreamProbeParts) {
    this.#parts = parts
  }

  /** Learns whether the server is there, and whether there is something that the stream should have brought. */
  ask(): void {
    if (this.#isAsking || this.#parts.signal.aborted) return
    this.#isAsking = true
    void this.#ask().finally(() => {
      this.#isAsking = false
    })
  }

  async #ask(): Promise<void> {
    const { fetch, counter, request, signal, clock } = this.#parts
    const asked = this.#parts.cursor()
    const url = roomUrl(request, 'messages', { after: asked })
    url.searchParams.set('limit', '1')
    const timeout = awakeTimeout(probeTimeoutMs, clock)
    counter.requests += 1
    const { reads } = counter
    try {
      const response = await fetch(url, {
        headers: { 'if-none-match': `"${formatCursor(asked)}"` },
        cache: 'no-store',
        redirect: 'error',
        signal: AbortSignal.any([signal, timeout.signal]),
      })
      const body = await response.text()
      counter.payloadBytesDown += utf8Bytes(body)
      // Whoever refuses it for now is there; nothing new means that the stream has kept up.
      if (response.status !== 200 || signal.aborted) return
      const { head } = decodePoll(body)
      const { epoch, offset } = this.#parts.cursor()
      if (head.epoch !== epoch || head.offset > offset) this.#parts.demand(probeTimeoutMs)
    } catch (error) {
      if (signal.aborted) return
      if (!timeout.signal.aborted) this.#parts.failed(unreachable(error, signal))
      // On a slow network the answer waits behind what the stream brings, which is all the sign that is asked for.
      else if (counter.reads === reads)
        this.#parts.silent(`The server did not answer within ${probeTimeoutMs / 1000} s.`)
    } finally {
      timeout.clear()
    }
  }
}
