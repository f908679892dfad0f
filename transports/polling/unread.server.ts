// Answers that are not taken yet, by connection: a poll has no subscriber, and its answer waits as a stream's bytes do.
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Queued, sumUp } from '../queued.server.ts'

/** A connection with answers that its peer has not taken. */
interface Unread {
  bytes: number
}

export class UnreadAnswers {
  readonly #connections = new Map<object, Unread>()

  /** Counts an answer of so many bytes until it is taken or its connection ends. */
  add(request: FastifyRequest, reply: FastifyReply, bytes: number): void {
    const connection = connectionOf(request)
    let unread = this.#connections.get(connection)
    if (unread === undefined) {
      unread = { bytes: 0 }
      this.#connections.set(connection, unread)
    }
    const own = unread
    own.bytes += bytes
    reply.raw.once('close', () => {
      own.bytes -= bytes
      if (own.bytes === 0) this.#connections.delete(connection)
    })
  }

  queued(): Queued {
    return sumUp(Array.from(this.#connections.values(), ({ bytes }) => bytes))
  }
}

/** What requests share: HTTP/2 gives each of them another view of the socket. */
export function connectionOf({ raw }: FastifyRequest): object {
  const { stream } = raw as { readonly stream?: { readonly session?: object } }
  return stream?.session ?? raw.socket
}
