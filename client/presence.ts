// What the presence light says: the session's state in one word, one sentence and one colour.
import type { SessionState } from '../transports/session.state.ts'
import { secondsUntil } from './format.ts'

export type PresenceTone = 'open' | 'connecting' | 'offline'

export interface Presence {
  readonly tone: PresenceTone
  /** At most two words. */
  readonly word: string
  /** Whole seconds to the next try; null when none is planned. */
  readonly seconds: number | null
}

/** `nowMs`: the same monotonic clock as the state's `retryAtMs`. */
export function presenceOf(state: SessionState, nowMs: number): Presence {
  switch (state.phase) {
    case 'open':
      return { tone: 'open', word: 'connected', seconds: null }
    case 'connecting':
      return { tone: 'connecting', word: 'connecting', seconds: null }
    case 'waiting': {
      const seconds = state.retryAtMs === null ? null : secondsUntil(state.retryAtMs, nowMs)
      return { tone: 'offline', word: 'offline', seconds }
    }
    case 'closed':
      return { tone: 'offline', word: 'ended', seconds: null }
    default:
      return state.phase satisfies never
  }
}
