// The inside of one commit: drafts become rows, surplus rows go. Nothing of it counts until it is settled after the commit.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { UsageError } from '../../transports/errors.ts'
import type { Waiting } from '../../transports/hub/commit-queue.ts'
import type { Appended } from '../../transports/hub/log.ts'
import { serverLimits } from '../../transports/limits.ts'
import type { Draft, Message } from '../../transports/message.ts'
import { ProblemError, problem } from '../../transports/problem.ts'
import { positionOf } from './database.ts'
import { identifierBytes } from './identifier.ts'
import type { Reader } from './reading.ts'
import { newRoom, type RoomState } from './room-state.ts'
import type { Trimmed, Trimmer } from './trimming.ts'

/** How long a sender waits when there can be no new room. */
const retryAfterMs = 60_000

/** A room that the transaction touches, as it will be after the commit. */
interface StagedRoom {
  readonly state: RoomState
  head: number
  time: number
  readonly messages: Message[]
  trimmed: Trimmed | null
}

export class Transaction {
  readonly #rooms: Map<string, RoomState>
  readonly #reader: Reader
  readonly #trimmer: Trimmer
  readonly #insert: StatementSync
  readonly #insertRoom: StatementSync
  readonly #staged = new Map<string, StagedRoom>()

  constructor(database: DatabaseSync, rooms: Map<string, RoomState>, reader: Reader, trimmer: Trimmer) {
    this.#rooms = rooms
    this.#reader = reader
    this.#trimmer = trimmer
    this.#insert = database.prepare(
      'INSERT INTO messages (position, room, id, user, text, time) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (room, id) DO NOTHING',
    )
    this.#insertRoom = database.prepare('INSERT INTO rooms (number, name, tail, time) VALUES (?, ?, 0, 0)')
  }

  /** Inserts the drafts, in order; gives what becomes of each append once it is committed. Throws what the database throws. */
  write(waiting: readonly Waiting[], now: number): readonly (readonly Appended[] | Error)[] {
    return waiting.map(({ room: name, drafts }) => {
      // All ids first: an append that can't be stored is refused as a whole.
      const identifiers = drafts.map((draft) => identifierBytes(draft.id))
      const wrong = identifiers.indexOf(null)
      if (wrong >= 0) return new UsageError(`An id is a UUID in lower case, not "${drafts[wrong]?.id}".`)
      const room = this.#staged.get(name) ?? this.#stage(name)
      if (room === undefined) {
        const detail = `This lab holds at most ${serverLimits.rooms} rooms.`
        return new ProblemError(problem('overloaded', detail, { retryAfterMs }))
      }
      return drafts.map((draft, index) => this.#write(room, draft, identifiers[index] as Buffer, now))
    })
  }

  /** Trims the rooms that are due, the ones just written to among them, `rows` at most in all. */
  trim(due: ReadonlySet<RoomState>, now: number, rows: number): void {
    for (const state of due) if (!this.#staged.has(state.name)) this.#stageKnown(state)
    let left = rows
    for (const room of this.#staged.values()) {
      if (left === 0) break
      if (!this.#trimmer.isDue(room.state, room.head, now)) continue
      room.trimmed = this.#trimmer.trim(room.state, room.head, room.time, now, left)
      left -= room.trimmed === null ? 0 : room.trimmed.tail - room.state.tail
    }
  }

  /** After the commit: brings the rooms' states up to date and gives what was new in each. */
  settle(): readonly { readonly state: RoomState; readonly messages: readonly Message[] }[] {
    const settled = [...this.#staged.values()]
    this.#staged.clear()
    for (const { state, head, time, messages, trimmed } of settled) {
      if (messages.length > 0) this.#rooms.set(state.name, state)
      state.head = head
      state.time = time
      if (state.oldestTime === Number.POSITIVE_INFINITY) {
        state.oldestTime = messages[0]?.time ?? state.oldestTime
      }
      if (trimmed !== null) {
        state.tail = trimmed.tail
        state.oldestTime = trimmed.oldestTime
      }
    }
    return settled
  }

  /** After a rollback: nothing has happened. */
  forget(): void {
    this.#staged.clear()
  }

  #write(room: StagedRoom, draft: Draft, id: Buffer, now: number): Appended {
    const { number } = room.state
    const { user, text } = draft
    const offset = room.head + 1
    const time = now > room.time ? now : room.time
    const { changes } = this.#insert.run(positionOf(number, offset), number, id, user, text, time)
    if (changes === 1) {
      const message: Message = { id: draft.id, user, text, offset, time }
      room.head = offset
      room.time = time
      room.messages.push(message)
      return { kind: 'created', message }
    }
    const message = this.#reader.find(number, id)
    return message !== undefined && message.user === user && message.text === text
      ? { kind: 'existing', message }
      : { kind: 'conflict' }
  }

  #stage(name: string): StagedRoom | undefined {
    const known = this.#rooms.get(name)
    if (known !== undefined) return this.#stageKnown(known)
    const number = this.#rooms.size + this.#newRooms() + 1
    if (number > serverLimits.rooms) return undefined
    this.#insertRoom.run(number, name)
    return this.#stageKnown(newRoom(name, number))
  }

  #stageKnown(state: RoomState): StagedRoom {
    const staged: StagedRoom = { state, head: state.head, time: state.time, messages: [], trimmed: null }
    this.#staged.set(state.name, staged)
    return staged
  }

  #newRooms(): number {
    let count = 0
    for (const name of this.#staged.keys()) if (!this.#rooms.has(name)) count += 1
    return count
  }
}
