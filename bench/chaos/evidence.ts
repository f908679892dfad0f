// Reads the evidence that a run leaves in a folder: the histories, and the log straight from the database's file.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Checker, type Findings, type StoredLog } from './checker.ts'
import type { HandedMessage, HistoryLine } from './history.ts'

/** The key of a message: its room's number times this, plus its offset. */
const positionsInRoom = 2 ** 36

/** Reads one room of a server's data folder. The server must have ended. Throws when there is no such room. */
function readLog(dataFolder: string, room: string): StoredLog {
  const database = new DatabaseSync(join(dataFolder, 'messages.db'), { readOnly: true })
  try {
    const [epoch] = textsOf(database, "SELECT value AS text FROM meta WHERE name = 'epoch'")
    if (epoch === undefined) throw new Error('The database names no epoch.')
    const number = database.prepare('SELECT number FROM rooms WHERE name = ?').get(room)?.number
    const rows = database
      .prepare('SELECT position, id, user, text FROM messages WHERE room = ? ORDER BY position')
      .all(Number(number ?? -1))
    return { epoch, messages: rows.map(toMessage) }
  } finally {
    database.close()
  }
}

function textsOf(database: DatabaseSync, sql: string): string[] {
  return database
    .prepare(sql)
    .all()
    .map((row) => String(row.text))
}

function toMessage(row: Record<string, unknown>): HandedMessage {
  const { position, id, user, text } = row
  if (!(id instanceof Uint8Array)) throw new Error('An id in the database is no bytes.')
  const hex = Buffer.from(id).toString('hex')
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
  return {
    offset: Number(position) % positionsInRoom,
    id: parts.join('-'),
    user: String(user),
    text: String(text),
  }
}

/** The lines of a history file. Throws on a line that is none. */
function* readHistoryFile(file: string): Generator<HistoryLine> {
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line !== '') yield JSON.parse(line) as HistoryLine
  }
}

/** Where a client's history is, in the folder of a run. */
export function historyFile(folder: string, user: string): string {
  return join(folder, `${user}.ndjson`)
}

/** Judges all the evidence of a run. */
export function judge(folder: string, dataFolder: string, room: string, users: readonly string[]): Findings {
  const checker = new Checker(readLog(dataFolder, room))
  for (const user of users) checker.client(user, readHistoryFile(historyFile(folder, user)))
  return checker.finish()
}
