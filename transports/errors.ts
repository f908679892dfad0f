// The errors that cross the shared interface, one class for each question a caller asks.
import type { Problem } from './problem.ts'

/** The caller's mistake: a call that can never succeed as it stands. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Why a link could not be opened, or why an open one ended. */
export type LinkCause =
  | 'local' // this side closed it
  | 'replaced' // a newer link of the same session took over
  | 'peer' // the other side said goodbye: it restarts or shuts down
  | 'idle' // no sign of life within the time allowed
  | 'slow' // this side did not read fast enough
  | 'protocol' // the peer said something that the protocol does not allow
  | 'network' // the connection failed underneath
  | 'refused' // the server will not have this link as it is

/** Opening failed. Nobody holds a link. */
export class LinkError extends Error {
  override readonly name = 'LinkError'
  override readonly cause: LinkCause
  /** Whether opening the same link again may succeed. */
  readonly retry: boolean
  /** How long the server asks to wait first, in ms. */
  readonly retryAfterMs: number | undefined
  /** The server's own words, where it had any. */
  readonly problem: Problem | undefined
  /** The server is there, and answers by other means: something on the way stops this transport. */
  readonly isBlocked: boolean

  constructor(
    cause: LinkCause,
    detail: string,
    options: {
      retry?: boolean
      retryAfterMs?: number | undefined
      problem?: Problem | undefined
      isBlocked?: boolean
      error?: unknown
    } = {},
  ) {
    super(detail)
    this.cause = cause
    this.retry = options.retry ?? cause !== 'refused'
    this.retryAfterMs = options.retryAfterMs
    this.problem = options.problem
    this.isBlocked = options.isBlocked ?? false
    if (options.error !== undefined) this.error = options.error
  }

  /** What was thrown underneath. */
  readonly error?: unknown
}

/** Whether somebody on the way refused it, in the server's place: Parley says why in a problem. */
export function isOfAnother({ cause, problem }: LinkError): boolean {
  return cause === 'refused' && problem === undefined
}

/** A send failed. `stored` is the fate of the draft: 'no', it is not in the log; 'unknown', it may be (send it again: the id makes that safe). */
export class SendError extends Error {
  override readonly name = 'SendError'
  readonly stored: 'no' | 'unknown'
  /** Whether the same draft may be accepted later (a rate limit, a full queue). */
  readonly retry: boolean
  readonly retryAfterMs: number | undefined
  readonly problem: Problem | undefined

  constructor(
    stored: 'no' | 'unknown',
    detail: string,
    options: {
      retry?: boolean
      retryAfterMs?: number | undefined
      problem?: Problem | undefined
      cause?: unknown
    } = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.stored = stored
    this.retry = options.retry ?? stored === 'unknown'
    this.retryAfterMs = options.retryAfterMs
    this.problem = options.problem
  }
}

/** Why a signal gave an opening up: it took too long. */
export class OpeningTooLate extends Error {
  override readonly name = 'OpeningTooLate'
  readonly afterMs: number

  constructor(afterMs: number) {
    super(`The link did not open within ${Math.round(afterMs / 100) / 10} s.`)
    this.afterMs = afterMs
  }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
