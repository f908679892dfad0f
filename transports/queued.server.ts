// What lies in this process because a peer has not taken it yet. Asked when somebody wants to know, never on the way of a message.
import type { Http2Session } from 'node:http2'
import type { Duplex } from 'node:stream'

/** What several holders keep for their peers. */
export interface Queued {
  /** How many of them hold anything. */
  readonly holders: number
  /** All together. */
  readonly bytes: number
  /** The one that holds most. */
  readonly mostBytes: number
}

/** Adds up what each holder has. */
export function sumUp(each: Iterable<number>): Queued {
  let holders = 0
  let bytes = 0
  let mostBytes = 0
  for (const one of each) {
    if (one === 0) continue
    holders += 1
    bytes += one
    if (one > mostBytes) mostBytes = one
  }
  return { holders, bytes, mostBytes }
}

/** Adds sums up: the largest holder is that of all. */
export function together(sums: Iterable<Queued>): Queued {
  let holders = 0
  let bytes = 0
  let mostBytes = 0
  for (const one of sums) {
    holders += one.holders
    bytes += one.bytes
    mostBytes = Math.max(mostBytes, one.mostBytes)
  }
  return { holders, bytes, mostBytes }
}

/** Bytes that a socket, or a stream of an HTTP/2 connection, holds: what was written and the system has not taken. Its own buffers are not in it. */
export function queuedOn(duplex: Duplex): number {
  return duplex.writableLength + encryptedBytes(duplex)
}

/**
 * Over TLS, the encrypted copy of what the system is being given just now, which nothing else counts; without it 0. A stream has
 * its connection's, which is all streams'.
 */
export function encryptedBytes(duplex: Duplex): number {
  const { session } = duplex as { readonly session?: Http2Session | undefined }
  return session === undefined ? ofSocket(duplex as MaybeEncrypted) : encryptedOfSession(session)
}

/** The same of an HTTP/2 connection. */
export function encryptedOfSession(session: Http2Session): number {
  // One that is destroyed has no socket, and throws when it is asked for it.
  return session.destroyed ? 0 : ofSocket(session.socket as MaybeEncrypted)
}

interface MaybeEncrypted {
  readonly encrypted?: boolean
  /** Node's own. It is not documented, and has told this under this name since there are streams. */
  readonly _handle?: { readonly writeQueueSize?: number } | null
}

function ofSocket(socket: MaybeEncrypted): number {
  // Without TLS it would be the same bytes that `writableLength` has.
  return socket.encrypted === true ? givenBytes(socket) : 0
}

/** Of what the system is being given just now, the bytes that it has not taken: unlike `writableLength` it goes down in the middle of a write. */
export function givenBytes(socket: object): number {
  return (socket as MaybeEncrypted)._handle?.writeQueueSize ?? 0
}
