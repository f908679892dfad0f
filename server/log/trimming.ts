// Trimming: what is older or more than is to be kept goes, a bounded number of rows at a time.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Keep } from '../keep.ts'
import { offsetOf, positionOf } from './database.ts'
import type { RoomState } from './room-state.ts'

/** Rows that one transaction deletes at most, so that trimming never holds the event loop for long. */
export const trimRows = 512

/** What a transaction has trimmed of a room; it counts from the commit on. */
export interface Trimmed {
  readonly room: RoomState
  readonly tail: number
  readonly oldestTime: number
}

export class Trimmer {
  readonly #keep: Keep
  readonly #lastBefore: StatementSync
  readonly #timeAt: StatementSync
  readonly #delete: StatementSync
  readonly #note: StatementSync

  constructor(database: DatabaseSync, keep: Keep) {
    this.#keep = keep
    this.#lastBefore = database.prepare(
      'SELECT max(position) AS position FROM (SELECT position, time FROM messages WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?) WHERE time < ?',
    )
    this.#timeAt = database.prepare('SELECT time FROM messages WHERE position = ?')
    this.#delete = database.prepare('DELETE FROM messages WHERE position BETWEEN ? AND ?')
    this.#note = database.prepare('UPDATE rooms SET tail = ?, time = ? WHERE number = ?')
  }

  /** Whether the room holds more than is to be kept. Touches nothing but memory. */
  isDue(room: RoomState, head: number, now: number): boolean {
    const { messages, ageMs } = this.#keep
    if (messages !== null && head - room.tail > messages) return true
    return ageMs !== null && room.oldestTime < now - ageMs
  }

  /** Deletes up to `rows` of the room's oldest messages, inside the caller's transaction. `head` and `time` are as they will be after it. */
  trim(room: RoomState, head: number, time: number, now: number, rows: number): Trimmed | null {
    const tail = Math.min(
      room.tail + rows,
      Math.max(this.#tailByNumber(head), this.#tailByAge(room, head, now)),
    )
    if (tail <= room.tail) return null
    this.#delete.run(positionOf(room.number, room.tail + 1), positionOf(room.number, tail))
    this.#note.run(tail, time, room.number)
    const next = this.#timeAt.get(positionOf(room.number, tail + 1))
    return { room, tail, oldestTime: next === undefined ? Number.POSITIVE_INFINITY : Number(next.time) }
  }

  #tailByNumber(head: number): number {
    return this.#keep.messages === null ? 0 : head - this.#keep.messages
  }

  #tailByAge(room: RoomState, head: number, now: number): number {
    if (this.#keep.ageMs === null) return 0
    const first = positionOf(room.number, room.tail + 1)
    const found = this.#lastBefore.get(
      first,
      positionOf(room.number, head),
      trimRows,
      now - this.#keep.ageMs,
    )?.position
    return typeof found === 'number' ? offsetOf(found) : 0
  }
}
