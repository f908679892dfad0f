// One parked poll: a subscriber of the hub that takes one write, answers with it, and leaves.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Hub, LeaveLink, LinkIdentity, Subscriber, Subscription } from '../contract.server.ts'
import type { Closed, Gap, Reset } from '../contract.ts'
import { type Cursor, formatCursor, sameCursor } from '../cursor.ts'
import { Batch, type WireForm } from '../hub/batch.ts'
import { serverLimits } from '../limits.ts'
import { type Problem, problem } from '../problem.ts'
import { answerProblem, negotiatedOf, protocolHeader } from '../request.server.ts'
import { encodeDocument } from '../wire.ts'
import type { ParkingLot } from './parking-lot.server.ts'

/** Up to here a body goes out in one piece with its head, which is quicker; a longer string that must wait takes three times its length in Node. */
const longestStringBody = 4096

/** The answer to everybody who has waited at the head: the batch leads to the head, so that one body serves all. */
const answerAtHead: WireForm<string | Buffer> = { encode: (batch) => bodyOf(batch, batch.cursor) }

function bodyOf(event: Batch | Gap | Reset, head: Cursor): string | Buffer {
  const text =
    event.kind === 'messages'
      ? `${event.document.slice(0, -1)},"head":"${formatCursor(head)}"}`
      : encodeDocument({ ...event, head })
  return text.length > longestStringBody ? Buffer.from(text) : text
}

export interface ParkedPollParts {
  readonly hub: Hub
  readonly lot: ParkingLot
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly room: string
}

export class ParkedPoll implements Subscriber {
  readonly #parts: ParkedPollParts
  /** What requests share that come over one connection: HTTP/2 gives each of them another view of the socket. */
  readonly connection: object
  subscription: Subscription | null = null
  #leave: LeaveLink | null = null
  #timer: NodeJS.Timeout | undefined
  #answered = false

  /** Takes a place of its connection. Throws a `ProblemError` when there is none: then it has none to give back either. */
  constructor(parts: ParkedPollParts) {
    this.#parts = parts
    // A stream that is closed has no session any more.
    this.connection = this.stream?.session ?? parts.request.socket
    parts.lot.enter(this)
    // Answered and taken, or gone.
    parts.response.once('close', () => {
      this.#unpark()
      parts.lot.leave(this)
    })
  }

  get stream(): ServerHttp2Stream | undefined {
    return (this.#parts.request as { readonly stream?: ServerHttp2Stream }).stream
  }

  /** Takes part in hand-overs, and ends an earlier poll of the same link (R30). Throws a `ProblemError`. */
  identify(identity: LinkIdentity): void {
    const { hub, lot } = this.#parts
    // One that is refused neither ends another nor is remembered.
    hub.links.touch(identity)
    const forget = lot.supersede(`${identity.session} ${identity.link}`, this)
    const replaced = (): void => {
      const detail = 'A newer link of this session took over.'
      this.#refuse(problem('replaced', detail))
    }
    const leave = hub.links.enter(identity, replaced)
    this.#leave = () => {
      forget()
      leave()
    }
  }

  /** Answers that there was nothing when this time, in ms, is over. */
  wait(waitMs: number): void {
    if (!this.#answered) this.#timer = setTimeout(() => this.answerNothing(), waitMs).unref()
  }

  /** "You are here": the client asks again from where it is. */
  answerNothing(): void {
    const here = this.subscription?.start
    if (here !== undefined) this.#answer(new Batch(here, []))
  }

  write(event: Batch | Gap | Reset): boolean {
    // A peer that takes nothing is not given more than it can ask for again (R38).
    if (this.#parts.lot.isChoked(this)) this.answerNothing()
    else this.#answer(event)
    return true
  }

  close({ cause, detail, retryAfterMs }: Closed): void {
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs }
    this.#refuse(problem(cause === 'replaced' ? 'replaced' : 'draining', detail, wait))
  }

  terminate(): void {
    this.#unpark()
    this.destroy()
  }

  /** Ends the stream, or the connection where it has no streams. */
  destroy(): void {
    const { stream } = this
    if (stream === undefined) this.#parts.request.socket.destroy()
    else stream.close(constants.NGHTTP2_CANCEL)
  }

  /** Before the answer nothing waits for the peer; afterwards it is the lot that counts. */
  queuedBytes(): number {
    return 0
  }

  /** It never came to wait. */
  forget(): void {
    this.#answered = true
    this.#unpark()
  }

  #answer(event: Batch | Gap | Reset): void {
    if (this.#answered) return
    this.#answered = true
    const { hub, lot, request, response, room } = this.#parts
    const head = hub.head(room)
    const body =
      event.kind === 'messages' && event.messages.length > 0 && sameCursor(event.cursor, head)
        ? event.as(answerAtHead)
        : bodyOf(event, head)
    this.#unpark()
    const bodyBytes = Buffer.byteLength(body)
    lot.answered(this, bodyBytes)
    response.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': bodyBytes,
      etag: `"${formatCursor(event.cursor)}"`,
      'cache-control': 'no-store',
      'parley-protocol': protocolHeader(negotiatedOf(request)),
    })
    response.end(body)
  }

  #refuse(value: Problem): void {
    if (this.#answered) return
    this.#answered = true
    this.#unpark()
    this.#parts.lot.answered(this, serverLimits.problemBytes)
    answerProblem(this.#parts.response, value)
  }

  /** It waits no longer: its place in the room and among the links is free. */
  #unpark(): void {
    clearTimeout(this.#timer)
    this.#leave?.()
    this.#leave = null
    this.subscription?.leave()
  }
}
