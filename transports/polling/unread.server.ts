// Answers that are not taken yet, by connection. A poll has no subscriber that could be told to wait: its answers are bounded here.
import { constants, type ServerHttp2Stream } from 'node:http2'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Clock, systemClock } from '../clock.ts'
import { serverLimits } from '../limits.ts'
import { type Queued, sumUp } from '../queued.server.ts'

/** The place of one answer, from before it is made until it is taken. */
export interface Place {
  /** Resolves when there is room for the answer; null: there is. It never does where the request goes before that. */
  readonly turn: Promise<void> | null
  /** Says how long the answer became, as it is given to the connection. */
  made(bytes: number): void
}

interface Answer {
  /** What it may become, until it is known. */
  bytes: number
  /** When it was given to the connection; null while it is made. */
  sinceMs: number | null
  /** Ends its stream, or its connection where that has no streams. */
  end(): void
}

interface Connection {
  readonly answers: Set<Answer>
  bytes: number
  /** Requests that were reset since an answer was last taken. */
  resets: number
  /** Requests that wait until what is before them has been taken. */
  readonly waiting: Set<() => void>
}

/** How often old answers are looked for. */
const sweepMs = 5000

export class UnreadAnswers {
  readonly #connections = new Map<object, Connection>()
  readonly #clock: Clock
  readonly #sweeper: NodeJS.Timeout

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
    this.#sweeper = setInterval(() => this.sweep(), sweepMs).unref()
  }

  /**
   * A place for one more answer on the request's connection, at once or when enough of the earlier ones are taken. Null: it has
   * asked for more than that and is reset, since a refusal would be one more answer to keep (R38).
   */
  admit(request: FastifyRequest, reply: FastifyReply): Place | null {
    const key = connectionOf(request)
    let connection = this.#connections.get(key)
    if (connection === undefined) {
      connection = { answers: new Set(), bytes: 0, resets: 0, waiting: new Set() }
      this.#connections.set(key, connection)
    }
    const own = connection
    const end = endOf(request)
    const answer: Answer = {
      bytes: serverLimits.batchBytes,
      sinceMs: null,
      end: () => end(constants.NGHTTP2_CANCEL),
    }
    const begin = (): void => this.#begin(key, own, reply, answer)
    const made = (bytes: number): void => {
      own.bytes += bytes - answer.bytes
      answer.bytes = bytes
      answer.sinceMs = this.#clock.nowMs()
      goOn(own)
    }
    if (own.bytes < serverLimits.unreadAnswerBytes) {
      begin()
      return { turn: null, made }
    }
    if (own.waiting.size >= serverLimits.waitingRequests) {
      end(constants.NGHTTP2_ENHANCE_YOUR_CALM)
      own.resets += 1
      if (own.resets > serverLimits.resetsInRow) cutConnection(request)
      return null
    }
    const turn = new Promise<void>((resolve) => {
      const take = (): void => {
        begin()
        resolve()
      }
      own.waiting.add(take)
      reply.raw.once('close', () => own.waiting.delete(take))
    })
    return { turn, made }
  }

  queued(): Queued {
    return sumUp(Array.from(this.#connections.values(), ({ bytes }) => bytes))
  }

  /** Ends the answers that nobody has taken for so long that nobody waits for them any more (R34). */
  sweep(): void {
    const longAgoMs = this.#clock.nowMs() - serverLimits.unreadAnswerMs
    for (const { answers } of this.#connections.values()) {
      for (const answer of answers) if (answer.sinceMs !== null && answer.sinceMs <= longAgoMs) answer.end()
    }
  }

  stop(): void {
    clearInterval(this.#sweeper)
  }

  #begin(key: object, connection: Connection, reply: FastifyReply, answer: Answer): void {
    connection.answers.add(answer)
    connection.bytes += answer.bytes
    reply.raw.once('close', () => {
      connection.answers.delete(answer)
      connection.bytes -= answer.bytes
      connection.resets = 0
      goOn(connection)
      if (connection.answers.size === 0 && connection.waiting.size === 0) this.#connections.delete(key)
    })
  }
}

/** Lets those that wait have their turn, as far as there is room. */
function goOn(connection: Connection): void {
  const { waiting } = connection
  for (const take of waiting) {
    if (connection.bytes >= serverLimits.unreadAnswerBytes) return
    waiting.delete(take)
    take()
  }
}

interface MaybeHttp2 {
  readonly stream?: ServerHttp2Stream
}

/** What requests share: HTTP/2 gives each of them another view of the socket. */
function connectionOf({ raw }: FastifyRequest): object {
  return (raw as MaybeHttp2).stream?.session ?? raw.socket
}

/**
 * It goes on asking although it is reset again and again: each time costs more than its few bytes. Not at once: a session that is
 * destroyed while its bytes are still being read corrupts Node's memory (nodejs/node#64841, #64850, seen up to 26.10).
 */
function cutConnection({ raw }: FastifyRequest): void {
  const { stream } = raw as MaybeHttp2
  const session = stream?.session
  setImmediate(() => session?.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM))
}

function endOf({ raw }: FastifyRequest): (code: number) => void {
  const { stream } = raw as MaybeHttp2
  const { socket } = raw
  return stream === undefined ? () => socket.destroy() : (code) => stream.close(code)
}
