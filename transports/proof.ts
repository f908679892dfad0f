// Counts what must not happen: messages lost, handed up twice or out of order. Knows nothing of the session's own bookkeeping.
import type { Cursor } from './cursor.ts'
import type { Message } from './message.ts'

/** Watches the offsets that reach the application. Gaps and resets that were told are no losses; silent ones are. */
export class Proof {
  /** Offsets that were skipped without a word. */
  lost = 0
  /** Messages handed up again. */
  duplicated = 0
  /** Messages handed up after one that follows them. */
  reordered = 0
  /** Messages seen, each once. */
  seen = 0
  #epoch: string | null = null
  #highest = 0
  /** Skipped offsets that may yet come. */
  readonly #missing = new Set<number>()

  observe(
    event:
      | { readonly kind: 'messages'; readonly messages: readonly Message[]; readonly cursor: Cursor }
      | { readonly kind: 'gap'; readonly cursor: Cursor }
      | { readonly kind: 'reset'; readonly cursor: Cursor }
      | { readonly kind: string },
  ): void {
    if (event.kind === 'messages' && 'messages' in event) this.#messages(event.messages, event.cursor.epoch)
    else if ((event.kind === 'gap' || event.kind === 'reset') && 'cursor' in event) this.#jump(event.cursor)
  }

  #messages(messages: readonly Message[], epoch: string): void {
    for (const { offset } of messages) {
      if (this.#epoch === null) {
        this.#epoch = epoch
        this.#highest = offset - 1
      }
      if (epoch !== this.#epoch) {
        // Another log without a reset: everything of it is out of place.
        this.reordered += 1
        continue
      }
      if (offset > this.#highest) this.#forward(offset)
      else if (this.#missing.delete(offset)) {
        this.lost -= 1
        this.reordered += 1
        this.seen += 1
      } else this.duplicated += 1
    }
  }

  #forward(offset: number): void {
    for (let skipped = this.#highest + 1; skipped < offset; skipped++) {
      this.#missing.add(skipped)
      this.lost += 1
    }
    this.#highest = offset
    this.seen += 1
  }

  #jump(cursor: Cursor): void {
    this.#epoch = cursor.epoch
    this.#highest = cursor.offset
    this.#missing.clear()
  }
}
