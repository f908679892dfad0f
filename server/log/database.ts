// The log's database file: opened, locked against a second server, and brought to the schema.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { messageOf, UsageError } from '../../transports/errors.ts'
import { makeFolder } from '../folder.ts'

/** Marks the file as Parley's ('Prly'). */
const applicationId = 0x50726c79
const schemaVersion = 1
/** SQLite's own codes, https://www.sqlite.org/rescode.html */
const sqliteBusy = 5
const sqliteNotADatabase = 26

/**
 * `position` is room and offset in one integer, see `positionOf`: the table's own B-tree then is the order of reading,
 * and a message costs two trees (its row, its id) instead of three.
 */
const schema = `
CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE rooms (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  tail INTEGER NOT NULL,
  time INTEGER NOT NULL
) STRICT;
CREATE TABLE messages (
  position INTEGER PRIMARY KEY,
  room INTEGER NOT NULL,
  id BLOB NOT NULL,
  user TEXT NOT NULL,
  text TEXT NOT NULL,
  time INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_by_id ON messages (room, id);
`

/** Offsets in a room stay below 2^36, room numbers below 2^17: both together are a safe integer. */
const roomStride = 2 ** 36

/** A message's key: its room's number and its offset. */
export function positionOf(room: number, offset: number): number {
  return room * roomStride + offset
}

/** The offset in a key. */
export function offsetOf(position: number): number {
  return position % roomStride
}

/**
 * Opens `messages.db` in the folder, which is made when it is missing.
 * The lock is the operating system's and belongs to the process: after a crash or `kill -9` nothing has to be cleared.
 * Throws a `UsageError` with one line when the folder cannot be used, another server has it, or the file is not ours.
 */
export function openDatabase(folder: string, synchronous: 'full' | 'normal'): DatabaseSync {
  const file = join(folder, 'messages.db')
  let database: DatabaseSync | undefined
  try {
    makeFolder(folder, 0o700)
    database = new DatabaseSync(file)
    // Before the first access: then the write-ahead log needs no shared memory, and the lock is held from here on.
    database.exec('PRAGMA locking_mode = EXCLUSIVE')
    const fresh = isFresh(database, file)
    database.exec('PRAGMA journal_mode = WAL; BEGIN EXCLUSIVE')
    if (fresh) create(database)
    database.exec(`COMMIT; PRAGMA synchronous = ${synchronous}`)
    // Pages of the newest messages are written again and again: the fewer checkpoints, the less often they are copied.
    database.exec('PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864')
    return database
  } catch (error) {
    database?.close()
    throw explained(error, folder, file)
  }
}

/** The epoch that was drawn when the database was made. */
export function readEpoch(database: DatabaseSync): string {
  const row = database.prepare("SELECT value FROM meta WHERE name = 'epoch'").get()
  if (typeof row?.value !== 'string') throw new UsageError('The database has no epoch: it is damaged.')
  return row.value
}

/** Whether the file is new. Changes nothing; throws a `UsageError` when it is not ours to write. */
function isFresh(database: DatabaseSync, file: string): boolean {
  const version = pragma(database, 'user_version')
  const application = pragma(database, 'application_id')
  if (version === 0 && application === 0 && isEmpty(database)) return true
  if (application !== applicationId) {
    throw new UsageError(`${file} is another program's database. Choose another folder with --data.`)
  }
  if (version !== schemaVersion) {
    throw new UsageError(
      `${file} has the layout ${version}; this Parley reads ${schemaVersion}. Use the Parley that made it, or another folder with --data.`,
    )
  }
  return false
}

function create(database: DatabaseSync): void {
  database.exec(`${schema} PRAGMA user_version = ${schemaVersion}; PRAGMA application_id = ${applicationId}`)
  database
    .prepare("INSERT INTO meta (name, value) VALUES ('epoch', ?)")
    .run(randomBytes(9).toString('base64url'))
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name])
}

function isEmpty(database: DatabaseSync): boolean {
  return database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()?.tables === 0
}

function explained(error: unknown, folder: string, file: string): UsageError {
  if (error instanceof UsageError) return error
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined
  if (code === sqliteBusy) {
    return new UsageError(
      `Another server is using ${folder}. Stop it, or choose another folder with --data.`,
      { cause: error },
    )
  }
  if (code === sqliteNotADatabase) {
    return new UsageError(`${file} is not a database. Choose another folder with --data.`, { cause: error })
  }
  return new UsageError(
    `The data folder ${folder} can't be written (${messageOf(error)}). Choose another with --data.`,
    { cause: error },
  )
}
