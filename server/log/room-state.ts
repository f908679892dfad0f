// What the log knows of each room without asking the database: loaded once, changed only after a commit.
import type { DatabaseSync } from 'node:sqlite'
import { offsetOf, positionOf } from './database.ts'

export interface RoomState {
  readonly name: string
  readonly number: number
  /** The newest message's offset. */
  head: number
  /** The offset before the oldest message kept. */
  tail: number
  /** The newest message's time: the room's clock never goes behind it. */
  time: number
  /** The oldest kept message's time; infinite when none is kept. */
  oldestTime: number
}

/** The first state of a room that has no message yet. */
export function newRoom(name: string, number: number): RoomState {
  return { name, number, head: 0, tail: 0, time: 0, oldestTime: Number.POSITIVE_INFINITY }
}

/** Reads all rooms: two look-ups in the table's B-tree for each. */
export function loadRooms(database: DatabaseSync): Map<string, RoomState> {
  const newest = database.prepare(
    'SELECT position, time FROM messages WHERE position BETWEEN ? AND ? ORDER BY position DESC LIMIT 1',
  )
  const oldest = database.prepare(
    'SELECT position, time FROM messages WHERE position BETWEEN ? AND ? ORDER BY position LIMIT 1',
  )
  const rooms = new Map<string, RoomState>()
  for (const row of database.prepare('SELECT number, name, tail, time FROM rooms ORDER BY number').all()) {
    const number = Number(row.number)
    const bounds = [positionOf(number, 0), positionOf(number + 1, 0) - 1] as const
    const last = newest.get(...bounds)
    const first = oldest.get(...bounds)
    const tail = Number(row.tail)
    const name = String(row.name)
    rooms.set(name, {
      name,
      number,
      // All that the room ever had may be trimmed: its offsets go on from there all the same.
      head: last === undefined ? tail : offsetOf(Number(last.position)),
      tail: first === undefined ? tail : offsetOf(Number(first.position)) - 1,
      time: Math.max(Number(row.time), Number(last?.time ?? 0)),
      oldestTime: first === undefined ? Number.POSITIVE_INFINITY : Number(first.time),
    })
  }
  return rooms
}
