// A limit for a request that a sleep of this machine does not count against (R35): the answer may have come, and not have been read yet.
import { type CancelTimer, type Clock, systemClock } from './clock.ts'

export interface AwakeTimeout {
  /** Aborts when the time is over. */
  readonly signal: AbortSignal
  /** The answer is here: nothing is aborted any more. */
  clear(): void
}

/** Aborts after `limitMs` of this side being awake. Where the timer comes late by more than a tenth, it was asleep or held up, and the answer has half the time more. */
export function awakeTimeout(limitMs: number, clock: Clock = systemClock): AwakeTimeout {
  const abort = new AbortController()
  let cancel: CancelTimer = () => undefined
  const wait = (delayMs: number, isGrace: boolean): void => {
    const dueMs = clock.nowMs() + delayMs
    cancel = clock.after(delayMs, () => {
      if (!isGrace && clock.nowMs() - dueMs > limitMs / 10) wait(limitMs / 2, true)
      else abort.abort(new DOMException(`No answer within ${limitMs} ms.`, 'TimeoutError'))
    })
  }
  wait(limitMs, false)
  return { signal: abort.signal, clear: () => cancel() }
}
