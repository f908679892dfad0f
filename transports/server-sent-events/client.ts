// Server-sent events, client half: over the browser's own EventSource, or over ours in Node.
import { type Clock, systemClock } from '../clock.ts'
import type { ClientTransport, Link, OpenRequest } from '../contract.ts'
import { LinkError, messageOf } from '../errors.ts'
import { type Counter, type Fetch, newCounter, roomUrl } from '../http.client.ts'
import { goodbyeError, type Hello } from '../wire.ts'
import { whyNotOpened } from './diagnosis.ts'
import { EventLink, readEvent, silence } from './event-link.ts'
import type { EventSourceConstructor, EventSourceLike } from './fetch-event-source.ts'

export interface ServerSentEventsOptions {
  readonly EventSource: EventSourceConstructor
  /** For sends, and to ask why a stream failed: an EventSource does not tell. */
  readonly fetch: Fetch
  readonly clock?: Clock
}

export class ServerSentEventsTransport implements ClientTransport {
  readonly name = 'server-sent-events'
  readonly #options: ServerSentEventsOptions

  constructor(options: ServerSentEventsOptions) {
    this.#options = options
  }

  missing(base: URL): readonly string[] {
    const missing: string[] = []
    if (base.protocol !== 'http:' && base.protocol !== 'https:')
      missing.push('Server-sent events need an http: or https: address.')
    if (typeof this.#options.EventSource !== 'function') missing.push('This runtime has no EventSource.')
    return missing
  }

  open(request: OpenRequest): Promise<Link> {
    const { EventSource, fetch, clock = systemClock } = this.#options
    return new Promise((resolve, reject) => {
      if (request.signal.aborted) {
        reject(new LinkError('local', 'Given up.'))
        return
      }
      const url = roomUrl(request, 'stream', request.start)
      const source = new EventSource(url.href)
      const giveUp = () => fail(new LinkError('local', 'Given up.'))
      const fail = (error: LinkError) => {
        request.signal.removeEventListener('abort', giveUp)
        close(source)
        reject(error)
      }
      request.signal.addEventListener('abort', giveUp)
      const counter = newCounter()
      counter.requests = 1
      source.onmessage = ({ data }: { readonly data: unknown }) => {
        try {
          const hello = helloIn(data, counter)
          request.signal.removeEventListener('abort', giveUp)
          resolve(new EventLink({ source, request, hello, counter, fetch, clock, url }))
        } catch (error) {
          fail(error instanceof LinkError ? error : new LinkError('protocol', messageOf(error), { error }))
        }
      }
      // It would go on by itself, if it can; a link that is not open is the session's to try again.
      source.onerror = ({ error }: { readonly error?: unknown }) => {
        close(source)
        if (error instanceof LinkError) fail(error)
        else void whyNotOpened(fetch, url, request.signal).then(fail)
      }
    })
  }
}

function close(source: EventSourceLike): void {
  silence(source)
  source.close()
}

function helloIn(data: unknown, counter: Counter): Hello {
  const document = readEvent(data, counter)
  if (document.kind === 'goodbye') throw goodbyeError(document)
  if (document.kind !== 'hello') throw new LinkError('protocol', 'The stream does not begin with a hello.')
  return document
}
