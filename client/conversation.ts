// What the conversation shows: messages in the log's order, the lab's notes between them, and unsettled drafts at the end.
import type { TransportName } from '../transports/contract.ts'
import type { Cursor } from '../transports/cursor.ts'
import type { Message } from '../transports/message.ts'
import type { DraftView } from '../transports/session.state.ts'

export interface MessageRow {
  readonly kind: 'message'
  readonly key: string
  readonly message: Message
  /** Written here. */
  readonly own: boolean
  /** What it came over; null when it was read from the history. */
  readonly transport: TransportName | null
  /** Opens a group: another author, another minute, or something stood in between. */
  readonly first: boolean
}

export interface NoteRow {
  readonly kind: 'note'
  readonly key: string
  readonly text: string
  /** `loss` tells that messages are missing. */
  readonly tone: 'quiet' | 'loss'
  /** The transport that it is about; null when it is about none. */
  readonly transport: TransportName | null
}

export interface DraftRow {
  readonly kind: 'draft'
  readonly key: string
  readonly view: DraftView
  readonly first: boolean
}

export type Row = MessageRow | NoteRow | DraftRow

/** Rows that are kept; the oldest leave when the reader is at the end, and can be read again from the history. */
export const conversationLimits = { rows: 4000, rowsAfterTrim: 3000 } as const

export class Conversation {
  private settled: (MessageRow | NoteRow)[] = []
  private readonly drafts = new Map<string, DraftView>()
  private readonly ids = new Set<string>()
  private all: readonly Row[] | null = null
  private epoch: string | null = null
  private notes = 0
  /** Counts the messages that came in live, for the pill that says how many are new. */
  arrived = 0
  /** Whether the beginning of the room is on the page. */
  complete = false

  /** All rows in order; the same array until something changes. */
  rows(): readonly Row[] {
    this.all ??= [...this.settled, ...this.draftRows()]
    return this.all
  }

  /** Adds messages of the log's end. Those that are here already are left out. */
  append(messages: readonly Message[], epoch: string, transport: TransportName | null, own: OwnIds): void {
    this.epoch = epoch
    for (const message of messages) {
      const newest = this.newest()
      if (newest !== null && message.offset <= newest.offset) continue
      if (newest === null && message.offset === 1) this.complete = true
      this.drafts.delete(message.id)
      const previous = this.settled.at(-1)
      this.settled.push(this.messageRow(message, own.has(message.id), transport, previous))
      this.arrived += 1
    }
    this.changed()
  }

  /** Adds older messages in front. Those that are here already are left out. */
  prepend(messages: readonly Message[], own: OwnIds): void {
    const oldest = this.firstOffset()
    const older = oldest === null ? messages : messages.filter((message) => message.offset < oldest)
    const rows: MessageRow[] = []
    for (const message of older) {
      rows.push(this.messageRow(message, own.has(message.id), null, rows.at(-1)))
    }
    if (rows[0]?.message.offset === 1) this.complete = true
    const next = this.settled[0]
    if (next?.kind === 'message') {
      this.settled[0] = { ...next, first: opensGroup(next.message, rows.at(-1)) }
    }
    this.settled = [...rows, ...this.settled]
    this.changed()
  }

  note(text: string, tone: NoteRow['tone'] = 'quiet', transport: TransportName | null = null): void {
    this.notes += 1
    this.settled.push({ kind: 'note', key: `note-${this.notes}`, text, tone, transport })
    this.changed()
  }

  /** From here on the messages are another log's. */
  reset(epoch: string, text: string): void {
    this.epoch = epoch
    this.note(text, 'loss')
    // What stands above can't be continued: offsets of two logs do not compare.
    this.complete = true
    this.boundary = this.settled.length
  }

  /** Shows a draft, or what became of it. A stored one stays until it comes back as a message. */
  draft(view: DraftView): void {
    if (this.ids.has(view.draft.id)) return
    this.drafts.set(view.draft.id, view)
    this.changed()
  }

  discard(id: string): void {
    this.drafts.delete(id)
    this.changed()
  }

  /** The position before the oldest message here, which older ones end at; null when there is nothing older to ask for. */
  beforeOldest(): Cursor | null {
    const offset = this.firstOffset()
    if (this.epoch === null || offset === null || this.complete) return null
    return { epoch: this.epoch, offset: offset - 1 }
  }

  /** Lets the oldest rows go when there are too many. Call it only while they are out of sight. */
  trim(): void {
    if (this.settled.length <= conversationLimits.rows) return
    const leaving = this.settled.length - conversationLimits.rowsAfterTrim
    for (const row of this.settled.splice(0, leaving)) {
      if (row.kind === 'message') this.ids.delete(row.message.id)
    }
    this.boundary = Math.max(0, this.boundary - leaving)
    if (this.boundary === 0) this.complete = false
    const next = this.settled[0]
    if (next?.kind === 'message') this.settled[0] = { ...next, first: true }
    this.changed()
  }

  /** Where the current log's rows begin. */
  private boundary = 0

  private newest(): Message | null {
    for (let index = this.settled.length - 1; index >= this.boundary; index--) {
      const row = this.settled[index]
      if (row?.kind === 'message') return row.message
    }
    return null
  }

  private firstOffset(): number | null {
    for (let index = this.boundary; index < this.settled.length; index++) {
      const row = this.settled[index]
      if (row?.kind === 'message') return row.message.offset
    }
    return null
  }

  private messageRow(
    message: Message,
    own: boolean,
    transport: TransportName | null,
    previous: Row | undefined,
  ): MessageRow {
    // The id is the key, so that a draft that becomes a message keeps its place. A server that gave an id twice gets two keys.
    const key = this.ids.has(message.id) ? `${message.id}@${message.offset}` : message.id
    this.ids.add(message.id)
    return { kind: 'message', key, message, own, transport, first: opensGroup(message, previous) }
  }

  private draftRows(): DraftRow[] {
    const last = this.settled.at(-1)
    let author = last?.kind === 'message' && last.own ? last.message.user : null
    return [...this.drafts.values()].map((view) => {
      const first = view.draft.user !== author
      author = view.draft.user
      return { kind: 'draft', key: view.draft.id, view, first }
    })
  }

  private changed(): void {
    this.all = null
  }
}

/** Tells which messages were written here. */
export interface OwnIds {
  has(id: string): boolean
}

const minuteMs = 60_000

/** Whether a message opens a group: after another author, in another minute, or after something that is no message. */
export function opensGroup(message: Message, previous: Row | undefined): boolean {
  if (previous === undefined || previous.kind !== 'message') return true
  if (previous.message.user !== message.user) return true
  return Math.floor(previous.message.time / minuteMs) !== Math.floor(message.time / minuteMs)
}
