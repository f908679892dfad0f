// A reader, and a writer, on a WebSocket, whatever it came over: the hub's subscriber, and what looks after all of them.
import type { FastifyInstance } from 'fastify'
import { systemClock } from './clock.ts'
import type { LeaveLink, MountContext, Query, Subscriber, Subscription } from './contract.server.ts'
import type { Closed, Gap, Negotiated, Reset, TransportName } from './contract.ts'
import { asDraft, draftProblem } from './draft.ts'
import type { Batch } from './hub/batch.ts'
import { Heartbeats } from './hub/heartbeats.ts'
import { serverLimits, wireLimits } from './limits.ts'
import { replacedByNewer } from './link-end.ts'
import type { Draft } from './message.ts'
import { type Problem, problem } from './problem.ts'
import { identityOf, problemFor, startOf } from './request.server.ts'
import { closeCodes } from './socket-documents.ts'
import { Liveness, type Watched } from './socket-liveness.ts'
import { utf8Bytes } from './text.ts'
import { encodeDocument, type ServerDocument } from './wire.ts'

/** The longest message that is taken of a client, in bytes: there is room for the members' names beside the draft. */
export const longestDocumentBytes = wireLimits.draftBytes + 1024

/** An open WebSocket on the server, whoever frames its messages. Nothing of it throws; when it isn't open, nothing is sent. */
export interface ServerSocket {
  /** As agreed on; null for none. */
  readonly subprotocol: string | null
  /** The extensions in force, as they stand in the handshake; '' for none. */
  readonly extensions: string
  /** What is asked whether the peer is alive. */
  readonly watched: Watched
  /** Whether messages can be sent: neither side has begun to close. */
  readonly isOpen: boolean
  /** Bytes that were sent here and that the system has not taken yet. */
  readonly bufferedBytes: number
  /** Whether the wire is full, and will say when it no longer is. */
  readonly needsDrain: boolean
  /** Sends a delivery in the form that all readers share. False: it is taken, and no more is wanted until the wire has drained. */
  sendBatch(batch: Batch): boolean
  /** Sends a heartbeat in its shared form. */
  sendHeartbeat(heartbeat: Uint8Array): void
  /** Sends a text message. Returns as `sendBatch`. */
  send(text: string): boolean
  /** Begins the closing handshake, which is given a bounded time. The reason has 123 bytes at most (RFC 6455 §5.5). */
  close(code: number, reason: string): void
  /** Cuts the connection without a word. */
  terminate(): void
  /** Hands up no more messages until `resume`. */
  pause(): void
  resume(): void
  /** As `Subscriber.queuedBytes`. */
  queuedBytes(): number
}

/** What looks after all sockets of one application, so that none has a timer of its own. */
export interface Care {
  /** Tells clients, which cannot see pings, that the server is alive. */
  readonly heartbeats: Heartbeats<Uint8Array>
  /** Asks clients whether they are: a browser answers a ping by itself (R34). */
  readonly liveness: Liveness
}

/**
 * What looks after an application's sockets, until it closes.
 *
 * @param encode gives a document the form that the sockets share
 */
export function takeCare(
  app: FastifyInstance,
  context: MountContext,
  encode: (document: string) => Uint8Array,
): Care {
  const care: Care = {
    heartbeats: new Heartbeats(context.heartbeatMs, () => {
      return encode(encodeDocument({ kind: 'heartbeat', time: Date.now() }))
    }),
    liveness: new Liveness(context.heartbeatMs, systemClock),
  }
  app.addHook('onClose', () => {
    care.heartbeats.stop()
    care.liveness.stop()
  })
  return care
}

/** A reader, and a writer, on a WebSocket. */
export class SocketSubscriber implements Subscriber {
  readonly #context: MountContext
  readonly #room: string
  readonly #log: (error: unknown) => void
  #socket: ServerSocket | null = null
  #subscription: Subscription | null = null
  #leave: LeaveLink | null = null
  #release: (() => void) | null = null
  #draftsInFlight = 0
  /** It asks and does not read the answers. */
  #choked = false
  #closing = false

  constructor(context: MountContext, room: string, log: (error: unknown) => void) {
    this.#context = context
    this.#room = room
    this.#log = log
  }

  /** Takes its place in the room. Throws a `ProblemError` when it may not; nothing is left of it then. */
  enter(query: Query, origin: string | undefined): void {
    const { hub } = this.#context
    try {
      const start = startOf(query)
      const identity = identityOf(query, origin)
      this.#subscription = hub.subscribe(this.#room, start, this)
      // Afterwards: a link without a place must not take over from one that has it.
      if (identity !== null) this.#leave = hub.links.enter(identity, () => this.close(replacedByNewer))
    } catch (error) {
      this.gone()
      throw error
    }
  }

