// Finds HTTP/2 connections whose other end has gone without a word: a stream that nobody reads any more looks like one that is slow (R34).
import type { Http2Session } from 'node:http2'

interface Question {
  readonly atMs: number
  answered: boolean
  /** Of the connection, when it was last looked at. */
  bytesRead: number
}

/** Asks each connection for a sign of life once an interval, however many streams it has, and cuts those that owe an answer. */
export class SessionPulse {
  readonly #intervalMs: number
  readonly #asked = new WeakMap<Http2Session, Question>()

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  /** To be called about once an interval for a connection that has streams open. */
  beat(session: Http2Session): void {
    if (session.destroyed) return
    const nowMs = performance.now()
    const last = this.#asked.get(session)
    // Timers are not exact, and the streams of a connection beat at different times: a little early is due.
    if (last !== undefined && nowMs - last.atMs < this.#intervalMs * 0.9) return
    if (last?.answered !== false) this.#ask(session, nowMs)
  }

  /** A silent end is cut before the next question would be due: within two intervals of its last sign of life. */
  #ask(session: Http2Session, atMs: number): void {
    const question: Question = { atMs, answered: false, bytesRead: session.socket.bytesRead }
    this.#asked.set(session, question)
    // Not refused while fewer than ten are under way, and there is never more than one of ours.
    session.ping(() => {
      question.answered = true
    })
    this.#await(session, question)
  }

  #await(session: Http2Session, question: Question): void {
    const look = (): void => {
      if (question.answered || session.destroyed) return
      const { bytesRead } = session.socket
      // On a slow network the question waits behind data that is on its way; what makes room for more is a sign of life.
      if (bytesRead > question.bytesRead) {
        question.bytesRead = bytesRead
        this.#await(session, question)
      } else session.destroy()
    }
    // In two steps: where this process was held up itself, the answer may have come and not have been read.
    setTimeout(() => {
      if (!question.answered) setTimeout(look, this.#intervalMs * 0.2).unref()
    }, this.#intervalMs * 0.7).unref()
  }
}
