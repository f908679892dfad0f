// A batch: consecutive messages that go out together. It remembers its wire forms, so that a thousand subscribers share one buffer.
import { type Cursor, formatCursor } from '../cursor.ts'
import type { Message } from '../message.ts'

/** One way to write a batch on a wire. Made once for each transport, as a constant. */
export interface WireForm<T> {
  encode(batch: Batch): T
}

export class Batch {
  readonly kind = 'messages'
  readonly after: Cursor
  readonly messages: readonly Message[]
  readonly cursor: Cursor
  #document: string | undefined
  // Two parallel lists, since a batch seldom has more than three forms: a Map costs more than it saves.
  readonly #forms: WireForm<unknown>[] = []
  readonly #encoded: unknown[] = []

  /** `document` is the delivery as JSON, where the caller has it already. */
  constructor(after: Cursor, messages: readonly Message[], document?: string) {
    this.after = after
    this.messages = messages
    this.cursor = { epoch: after.epoch, offset: after.offset + messages.length }
    this.#document = document
  }

  /** The delivery as a JSON document, the stem of every form. */
  get document(): string {
    this.#document ??= `{"kind":"messages","after":"${formatCursor(this.after)}","messages":${JSON.stringify(
      this.messages,
    )},"cursor":"${formatCursor(this.cursor)}"}`
    return this.#document
  }

  /** The batch in this form, encoded at the first call. */
  as<T>(form: WireForm<T>): T {
    const index = this.#forms.indexOf(form)
    if (index >= 0) return this.#encoded[index] as T
    const encoded = form.encode(this)
    this.#forms.push(form)
    this.#encoded.push(encoded)
    return encoded
  }
}