  /** Says hello: `transport` and `wire` are what it came over. */
  begin(
    socket: ServerSocket,
    care: Care,
    transport: TransportName,
    wire: Pick<Negotiated, 'protocol' | 'tls'>,
  ): void {
    this.#socket = socket
    const subscription = this.#subscription
    if (subscription === null) return
    const { start: cursor, head } = subscription
    const negotiated: Negotiated = {
      ...wire,
      subprotocol: socket.subprotocol,
      extensions: socket.extensions === '' ? [] : [socket.extensions],
    }
    const { heartbeatMs } = this.#context
    this.#say({ kind: 'hello', transport, negotiated, cursor, head, heartbeatMs })
    const { heartbeats, liveness } = care
    const stopHeartbeats = heartbeats.add((heartbeat) => this.#beat(heartbeat))
    const { watched } = socket
    liveness.watch(watched)
    this.#release = () => {
      stopHeartbeats()
      liveness.unwatch(watched)
    }
  }

  write(event: Batch | Gap | Reset): boolean {
    const socket = this.#socket
    if (socket === null || this.#closing) return true
    if (event.kind === 'messages') return socket.sendBatch(event) || !socket.isOpen
    return socket.send(encodeDocument(event)) || !socket.isOpen
  }

  close(reason: Closed): void {
    if (this.#closing) return
    this.#closing = true
    this.#say({ kind: 'goodbye', ...reason })
    // A close frame has room for 123 bytes of it (RFC 6455 §5.5); the goodbye has said all.
    this.#socket?.close(codeFor(reason), utf8Bytes(reason.detail) <= 123 ? reason.detail : '')
  }

  terminate(): void {
    this.#closing = true
    this.#socket?.terminate()
  }

  queuedBytes(): number {
    return this.#socket?.queuedBytes() ?? 0
  }

  /** The wire takes more again. */
  drained(): void {
    this.#choked = false
    this.#listen()
    this.#subscription?.writable()
  }

  /** The socket is gone, or never came to be. */
  gone(): void {
    this.#closing = true
    this.#release?.()
    this.#leave?.()
    this.#subscription?.leave()
  }

  /** A message of the peer's; null: a binary one. */
  message(text: string | null): void {
    if (this.#closing) return
    if (text === null) {
      this.#closing = true
      this.#socket?.close(closeCodes.unsupportedData, 'Parley speaks JSON in text messages.')
      return
    }
    let document: unknown
    try {
      document = JSON.parse(text)
    } catch {
      this.#say({ kind: 'error', problem: problem('bad-request', 'A message is one JSON object.') })
      return
    }
    const { kind, ...fields } = (typeof document === 'object' && document !== null ? document : {}) as Record<
      string,
      unknown
    >
    if (kind === 'send') this.#publish(fields)
    else if (kind === 'probe') this.#say({ kind: 'heartbeat', time: Date.now() })
    else this.#say({ kind: 'error', problem: problem('bad-request', '"kind" is "send" or "probe".') })
  }

  #publish(fields: Readonly<Record<string, unknown>>): void {
    const detail = draftProblem(fields)
    if (detail !== null) {
      const { id } = fields
      const about = typeof id === 'string' && id.length <= serverLimits.namedIdCharacters ? { id } : {}
      this.#say({ kind: 'error', problem: problem('bad-draft', detail, about) })
      return
    }
    const draft = asDraft(fields as unknown as Draft)
    this.#draftsInFlight += 1
    if (this.#draftsInFlight === serverLimits.socketDraftsInFlight) this.#socket?.pause()
    this.#context.hub.publish(this.#room, draft).then(
      ({ message, created }) => {
        this.#settled()
        this.#say({ kind: 'receipt', id: message.id, offset: message.offset, time: message.time, created })
      },
      (error: unknown) => {
        this.#settled()
        this.#refused(draft, problemFor(error, this.#log))
      },
    )
  }

  #settled(): void {
    this.#draftsInFlight -= 1
    this.#listen()
  }

  #listen(): void {
    if (!this.#choked && this.#draftsInFlight < serverLimits.socketDraftsInFlight) this.#socket?.resume()
  }

  #refused(draft: Draft, value: Problem): void {
    this.#say({ kind: 'error', problem: { ...value, id: draft.id } })
    if (value.status < 500) return
    // What follows must not overtake it: the link ends here, and the client sends all of it again, in order.
    const wait = value.retryAfterMs === undefined ? {} : { retryAfterMs: value.retryAfterMs }
    this.close({ cause: 'peer', retry: true, ...wait, detail: value.detail })
  }

  /** Its sign of life for the client. A full wire has something to read already; a ping that waits for its turn is no such thing. */
  #beat(heartbeat: Uint8Array): void {
    const socket = this.#socket
    if (socket !== null && !this.#closing && !socket.needsDrain) socket.sendHeartbeat(heartbeat)
  }

  /** Answers are not held back as batches are, so a peer that does not read them is not listened to (R38). */
  #say(document: ServerDocument): void {
    const socket = this.#socket
    if (socket === null || socket.send(encodeDocument(document))) return
    if (socket.bufferedBytes <= serverLimits.socketBacklogBytes) return
    this.#choked = true
    socket.pause()
  }
}

function codeFor(reason: Closed): number {
  switch (reason.cause) {
    case 'replaced':
      return closeCodes.replaced
    case 'refused':
      return closeCodes.policyViolation
    default:
      return reason.retry ? closeCodes.goingAway : closeCodes.policyViolation
  }
}
