// Socket.IO, client half: the library's client, one manager for each link, whose retries are the session's (R33).
import type { ManagerOptions, Socket, SocketOptions } from 'socket.io-client'
import { type Clock, systemClock } from '../clock.ts'
import type { ClientTransport, Link, OpenRequest, TransportName } from '../contract.ts'
import { formatCursor } from '../cursor.ts'
import { LinkError, messageOf } from '../errors.ts'
import { answerTimeoutMs, newCounter } from '../http.client.ts'
import { type Problem, problemName } from '../problem.ts'
import { decodeProblem, documentOf, type Hello, problemIn } from '../wire.ts'
import { events } from './events.ts'
import { countTraffic, SocketIoLink } from './link.ts'

export type SocketIoOptions = Partial<ManagerOptions & SocketOptions>

/** The library's `io`. */
export type SocketIo = (url: string, options: SocketIoOptions) => Socket

export interface SocketIoTransportOptions {
  /** Gives the library's `io`: a page loads it when it is first used. */
  load(): Promise<SocketIo>
  readonly clock?: Clock
  /** More for the library, by the address: `ca` and `agent` in Node, or `transports`. */
  options?(base: URL): SocketIoOptions
}

export class SocketIoTransport implements ClientTransport {
  readonly name: TransportName = 'socket-io'
  readonly #options: SocketIoTransportOptions

  constructor(options: SocketIoTransportOptions) {
    this.#options = options
  }

  missing(base: URL): readonly string[] {
    if (base.protocol === 'http:' || base.protocol === 'https:') return []
    return ['Socket.IO needs an http: or https: address.']
  }

  async open(request: OpenRequest): Promise<Link> {
    const { load, clock = systemClock } = this.#options
    const options = this.#options.options?.(request.base) ?? {}
    const io = await load().catch((error: unknown) => {
      throw new LinkError('network', `The library could not be loaded: ${messageOf(error)}`, { error })
    })
    if (request.signal.aborted) throw new LinkError('local', 'Given up.')
    const socket = io(request.base.origin, {
      ...options,
      path: `/rooms/${encodeURIComponent(request.room)}/socket-io`,
      addTrailingSlash: false,
      forceNew: true,
      multiplex: false,
      // The session owns retries, and what they say (R33).
      reconnection: false,
      timeout: answerTimeoutMs,
      auth: handshakeOf(request),
    })
    const counter = newCounter()
    countTraffic(socket, counter)
    const upgrade = upgradeOf(socket, options)
    const link = await afterHello(socket, request.signal, (hello) => {
      return new SocketIoLink({ socket, request, hello, counter, clock, upgrade })
    })
    return link.opened
  }
}

/** The fields of the handshake: strings, as they are in the addresses of other transports. */
function handshakeOf({ start, session, link }: OpenRequest): Record<string, string> {
  const from: Record<string, string> =
    'after' in start ? { after: formatCursor(start.after) } : { last: String(start.last) }
  return { ...from, session, link: String(link) }
}

/** Whether the engine will try to leave polling, as far as it is known. */
export interface Upgrade {
  possible: boolean
}

function upgradeOf(socket: Socket, { transports, upgrade = true }: SocketIoOptions): Upgrade {
  const here = transports?.map(String) ?? ['polling', 'websocket']
  const found: Upgrade = { possible: upgrade && here[0] === 'polling' && here.includes('websocket') }
  const { engine } = socket.io
  // It may fail before the hello.
  engine.on('upgradeError', () => {
    found.possible = false
  })
  engine.on('handshake', ({ upgrades }: { readonly upgrades: unknown }) => {
    if (!Array.isArray(upgrades) || !upgrades.includes('websocket')) found.possible = false
  })
  return found
}

/**
 * Waits for the first word of the server, and makes the link at once: what comes next may follow in the same turn.
 * Rejects with a `LinkError`, and leaves nothing of the socket.
 */
function afterHello(
  socket: Socket,
  signal: AbortSignal,
  make: (hello: Hello) => SocketIoLink,
): Promise<SocketIoLink> {
  return new Promise((resolve, reject) => {
    const fail = (error: LinkError): void => {
      done()
      socket.disconnect()
      reject(error)
    }
    const giveUp = (): void => fail(new LinkError('local', 'Given up.'))
    const refused = (error: Error): void => fail(openingError(error))
    const lost = (reason: string): void => {
      fail(new LinkError('network', `The link ended before the server’s hello: ${reason}.`))
    }
    const heard = (document: unknown): void => {
      try {
        const hello = documentOf(document)
        if (hello.kind !== 'hello') throw new LinkError('protocol', 'The socket does not begin with a hello.')
        done()
        resolve(make(hello))
      } catch (error) {
        fail(error instanceof LinkError ? error : new LinkError('protocol', messageOf(error), { error }))
      }
    }
    const done = (): void => {
      signal.removeEventListener('abort', giveUp)
      socket.off('connect_error', refused).off('disconnect', lost).off(events.hello, heard)
    }
    signal.addEventListener('abort', giveUp)
    socket.on('connect_error', refused).on('disconnect', lost).on(events.hello, heard)
  })
}

/** What the library makes of a failure: a refusal of ours has `data`, an HTTP answer its request. */
interface ConnectError extends Error {
  readonly data?: unknown
  readonly description?: unknown
  readonly context?: { readonly responseText?: unknown }
}

function openingError(error: ConnectError): LinkError {
  const { data, description, context } = error
  const text = typeof context?.responseText === 'string' ? context.responseText : ''
  const problem = data === undefined ? decodeProblem(text) : problemIn(data)
  if (problem !== null) return refusedBy(problem)
  // A status, where somebody else has answered.
  const status = typeof description === 'number' && description > 0 ? ` (${description})` : ''
  return new LinkError('network', `The server cannot be reached: ${error.message}${status}.`, { error })
}

function refusedBy(problem: Problem): LinkError {
  const { detail, status, retryAfterMs } = problem
  switch (problemName(problem)) {
    case 'draining':
      return new LinkError('peer', detail, { retryAfterMs, problem })
    case 'replaced':
      return new LinkError('replaced', detail, { retry: false, problem })
    default:
      return new LinkError('refused', detail, {
        retry: status >= 500 || status === 429,
        retryAfterMs,
        problem,
      })
  }
}
