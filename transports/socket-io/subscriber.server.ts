// A reader, and a writer, on a Socket.IO socket: the hub's subscriber.
import type { Socket } from 'socket.io'
import { Encoder, PacketType } from 'socket.io-parser'
import * as ws from 'ws'
import type { LeaveLink, MountContext, Query, Subscriber, Subscription } from '../contract.server.ts'
import type { Closed, Gap, Negotiated, Reset } from '../contract.ts'
import { formatCursor } from '../cursor.ts'
import { asDraft, draftProblem } from '../draft.ts'
import type { Batch, WireForm } from '../hub/batch.ts'
import { serverLimits } from '../limits.ts'
import { replacedByNewer } from '../link-end.ts'
import type { Draft } from '../message.ts'
import { type Problem, problem } from '../problem.ts'
import { identityOf, problemFor, startOf } from '../request.server.ts'
import { encodeDocument, type ServerDocument } from '../wire.ts'
import type { EngineSession } from './engine.server.ts'
import { engineExtension, events } from './events.ts'

/** A packet as the engine takes it, with the frame that it is on a WebSocket. */
interface SharedPacket {
  readonly packet: string
  readonly options: { readonly compress: false; readonly wsPreEncodedFrame: readonly Uint8Array[] }
}

/** What may wait behind a write: a batch of one message of the greatest length, 49 KB, and the receipts of our own clients. */
const waitingBytes = 64 * 1024

const encoder = new Encoder()

/** The library's own way to make a frame for many sockets, which its types leave out. */
const { Sender } = ws as unknown as {
  readonly Sender: { frame(data: Uint8Array, options: object): readonly Uint8Array[] }
}

/**
 * A batch as Socket.IO's in-memory adapter makes it when it broadcasts to a room: encoded once, and put in a WebSocket frame once.
 * So what is compared is the library at its best, though each reader is at a position of its own.
 */
const shared: WireForm<SharedPacket> = {
  encode(batch) {
    const { kind, messages } = batch
    const document = {
      kind,
      after: formatCursor(batch.after),
      messages,
      cursor: formatCursor(batch.cursor),
    }
    const data = [events.delivery, document]
    const packet = String(encoder.encode({ type: PacketType.EVENT, nsp: '/', data })[0])
    // "4" is a message of Engine.IO's protocol.
    const frame = Sender.frame(Buffer.from(`4${packet}`), {
      readOnly: false,
      mask: false,
      rsv1: false,
      opcode: 1,
      fin: true,
    })
    return { packet, options: { compress: false, wsPreEncodedFrame: frame } }
  },
}

export class SocketIoSubscriber implements Subscriber {
  readonly #context: MountContext
  readonly #session: EngineSession
  readonly #socket: Socket
  readonly #log: (error: unknown) => void
  #subscription: Subscription | null = null
  #leave: LeaveLink | null = null
  #goodbyeTimer: NodeJS.Timeout | undefined
  /** What came before the hello: at most one event, as `write` asks for no more. */
  readonly #early: (Batch | Gap | Reset)[] = []
  #begun = false
  /** The hub waits to hear that the wire takes more. */
  #behind = false
  #draftsInFlight = 0
  #closing = false

  constructor(context: MountContext, session: EngineSession, socket: Socket, log: (error: unknown) => void) {
    this.#context = context
    this.#session = session
    this.#socket = socket
    this.#log = log
  }

