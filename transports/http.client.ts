// What the client halves over HTTP share: addresses, answers that are errors, and sending one draft after the other.
import { awakeTimeout } from './awake-timeout.ts'
import type { Closed, LinkStats, Negotiated, OpenRequest, Receipt, Start } from './contract.ts'
import { formatCursor } from './cursor.ts'
import { isOfAnother, LinkError, messageOf, SendError } from './errors.ts'
import type { Draft } from './message.ts'
import { type Problem, problemName } from './problem.ts'
import { utf8Bytes } from './text.ts'
import { decodeProblem, decodeReceipt } from './wire.ts'

/** The platform's `fetch`; in Node one that speaks HTTP/2, such as undici's with `allowH2`. */
export type Fetch = (input: URL, init?: RequestInit) => Promise<Response>

/** How long an answer may take before the request is given up, in ms. */
export const answerTimeoutMs = 10_000

/** Counts what a link moves. */
export type Counter = { -readonly [name in keyof LinkStats]: LinkStats[name] }

export function newCounter(): Counter {
  return { payloadBytesUp: 0, payloadBytesDown: 0, requests: 0, reads: 0, bufferedBytes: null }
}

/** The address of a room's resource, with who asks and where to start. */
export function roomUrl(
  request: Pick<OpenRequest, 'base' | 'room' | 'session' | 'link'>,
  resource: string,
  start: Start,
): URL {
  const url = new URL(`/rooms/${encodeURIComponent(request.room)}/${resource}`, request.base)
  if ('after' in start) url.searchParams.set('after', formatCursor(start.after))
  else url.searchParams.set('last', String(start.last))
  url.searchParams.set('session', request.session)
  url.searchParams.set('link', String(request.link))
  return url
}

/** Reads `Parley-Protocol`; null when the answer has none, and so is not Parley's. */
export function negotiatedIn(response: Response): Negotiated | null {
  const match = /^(http\/1\.1|h2)(; tls)?$/.exec(response.headers.get('parley-protocol') ?? '')
  if (match === null) return null
  const protocol = match[1] === 'h2' ? 'h2' : 'http/1.1'
  return { protocol, tls: match[2] !== undefined, subprotocol: null, extensions: [] }
}

/** `Retry-After` in ms, from the problem or the header (RFC 9110 §10.2.3); undefined when neither says. */
function retryAfterOf(response: Response, problem: Problem | null): number | undefined {
  if (problem?.retryAfterMs !== undefined) return problem.retryAfterMs
  const header = response.headers.get('retry-after')
  if (header === null) return undefined
  if (/^[0-9]+$/.test(header)) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}

/** The error of an answer that opens no link. */
export async function refusal(response: Response): Promise<LinkError> {
  const problem = decodeProblem(await response.text().catch(() => ''))
  const retryAfterMs = retryAfterOf(response, problem)
  const name = problem === null ? null : problemName(problem)
  const detail =
    problem?.detail ?? `The server answered ${response.status} ${response.statusText}.`.replace(' .', '.')
  if (name === 'draining')
    return new LinkError('peer', detail, { retryAfterMs, problem: problem ?? undefined })
  if (name === 'replaced')
    return new LinkError('replaced', detail, { retry: false, problem: problem ?? undefined })
  const retry = mayPassLater(response)
  return new LinkError('refused', detail, { retry, retryAfterMs, problem: problem ?? undefined })
}

/** Whether the same request may be answered otherwise later, whoever on the way has refused it. */
function mayPassLater({ status }: Response): boolean {
  return status >= 500 || status === 429 || status === 408
}

/** The error of a request that had no answer. */
export function unreachable(error: unknown, signal: AbortSignal): LinkError {
  if (error instanceof LinkError) return error
  if (signal.aborted) return new LinkError('local', 'Given up.', { error })
  return new LinkError('network', `The server cannot be reached: ${deepest(error)}`, { error })
}

/** The innermost message: `fetch` hides the reason of a failure in `cause`. */
function deepest(error: unknown): string {
  let current = error
  while (current instanceof Error && current.cause instanceof Error) current = current.cause
  return messageOf(current)
}

