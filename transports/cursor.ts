// A position in a room's log and its form on the wire.

/**
 * A position behind a message: everything up to and including `offset` has been seen.
 * Offsets count from 1 within a room and have no holes; 0 is the position before the first message.
 * The epoch names the log itself: positions of different epochs cannot be compared.
 */
export interface Cursor {
  readonly epoch: string
  readonly offset: number
}

const tokenPattern = /^([A-Za-z0-9_-]{1,40})\.(0|[1-9][0-9]{0,15})$/

/** The URL-safe token that stands for a cursor on the wire. Clients carry it and do not look into it. */
export function formatCursor(cursor: Cursor): string {
  return `${cursor.epoch}.${cursor.offset}`
}

/** Reads a token; `null` when it is not one. */
export function parseCursor(token: string): Cursor | null {
  const match = tokenPattern.exec(token)
  if (match === null) return null
  const [, epoch = '', digits = ''] = match
  const offset = Number(digits)
  return Number.isSafeInteger(offset) ? { epoch, offset } : null
}

/** Whether two cursors name the same position. */
export function sameCursor(one: Cursor, other: Cursor): boolean {
  return one.offset === other.offset && one.epoch === other.epoch
}
