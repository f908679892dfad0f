// Engine.IO under Parley's own dispatch: its polls and upgrades by the rooms' addresses, each of them checked, and what belongs to one of its sessions.
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { Server as EngineServer, type Socket as EngineSocket } from 'engine.io'
import { WebSocketServer } from 'ws'
import { hostOf, refuseUpgrade } from '../before-router.server.ts'
import type { MountContext, Query, UpgradeHandler } from '../contract.server.ts'
import type { Negotiated } from '../contract.ts'
import { serverLimits, wireLimits } from '../limits.ts'
import { type Problem, problem } from '../problem.ts'
import { queuedOn } from '../queued.server.ts'
import { isGone, negotiatedOf, one, problemFor, queryOf } from '../request.server.ts'
import { roomProblem } from '../text.ts'

const path = /^\/rooms\/([^/?#]*)\/socket-io(?:\?([^#]*))?$/

/** Room for the packet's own characters and the members' names beside the draft. */
const longestPacketBytes = wireLimits.draftBytes + 1024

/** Random bits in the id of a session: 120, as the library's own. */
const sessionIdBytes = 15

/** One session of Engine.IO: at first a row of polls, then perhaps a WebSocket. */
export class EngineSession {
  readonly room: string
  /** What its first request spoke; its WebSocket is HTTP/1.1 always. */
  readonly negotiated: Negotiated
  readonly origin: string | undefined
  #socket: EngineSocket | null = null
  /** The connections of its WebSockets: one, or what a client tries beside it. */
  readonly #duplexes = new Set<Duplex>()
  #answer: ServerResponse | null = null
  /** A poll waits for the answer to the one before. */
  #polled = false
  /** Packets that wait behind a write, or for the next poll. */
  readonly #waiting: Packet[] = []
  #waitingBytes = 0
  #claimed = false
  /** Called when it has a place in its room: from then on the hub ends it. */
  placed: () => void = () => undefined
  #ended = false
  readonly #endings: (() => void)[] = []
  /** Called when all that waited was handed on. */
  drained: () => void = () => undefined

  constructor(room: string, request: IncomingMessage) {
    this.room = room
    this.negotiated = negotiatedOf(request)
    this.origin = request.headers.origin
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Bytes of the packets that the library holds. */
  waitingBytes(): number {
    return this.#waitingBytes
  }

  /** The same, and what the wire has not taken. */
  queuedBytes(): number {
    let bytes = this.waitingBytes()
    for (const duplex of this.#duplexes) bytes += queuedOn(duplex)
    return bytes + (this.#answer === null ? 0 : unreadBytes(this.#answer))
  }

  /** Takes the library's socket, when it has been made. */
  begin(socket: EngineSocket): void {
    this.#socket = socket
    socket.on('packetCreate', (packet: Packet) => this.#waits(packet))
    socket.on('flush', () => {
      this.#waiting.length = 0
      this.#waitingBytes = 0
    })
    socket.on('drain', () => this.drained())
    socket.once('close', () => this.#closed())
  }

  /**
   * Whatever the library has to say: answers to what it refuses by itself too, such as to the connection of a namespace that isn't there.
   * Who asks on and reads nothing is ended (R38).
   */
  #waits(packet: Packet): void {
    this.#waiting.push(packet)
    this.#waitingBytes += packetBytes(packet.data)
    const { waitingPackets, waitingPacketBytes } = serverLimits
    if (this.#waiting.length > waitingPackets || this.#waitingBytes > waitingPacketBytes) this.terminate()
  }

  /** Takes the connection that a WebSocket comes over. */
  connect(duplex: Duplex): void {
    this.#duplexes.add(duplex)
    duplex.once('close', () => {
      this.#duplexes.delete(duplex)
      this.#maybeEnd()
    })
  }

  /**
   * Hands a poll to `handle` once the answer to the one before has left: who asks on and takes no answers is told no more (R38).
   * False when one waits so already.
   */
  poll(response: ServerResponse, handle: () => void): boolean {
    const before = this.#answer
    if (before?.writableEnded !== true) {
      // The first one, or an overlap, which ends the session.
      this.#answers(response)
      handle()
      return true
    }
    if (this.#polled) return false
    this.#polled = true
    before.once('close', () => {
      this.#polled = false
      if (isGone(response)) return
      this.#answers(response)
      handle()
    })
    return true
  }

  /** True for the first who asks: a session follows its room once. */
  claim(): boolean {
    const isFirst = !this.#claimed
    this.#claimed = true
    return isFirst
  }

  /** Calls back when the session is over and nothing of it is on a wire any more. */
  onEnd(callback: () => void): void {
    if (this.#ended) callback()
    else this.#endings.push(callback)
  }

  /** Ends it at once. */
  terminate(): void {
    this.#socket?.close(true)
    for (const duplex of this.#duplexes) duplex.destroy()
    this.#answer?.destroy()
  }

  /** Ends what never came to be a session of the library. */
  abandon(): void {
    this.terminate()
    this.#end()
  }

  #answers(response: ServerResponse): void {
    if (this.#answer !== null && !this.#answer.writableEnded) return
    this.#answer = response
    response.once('close', () => {
      if (this.#answer === response) this.#answer = null
      this.#maybeEnd()
    })
  }

  #closed(): void {
    const timer = setTimeout(() => this.terminate(), serverLimits.goodbyeDeadlineMs).unref()
    this.onEnd(() => clearTimeout(timer))
    this.#maybeEnd()
  }

  #maybeEnd(): void {
    if (this.#ended || this.#socket?.readyState !== 'closed') return
    if (this.#answer === null && this.#duplexes.size === 0) this.#end()
  }

  #end(): void {
    this.#ended = true
    for (const callback of this.#endings.splice(0)) callback()
  }
}

/**
 * The engine waits from a pong to the next ping, so that pings are as far apart as its interval and a round trip. Its timers know no
 * mercy when this side itself was held up, so a pong has three heartbeats where those are short; with the usual ones both ends find the
 * other dead within two (R34).
 */
function pingsOf(heartbeatMs: number): { readonly pingInterval: number; readonly pingTimeout: number } {
  const pingInterval = Math.round(heartbeatMs * serverLimits.enginePingShare)
  return { pingInterval, pingTimeout: Math.min(3 * heartbeatMs, serverLimits.pongMs) }
}

/** As much of Engine.IO's packet as is counted here. */
interface Packet {
  readonly data?: string | Uint8Array
}

function packetBytes(data: string | Uint8Array | undefined): number {
  if (data === undefined) return 0
  return typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength
}

/** What an answer has not got rid of: over HTTP/2 it has a stream, over HTTP/1.1 a socket until it has left. */
function unreadBytes(response: ServerResponse): number {
  const { stream } = response as unknown as { readonly stream?: Duplex }
  const wire = stream ?? response.socket
  return wire === null || wire.destroyed ? 0 : queuedOn(wire)
}

/** Engine.IO's server, of which nothing is attached to the HTTP server: every request comes through `take` or `upgrade`. */
export class RoomEngine extends EngineServer {
  readonly #context: MountContext
  readonly #log: (error: unknown) => void
  readonly #sessions = new Map<string, EngineSession>()
  /** Handshakes that went no further yet, or whose room refused them: nobody follows a room with them, and no hub counts or ends them. */
  readonly #placeless = new Set<EngineSession>()
  readonly #opening = new WeakMap<IncomingMessage, EngineSession>()
  readonly #bySocket = new WeakMap<object, EngineSession>()

  constructor(context: MountContext, log: (error: unknown) => void) {
    super({
      ...pingsOf(context.heartbeatMs),
      upgradeTimeout: serverLimits.headSeconds * 1000,
      maxHttpBufferSize: longestPacketBytes,
      // A proxy would hold back what it has to compress, and so would we (R1).
      httpCompression: false,
      perMessageDeflate: false,
      // Not the version that the engine brings: that one answers every ping of a peer that takes no answers; this one ends such a peer (R38).
      wsEngine: WebSocketServer,
    })
    this.#context = context
    this.#log = log
    this.on('connection', (socket: EngineSocket) => {
      const session = this.#opening.get(socket.request)
      if (session === undefined) socket.close(true)
      else {
        this.#bySocket.set(socket, session)
        session.begin(socket)
      }
    })
  }

  sessionOf(socket: object): EngineSession | undefined {
    return this.#bySocket.get(socket)
  }

  /** The library's own way to name a session. */
  override generateId(request: IncomingMessage): string {
    const id = randomBytes(sessionIdBytes).toString('base64url')
    const session = this.#opening.get(request)
    if (session !== undefined) {
      this.#sessions.set(id, session)
      this.#placeless.add(session)
      session.placed = () => this.#placeless.delete(session)
      session.onEnd(() => {
        this.#sessions.delete(id)
        this.#placeless.delete(session)
      })
    }
    return id
  }

  /** Nobody awaits it: what it throws about a connection that has gone meanwhile would end the process. */
  protected override async handshake(...given: [never, never, never]): Promise<unknown> {
    try {
      return await super.handshake(...given)
    } catch (error) {
      this.#log(error)
      this.#opening.get(given[1])?.abandon()
      return undefined
    }
  }

  /** Answers a poll or a POST of any room, or leaves alone what is none. */
  take(request: IncomingMessage, response: ServerResponse): boolean {
    const [, room, search = ''] = path.exec(request.url ?? '') ?? []
    if (room === undefined || (request.method !== 'GET' && request.method !== 'POST')) return false
    const refused = this.#refusal(request, room) ?? this.#admit(request, room, queryOf(search))
    const session = this.#opening.get(request)
    const handle = (): void => this.handleRequest(request, response)
    if (refused !== null) answer(response, refused)
    else if (request.method === 'POST' || session === undefined) handle()
    else if (!session.poll(response, handle)) {
      answer(response, problem('too-many-requests', 'Take the answer to the last poll first.'))
    }
    return true
  }

  /** Takes a WebSocket: the guard has passed, and the room's name is valid. */
  readonly upgrade: UpgradeHandler = ({ request, socket, head, room, query }) => {
    const refused = this.#admit(request, room, query)
    if (refused !== null) {
      refuseUpgrade(socket, refused)
      return
    }
    this.#opening.get(request)?.connect(socket)
    this.handleUpgrade(request, socket, head)
  }

  /** Ends those that have no place in a room: nobody else would. */
  endPlaceless(): void {
    for (const session of this.#placeless) session.terminate()
  }

  endAll(): void {
    for (const session of this.#sessions.values()) session.terminate()
  }

  #refusal(request: IncomingMessage, room: string): Problem | null {
    const { headers } = request
    const refused = this.#context.guard({ host: hostOf(headers), origin: headers.origin })
    if (refused !== null) return refused
    const wrongRoom = roomProblem(room)
    return wrongRoom === null ? null : problem('bad-room', wrongRoom)
  }

  /** Finds the session of a request, or makes one. */
  #admit(request: IncomingMessage, room: string, query: Query): Problem | null {
    try {
      const id = one(query, 'sid')
      if (id === undefined || id === '') {
        this.#context.hub.assertServing()
        if (this.#placeless.size >= serverLimits.handshakes)
          return problem('overloaded', 'Too many have shaken hands and joined no room.', {
            retryAfterMs: serverLimits.headSeconds * 1000,
          })
        this.#opening.set(request, new EngineSession(room, request))
        return null
      }
      const session = this.#sessions.get(id)
      if (session === undefined) return problem('bad-request', 'There is no session of this id.')
      if (session.room !== room) return problem('not-found', 'That session is not of this room.')
      this.#opening.set(request, session)
      return null
    } catch (error) {
      return problemFor(error, this.#log)
    }
  }
}

function answer(response: ServerResponse, value: Problem): void {
  const retry =
    value.retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(value.retryAfterMs / 1000)) }
  response.writeHead(value.status, {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    ...retry,
  })
  response.end(JSON.stringify(value))
}
