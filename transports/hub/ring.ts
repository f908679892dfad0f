// The newest messages of a room in memory, with their JSON, so that a batch and a late reader's page need neither the log nor another encoding.
import { type Cursor, formatCursor } from '../cursor.ts'
import { serverLimits } from '../limits.ts'
import type { Message } from '../message.ts'
import { utf8Bytes } from '../text.ts'
import { Batch } from './batch.ts'

interface Entry {
  readonly message: Message
  readonly json: string
  readonly bytes: number
}

export class Ring {
  head: Cursor
  /** Oldest first; the last one's offset is the head's. Its front is cut in strides, see `#trim`. */
  #entries: Entry[] = []
  #bytes = 0
  readonly #maximumBytes: () => number

  constructor(head: Cursor, maximumBytes: () => number) {
    this.head = head
    this.#maximumBytes = maximumBytes
  }

  /**
   * Takes what was appended at the head and gives it back as batches of at most `serverLimits.batchBytes`, or one message.
   * The head moves with each batch: whoever comes while one is handed out starts behind it.
   */
  *push(messages: readonly Message[]): Generator<Batch, void> {
    const entries = messages.map((message) => {
      const json = JSON.stringify(message)
      return { message, json, bytes: utf8Bytes(json) + 1 }
    })
    for (let from = 0; from < entries.length; ) {
      const until = fitting(entries, from, serverLimits.batchBytes)
      const batch = batchOf(this.head, entries, from, until)
      this.head = batch.cursor
      for (const entry of entries.slice(from, until)) {
        this.#entries.push(entry)
        this.#bytes += entry.bytes
      }
      this.#trim()
      from = until
      yield batch
    }
  }

  /** The messages after `cursor`, at most `bytes` of them, or null when they are not all here. */
  after(cursor: Cursor, bytes: number): Batch | null {
    const tail = this.head.offset - this.#entries.length
    if (cursor.epoch !== this.head.epoch || cursor.offset < tail || cursor.offset > this.head.offset)
      return null
    const from = cursor.offset - tail
    return batchOf(cursor, this.#entries, from, fitting(this.#entries, from, bytes))
  }

  #trim(): void {
    const maximum = this.#maximumBytes()
    if (this.#bytes <= maximum && this.#entries.length <= serverLimits.ringMessages) return
    // Down to three quarters, so that the moving costs little for each message.
    let cut = 0
    while (
      cut < this.#entries.length &&
      (this.#bytes > maximum * 0.75 || this.#entries.length - cut > serverLimits.ringMessages * 0.75)
    ) {
      this.#bytes -= this.#entries[cut]?.bytes ?? 0
      cut += 1
    }
    this.#entries = this.#entries.slice(cut)
  }
}

function fitting(entries: readonly Entry[], from: number, bytes: number): number {
  let total = 0
  let until = from
  while (until < entries.length) {
    total += entries[until]?.bytes ?? 0
    if (total > bytes && until > from) break
    until += 1
  }
  return until
}

function batchOf(after: Cursor, entries: readonly Entry[], from: number, until: number): Batch {
  const part = entries.slice(from, until)
  const cursor = formatCursor({ epoch: after.epoch, offset: after.offset + part.length })
  const list = part.map((entry) => entry.json).join(',')
  const messages = part.map((entry) => entry.message)
  return new Batch(
    after,
    messages,
    `{"kind":"messages","after":"${formatCursor(after)}","messages":[${list}],"cursor":"${cursor}"}`,
  )
}
