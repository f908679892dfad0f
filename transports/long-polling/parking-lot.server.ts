// Where polls wait: how many each connection may have, what their answers hold, and whether those who asked are still there.
import { Heartbeats } from '../hub/heartbeats.ts'
import { serverLimits } from '../limits.ts'
import { ProblemError, problem } from '../problem.ts'
import { type Queued, sumUp } from '../queued.server.ts'
import { SessionPulse } from '../session-pulse.server.ts'
import type { ParkedPoll } from './parked-poll.server.ts'

interface Connection {
  polls: number
  /** Of answers that are not taken yet. */
  bytes: number
}

interface Answer {
  readonly bytes: number
  readonly atMs: number
}

/** How often answers are looked for that nobody takes. */
const sweepMs = 5000

export class ParkingLot {
  readonly #connections = new Map<object, Connection>()
  readonly #answers = new Map<ParkedPoll, Answer>()
  /** By session and link: the one that waits. */
  readonly #byLink = new Map<string, ParkedPoll>()
  readonly #pulse: SessionPulse
  readonly #beats: Heartbeats<null>
  readonly #stops = new WeakMap<ParkedPoll, () => void>()
  readonly #sweeper: NodeJS.Timeout

  constructor(heartbeatMs: number) {
    this.#pulse = new SessionPulse(heartbeatMs)
    this.#beats = new Heartbeats(heartbeatMs, () => null)
    this.#sweeper = setInterval(() => this.sweep(), sweepMs).unref()
  }

  /** Takes a poll in. Throws a `ProblemError` when its connection has too many. It stays until `leave`, which comes with the end of its response. */
  enter(poll: ParkedPoll): void {
    const { connection } = poll
    const found = this.#connections.get(connection) ?? { polls: 0, bytes: 0 }
    if (found.polls >= serverLimits.parkedPollsOnConnection) {
      const detail = `At most ${serverLimits.parkedPollsOnConnection} polls wait on one connection.`
      throw new ProblemError(problem('too-many-requests', detail, { retryAfterMs: 1000 }))
    }
    found.polls += 1
    this.#connections.set(connection, found)
    // Over HTTP/1.1 nobody can be asked; there the poll's own deadline frees its place (R34).
    if (poll.stream !== undefined)
      this.#stops.set(
        poll,
        this.#beats.add(() => this.#beat(poll)),
      )
  }

  /** Ends the poll that waits for the same link, if there is one (R30). Gives the way to forget this one. */
  supersede(link: string, poll: ParkedPoll): () => void {
    this.#byLink.get(link)?.answerNothing()
    this.#byLink.set(link, poll)
    return () => {
      if (this.#byLink.get(link) === poll) this.#byLink.delete(link)
    }
  }

  /** Its connection has not taken what it was given before. */
  isChoked(poll: ParkedPoll): boolean {
    return (this.#connections.get(poll.connection)?.bytes ?? 0) >= serverLimits.unreadAnswerBytes
  }

  answered(poll: ParkedPoll, bytes: number): void {
    const connection = this.#connections.get(poll.connection)
    if (connection === undefined) return
    connection.bytes += bytes
    this.#answers.set(poll, { bytes, atMs: performance.now() })
  }

  leave(poll: ParkedPoll): void {
    this.#stops.get(poll)?.()
    const key = poll.connection
    const connection = this.#connections.get(key)
    if (connection === undefined) return
    connection.bytes -= this.#answers.get(poll)?.bytes ?? 0
    this.#answers.delete(poll)
    connection.polls -= 1
    if (connection.polls === 0) this.#connections.delete(key)
  }

  queued(): Queued {
    return sumUp(Array.from(this.#connections.values(), ({ bytes }) => bytes))
  }

  /** Ends the answers that nobody has taken for so long that nobody waits for them any more (R34). */
  sweep(): void {
    const longAgoMs = performance.now() - serverLimits.unreadAnswerMs
    for (const [poll, { atMs }] of this.#answers) if (atMs <= longAgoMs) poll.destroy()
  }

  stop(): void {
    clearInterval(this.#sweeper)
    this.#beats.stop()
  }

  #beat(poll: ParkedPoll): void {
    const session = poll.stream?.session
    if (session !== undefined) this.#pulse.beat(session)
  }
}