/** How a link ends that met this error. */
export function closedFor(error: LinkError): Closed {
  const { cause, retryAfterMs } = error
  // It was open: whoever refuses it now in the server's place, a proxy that wants a login say, may be gone in a moment.
  const retry = error.retry || isOfAnother(error)
  return { cause, retry, ...(retryAfterMs === undefined ? {} : { retryAfterMs }), detail: error.message }
}

interface Queued {
  readonly draft: Draft
  resolve(receipt: Receipt): void
  reject(error: SendError): void
}

/** Sends drafts by POST, one at a time and in order, since two requests may overtake each other (R29). */
export class DraftSender {
  readonly #fetch: Fetch
  readonly #url: URL
  readonly #counter: Counter
  readonly #queue: Queued[] = []
  readonly #stop = new AbortController()
  #busy = false

  constructor(fetch: Fetch, request: Pick<OpenRequest, 'base' | 'room'>, counter: Counter) {
    this.#fetch = fetch
    this.#url = new URL(`/rooms/${encodeURIComponent(request.room)}/messages`, request.base)
    this.#counter = counter
  }

  send(draft: Draft): Promise<Receipt> {
    if (this.#stop.signal.aborted) return Promise.reject(neverSent())
    return new Promise((resolve, reject) => {
      this.#queue.push({ draft, resolve, reject })
      void this.#run()
    })
  }

  /** Gives up: what is on its way has an unknown fate, what waits was not sent. */
  close(): void {
    this.#stop.abort()
    for (const queued of this.#queue.splice(0)) queued.reject(neverSent())
  }

  async #run(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      try {
        next.resolve(await this.#post(next.draft))
      } catch (error) {
        const failure =
          error instanceof SendError ? error : new SendError('unknown', messageOf(error), { cause: error })
        next.reject(failure)
        // What comes after a draft that must be sent again must not overtake it.
        if (failure.retry)
          for (const queued of this.#queue.splice(0)) queued.reject(neverSent(failure.retryAfterMs))
      }
    }
    this.#busy = false
  }

  async #post(draft: Draft): Promise<Receipt> {
    const body = JSON.stringify(draft)
    this.#counter.requests += 1
    this.#counter.payloadBytesUp += utf8Bytes(body)
    const timeout = awakeTimeout(answerTimeoutMs)
    const signal = AbortSignal.any([this.#stop.signal, timeout.signal])
    // Called as a plain function: a browser's fetch refuses to be a method of something else.
    const fetch = this.#fetch
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
        cache: 'no-store',
        redirect: 'error',
        signal,
      })
      const text = await response.text()
      this.#counter.payloadBytesDown += utf8Bytes(text)
      if (response.status === 200 || response.status === 201) {
        const receipt = decodeReceipt(text, response.status === 201)
        if (receipt.id === draft.id) return receipt
        throw new LinkError('protocol', 'The server answered about another message.')
      }
      throw refusedSend(response, decodeProblem(text))
    } catch (error) {
      if (error instanceof SendError) throw error
      const detail = `It is not known whether the message was stored: ${deepest(error)}`
      throw new SendError('unknown', detail, { cause: error })
    } finally {
      timeout.clear()
    }
  }
}

function refusedSend(response: Response, problem: Problem | null): SendError {
  const detail = problem?.detail ?? `The server answered ${response.status}.`
  const retryAfterMs = retryAfterOf(response, problem)
  const extra = { retryAfterMs, problem: problem ?? undefined }
  // A proxy's 5xx says nothing about what the server behind it has done; nor does a failure of its own.
  const name = problem === null ? null : problemName(problem)
  const unknown = response.status >= 500 && (name === null || name === 'internal')
  return new SendError(unknown ? 'unknown' : 'no', detail, { ...extra, retry: mayPassLater(response) })
}

function neverSent(retryAfterMs?: number): SendError {
  return new SendError('no', 'It was not sent: the link ended first.', { retry: true, retryAfterMs })
}