  /** Takes its place in the room. Throws a `ProblemError` when it may not; nothing is left of it then. */
  enter(query: Query): void {
    const { hub } = this.#context
    try {
      const start = startOf(query)
      const identity = identityOf(query, this.#session.origin)
      this.#subscription = hub.subscribe(this.#session.room, start, this)
      // Afterwards: a link without a place must not take over from one that has it.
      if (identity !== null) this.#leave = hub.links.enter(identity, () => this.close(replacedByNewer))
    } catch (error) {
      this.#gone()
      throw error
    }
    this.#session.placed()
    this.#session.onEnd(() => this.#gone())
  }

  /** Says hello, now that the library has connected the socket. */
  begin(): void {
    const subscription = this.#subscription
    if (subscription === null || this.#closing) return
    const socket = this.#socket
    const { start: cursor, head } = subscription
    const { heartbeatMs } = this.#context
    const negotiated = this.#negotiated()
    this.#say(events.hello, { kind: 'hello', transport: 'socket-io', negotiated, cursor, head, heartbeatMs })
    this.#begun = true
    socket.conn.on('upgrade', () => socket.emit(events.negotiated, this.#negotiated()))
    socket.on(events.send, (...given: unknown[]) => this.#send(given))
    socket.on(events.probe, (...given: unknown[]) => this.#probe(given))
    this.#session.drained = () => this.#drained()
    this.#behind = true
    for (const event of this.#early.splice(0)) this.write(event)
    if (!this.#session.isWaiting) this.#drained()
  }

  write(event: Batch | Gap | Reset): boolean {
    if (this.#closing) return true
    if (!this.#begun) {
      this.#early.push(event)
      return false
    }
    if (event.kind === 'messages') {
      const { packet, options } = event.as(shared)
      this.#socket.conn.write(packet, options)
    } else this.#say(events.delivery, event)
    // What waits behind a write, or for the next poll, is one batch: the rest stays in the log (R38).
    this.#behind = this.#session.isWaiting
    return !this.#behind
  }

  close(reason: Closed): void {
    if (this.#closing) return
    this.#closing = true
    if (this.#begun) this.#socket.emit(events.goodbye, { kind: 'goodbye', ...reason })
    this.#goodbyeTimer = setTimeout(() => this.terminate(), serverLimits.goodbyeDeadlineMs).unref()
    if (this.#begun) this.#socket.disconnect(true)
    else this.#socket.conn.close()
  }

  terminate(): void {
    this.#closing = true
    this.#session.terminate()
  }

  queuedBytes(): number {
    return this.#session.queuedBytes()
  }

  #drained(): void {
    if (!this.#behind || this.#session.isWaiting) return
    this.#behind = false
    this.#subscription?.writable()
  }

  /** What is spoken now: the engine's transport stands where a WebSocket has its extensions. */
  #negotiated(): Negotiated {
    const { name } = this.#socket.conn.transport as { readonly name?: string }
    const { negotiated } = this.#session
    // An upgrade is one of HTTP/1.1 (RFC 9110 §7.8), whatever the polls came over.
    const protocol = name === 'websocket' ? 'http/1.1' : negotiated.protocol
    return { ...negotiated, protocol, extensions: [engineExtension(name ?? '')] }
  }

  /** The wire is gone, or never came to be. */
  #gone(): void {
    this.#closing = true
    clearTimeout(this.#goodbyeTimer)
    this.#leave?.()
    this.#subscription?.leave()
  }

  #send(given: readonly unknown[]): void {
    const [value, acknowledge] = [given[0], given.at(-1)]
    if (this.#closing) return
    if (typeof acknowledge !== 'function') {
      this.#misused('A message is sent with an acknowledgement.')
      return
    }
    const answer = (document: ServerDocument): void => this.#acknowledge(acknowledge, document)
    const fields = (typeof value === 'object' && value !== null ? value : {}) as Readonly<
      Record<string, unknown>
    >
    const detail = draftProblem(fields)
    if (detail !== null) {
      const { id } = fields
      const about = typeof id === 'string' && id.length <= serverLimits.namedIdCharacters ? { id } : {}
      answer({ kind: 'error', problem: problem('bad-draft', detail, about) })
      return
    }
    // The library can't stop reading: who sends on and on without waiting is sent away.
    if (this.#draftsInFlight === serverLimits.socketDraftsInFlight)
      this.#misused(`No more than ${serverLimits.socketDraftsInFlight} messages may wait for their receipts.`)
    else this.#publish(asDraft(fields as unknown as Draft), answer)
  }

  #publish(draft: Draft, answer: (document: ServerDocument) => void): void {
    this.#draftsInFlight += 1
    this.#context.hub.publish(this.#session.room, draft).then(
      ({ message, created }) => {
        this.#draftsInFlight -= 1
        answer({ kind: 'receipt', id: message.id, offset: message.offset, time: message.time, created })
      },
      (error: unknown) => {
        this.#draftsInFlight -= 1
        this.#refuse(draft, problemFor(error, this.#log), answer)
      },
    )
  }

  #refuse(draft: Draft, value: Problem, answer: (document: ServerDocument) => void): void {
    answer({ kind: 'error', problem: { ...value, id: draft.id } })
    if (value.status < 500) return
    // What follows must not overtake it: the link ends here, and the client sends all of it again, in order.
    const wait = value.retryAfterMs === undefined ? {} : { retryAfterMs: value.retryAfterMs }
    this.close({ cause: 'peer', retry: true, ...wait, detail: value.detail })
  }

  #probe(given: readonly unknown[]): void {
    const acknowledge = given.at(-1)
    if (typeof acknowledge === 'function' && !this.#closing)
      this.#acknowledge(acknowledge, { kind: 'heartbeat', time: Date.now() })
  }

  #say(event: string, document: ServerDocument): void {
    // Cursors are tokens on every wire.
    this.#socket.emit(event, JSON.parse(encodeDocument(document)))
  }

  /** Answers are not held back as batches are, so a peer that asks and does not read them is sent away (R38). */
  #acknowledge(acknowledge: CallableFunction, document: ServerDocument): void {
    acknowledge(document)
    if (this.#session.isWaiting && this.#session.waitingBytes() > waitingBytes) this.terminate()
  }

  #misused(detail: string): void {
    this.close({ cause: 'protocol', retry: true, detail })
  }
}
