// The page's own address: the room is in its fragment, so that a link leads to the room on whatever port serves it.
import { roomProblem } from '../transports/text.ts'

export const defaultRoom = 'lobby'

/** The room and the name that an address asks for; null where it asks for none, or for one that may not be. */
export function readAddress(hash: string): { readonly room: string | null; readonly user: string | null } {
  const fields = new URLSearchParams(hash.replace(/^#/, ''))
  const room = fields.get('room')
  return { room: room !== null && roomProblem(room) === null ? room : null, user: fields.get('name') }
}

/** The address of a room on some port of the lab. `user`: the name that the page shall start with there. */
export function roomAddress(base: URL, room: string, user?: string): URL {
  const address = new URL('/', base)
  const fields = new URLSearchParams({ room })
  if (user !== undefined) fields.set('name', user)
  address.hash = fields.toString()
  return address
}
