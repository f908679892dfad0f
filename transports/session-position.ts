// Where a session stands in its room's log: what of a delivery is new to it, and what is a gap, another log, or a hole. Pure.
import type { Delivery, Messages } from './contract.ts'
import type { Cursor } from './cursor.ts'
import type { Message } from './message.ts'

/** What a delivery comes to. */
export type Step =
  /** New messages, which continue `after`. */
  | { readonly kind: 'messages'; readonly after: Cursor; readonly messages: readonly Message[] }
  | { readonly kind: 'gap'; readonly after: Cursor }
  | { readonly kind: 'reset' }
  /** It doesn't continue what was handed up so far: the link that brought it is not to be trusted. */
  | { readonly kind: 'hole'; readonly detail: string }
  /** There is nothing new in it. */
  | { readonly kind: 'nothing' }

const nothing: Step = { kind: 'nothing' }

export class Position {
  /** Everything up to here has been handed up; null: the session knows no position yet. */
  cursor: Cursor | null = null
  /** Resets so far. A link remembers how many there were when it was asked for. */
  resets = 0
  /** Messages that came again and were dropped. */
  overlapped = 0

  /** Whether a link that begins here leaves out something that was not handed up yet. */
  isBehind(start: Cursor): boolean {
    const at = this.cursor
    return at !== null && (start.epoch !== at.epoch || start.offset > at.offset)
  }

  /** Moves with what is new in a delivery. `resets`: how many there were when its link was asked for, or told of one itself. */
  take(delivery: Delivery, resets: number): Step {
    switch (delivery.kind) {
      case 'messages':
        return this.#messages(delivery)
      case 'gap': {
        const after = this.cursor
        if (after === null || delivery.cursor.epoch !== after.epoch) return nothing
        if (delivery.cursor.offset <= after.offset) return nothing
        this.cursor = delivery.cursor
        return { kind: 'gap', after }
      }
      case 'reset':
        // Both links of a switch may say so; what is said to a link that was asked for before the first word of it is old.
        if (resets !== this.resets) return nothing
        this.resets += 1
        this.cursor = delivery.cursor
        return { kind: 'reset' }
    }
  }

  #messages({ after, cursor, messages }: Messages): Step {
    const at = this.cursor ?? after
    if (cursor.epoch !== at.epoch || after.offset > at.offset) {
      // A hole, or another log without a word of it. The next link asks for what is missing.
      return { kind: 'hole', detail: `The server skipped from offset ${at.offset} to ${after.offset}.` }
    }
    const known = Math.min(at.offset - after.offset, messages.length)
    this.overlapped += known
    this.cursor = cursor.offset > at.offset ? cursor : at
    return { kind: 'messages', after: at, messages: known === 0 ? messages : messages.slice(known) }
  }
}
