// A reader, and a writer, on a WebSocket, whatever it came over: the hub's subscriber, and what looks after all of them.
import type { FastifyInstance } from 'fastify'
import type { LeaveLink, MountContext, Query, Subscriber, Subscription } from '../contract.server.ts'
import type { Closed, Gap, Negotiated, Reset, TransportName } from '../contract.ts'
import { asDraft, draftProblem } from '../draft.ts'
import type { Batch, WireForm } from '../hub/batch.ts'
import { Heartbeats } from '../hub/heartbeats.ts'
import { serverLimits, wireLimits } from '../limits.ts'
import { replacedByNewer } from '../link-end.ts'
import type { Draft } from '../message.ts'
import { type Problem, problem } from '../problem.ts'
import { encryptedBytes } from '../queued.server.ts'
import { identityOf, problemFor, startOf } from '../request.server.ts'
import { utf8Bytes } from '../text.ts'
import { encodeDocument, type ServerDocument } from '../wire.ts'
import { Acceptor } from './accept.node.ts'
import { systemClock } from './clock.ts'
import { closeCodes, jsonSubprotocol } from './documents.ts'
import { Liveness } from './liveness.ts'
import { messageText } from './primitives.node.ts'
import { serverFrame } from './protocol/frame.ts'
import type { Message } from './protocol/message.ts'
import type { MessageSocket } from './socket.node.ts'
import type { SocketHandler } from './socket-handler.ts'

/** A batch as one whole frame, shared by all sockets. */
const frame: WireForm<Uint8Array> = { encode: (batch) => serverFrame('text', Buffer.from(batch.document)) }

/** Room for the members' names beside the draft. */
const longestDocumentBytes = wireLimits.draftBytes + 1024

/** What looks after all sockets of one application, so that none has a timer of its own. */
export interface Care {
  /** Tells clients, which cannot see pings, that the server is alive. */
  readonly heartbeats: Heartbeats<Uint8Array>
  /** Asks clients whether they are: a browser answers a ping by itself (R34). */
  readonly liveness: Liveness
}

/** What looks after an application's sockets, until it closes. */
export function takeCare(app: FastifyInstance, context: MountContext): Care {
  const care: Care = {
    heartbeats: new Heartbeats(context.heartbeatMs, () => {
      return serverFrame('text', Buffer.from(encodeDocument({ kind: 'heartbeat', time: Date.now() })))
    }),
    liveness: new Liveness(context.heartbeatMs, systemClock),
  }
  app.addHook('onClose', () => {
    care.heartbeats.stop()
    care.liveness.stop()
  })
  return care
}

export function createAcceptor(): Acceptor<SocketSubscriber> {
  return new Acceptor<SocketSubscriber>({
    handler: socketHandler,
    subprotocols: [jsonSubprotocol],
    limits: { maxMessageBytes: longestDocumentBytes },
  })
}

const socketHandler: SocketHandler<SocketSubscriber> = {
  message: (socket, message) => socket.context.message(message),
  closed: (socket) => socket.context.gone(),
  drained: (socket) => socket.context.drained(),
}

/** A reader, and a writer, on a WebSocket. */
export class SocketSubscriber implements Subscriber {
  readonly #context: MountContext
  readonly #room: string
  readonly #log: (error: unknown) => void
  #socket: MessageSocket<SocketSubscriber> | null = null
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
    socket: MessageSocket<SocketSubscriber>,
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
    const stopHeartbeats = heartbeats.add((document) => this.#beat(document))
    liveness.watch(socket)
    this.#release = () => {
      stopHeartbeats()
      liveness.unwatch(socket)
    }
  }

  write(event: Batch | Gap | Reset): boolean {
    const socket = this.#socket
    if (socket === null || this.#closing) return true
    if (event.kind === 'messages') return socket.sendFrames(event.as(frame)) || !socket.isOpen
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
    const socket = this.#socket
    return socket === null ? 0 : socket.bufferedBytes + encryptedBytes(socket.duplex)
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

  message(message: Message): void {
    if (this.#closing) return
    if (!message.text) {
      this.#closing = true
      this.#socket?.close(closeCodes.unsupportedData, 'Parley speaks JSON in text messages.')
      return
    }
    let document: unknown
    try {
      document = JSON.parse(this.#socket === null ? '' : messageText(message))
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
  #beat(document: Uint8Array): void {
    const socket = this.#socket
    if (socket !== null && !this.#closing && !socket.duplex.writableNeedDrain) socket.sendFrames(document)
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
