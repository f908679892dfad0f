// Reads of the log: pages forward, backward and of the newest messages, bounded by number and bytes.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Message } from '../../transports/message.ts'
import { offsetOf, positionOf } from './database.ts'
import { identifierText } from './identifier.ts'

type Row = readonly [position: number, id: Uint8Array, user: string, text: string, time: number]

export class Reader {
  readonly #forward: StatementSync
  readonly #backward: StatementSync
  readonly #byId: StatementSync

  constructor(database: DatabaseSync) {
    const columns = 'SELECT position, id, user, text, time FROM messages'
    this.#forward = rows(database, `${columns} WHERE position BETWEEN ? AND ? ORDER BY position`)
    this.#backward = rows(database, `${columns} WHERE position BETWEEN ? AND ? ORDER BY position DESC`)
    this.#byId = rows(database, `${columns} WHERE room = ? AND id = ?`)
  }

  /** Messages with offsets from `first` to `last`, from the oldest on, as many as fit into `bytes` as JSON, one at least. */
  forward(room: number, first: number, last: number, bytes: number): Message[] {
    return take(this.#forward, room, first, last, bytes)
  }

  /** The same from the newest on; they come in the order of their offsets. */
  backward(room: number, first: number, last: number, bytes: number): Message[] {
    return take(this.#backward, room, first, last, bytes).reverse()
  }

  /** The message that has this id in the room. */
  find(room: number, id: Uint8Array): Message | undefined {
    const row = this.#byId.get(room, id)
    return row === undefined ? undefined : toMessage(row as unknown as Row)
  }
}

function rows(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql)
  statement.setReturnArrays(true)
  return statement
}

function take(
  statement: StatementSync,
  room: number,
  first: number,
  last: number,
  maximumBytes: number,
): Message[] {
  const messages: Message[] = []
  if (first > last) return messages
  // The brackets of the list; each message adds itself and a comma.
  let bytes = 1
  // One at a time: a page that its bytes end early has not read what it doesn't take.
  for (const row of statement.iterate(positionOf(room, first), positionOf(room, last))) {
    const message = toMessage(row as unknown as Row)
    bytes += Buffer.byteLength(JSON.stringify(message)) + 1
    if (bytes > maximumBytes && messages.length > 0) break
    messages.push(message)
    if (bytes >= maximumBytes) break
  }
  return messages
}

function toMessage(row: Row): Message {
  const [position, id, user, text, time] = row
  return { id: identifierText(id), user, text, offset: offsetOf(position), time }
}
