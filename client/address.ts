// The page's own address: the room is in its fragment, so that a link leads to the room on whatever port serves it.
import { roomProblem } from '../transports/text.ts'

export const defaultRoom = 'lobby'

export interface AskedAddress {
  /** Null where it asks for none, or for one that may not be. */
  readonly room: string | null
  /** Why the room that it asks for may not be, as a sentence. */
  readonly problem: string | null
  readonly user: string | null
}

/** The room and the name that an address asks for. */
export function readAddress(hash: string): AskedAddress {
  const fields = new URLSearchParams(hash.replace(/^#/, ''))
  const room = fields.get('room')
  const problem = room === null ? null : roomProblem(room)
  return { room: problem === null ? room : null, problem, user: fields.get('name') }
}

/** The address of a room on some port of the lab. `user`: the name that the page shall start with there. */
export function roomAddress(base: URL, room: string, user?: string): URL {
  const address = new URL('/', base)
  const fields = new URLSearchParams({ room })
  if (user !== undefined) fields.set('name', user)
  address.hash = fields.toString()
  return address
}
