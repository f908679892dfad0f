// One subscriber of any subject: a bare link of a transport's real client half, or the floor's line reader, with its sockets counted.
import { randomBytes } from 'node:crypto'
import { type CancelTimer, type Clock, systemClock } from '../../transports/clock.ts'
import type { ClientTransport, Delivery, Link } from '../../transports/contract.ts'
import type { Cursor } from '../../transports/cursor.ts'
import type { Fetch } from '../../transports/http.client.ts'
import type { Draft, Message } from '../../transports/message.ts'
import { decodeDocument } from '../../transports/wire.ts'
import type { Traffic } from '../measurement.ts'
import { CountedSockets, countedFetch, type HttpVersion } from './sockets.ts'

export interface FollowRequest {
  readonly base: URL
  readonly room: string
  readonly start: { readonly after: Cursor } | { readonly last: number }
  /** For polling, ms. */
  readonly intervalMs: number
  /** For polling: before the first question after the opening one, so that pollers have phases of their own. */
  readonly firstWaitMs: number
  /** For polling: that wait begins when this resolves; at once without it. */
  readonly begin?: Promise<unknown>
  /** Called in the application's callback, in order. */
  receive(messages: readonly Message[]): void
  /** The link ended though nobody asked it to. */
  closed(detail: string): void
}

export interface Following {
  readonly head: Cursor
  /** What is spoken: `http/1.1`, `h2, TLS`. */
  readonly protocol: string
  traffic(): Omit<Traffic, 'deliveries'>
  /** Sends over this link; null where it has no way up. */
  readonly send: ((draft: Draft) => Promise<unknown>) | null
  close(): Promise<void>
}

export type Follow = (request: FollowRequest) => Promise<Following>

/** What a transport's client half is made from: one subscriber's own connections. */
export interface Primitives {
  readonly fetch: Fetch
  readonly sockets: CountedSockets
  readonly intervalMs: number
  /** Whose first wait is a phase. */
  readonly clock: Clock
}

/** Makes a real client half. */
export type MakeClient = (primitives: Primitives) => ClientTransport

/** Follows over a real client half, whose `fetch` speaks this. */
export function overTransport(make: MakeClient, version: HttpVersion): Follow {
  return async (request) => {
    const sockets = new CountedSockets()
    const { fetch, close } = countedFetch(sockets, request.base.protocol === 'https:' ? version : 'http/1.1')
    const transport = make({ fetch, sockets, intervalMs: request.intervalMs, clock: phasedClock(request) })
    const missing = transport.missing(request.base)
    if (missing.length > 0) throw new Error(missing.join(' '))
    let closing = false
    const link = await transport.open({
      base: request.base,
      room: request.room,
      session: randomBytes(18).toString('base64url'),
      link: 1,
      start: request.start,
      receive: (delivery) => receiveInto(request, delivery),
      closed: (reason) => {
        if (!closing) request.closed(`${reason.cause}: ${reason.detail}`)
      },
      signal: new AbortController().signal,
    })
    return {
      head: link.head,
      protocol: protocolOf(link),
      traffic: () => {
        const { payloadBytesUp, payloadBytesDown, reads, requests } = link.stats()
        const { bytesUp, bytesDown } = sockets
        return { payloadBytesUp, payloadBytesDown, reads, requests, bytesUp, bytesDown }
      },
      send: (draft) => link.send(draft),
      close: async () => {
        closing = true
        await link.close()
        await close()
        sockets.destroy()
      },
    }
  }
}

/** The system's clock, but that it jumps over what is left of the first wait when the poller's phase has passed. */
export function phasedClock({
  firstWaitMs,
  begin = Promise.resolve(),
}: Pick<FollowRequest, 'firstWaitMs' | 'begin'>): Clock {
  let jumpedMs: number | null = null
  return {
    ...systemClock,
    nowMs: () => systemClock.nowMs() + (jumpedMs ?? 0),
    after: (delayMs, callback) => {
      if (jumpedMs !== null) return systemClock.after(delayMs, callback)
      const sinceMs = systemClock.nowMs()
      let cancelled = false
      let cancel: CancelTimer = () => undefined
      begin.then(() => {
        if (cancelled) return
        cancel = systemClock.after(firstWaitMs, () => {
          jumpedMs = Math.max(0, sinceMs + delayMs - systemClock.nowMs())
          callback()
        })
      })
      return () => {
        cancelled = true
        cancel()
      }
    },
  }
}

function receiveInto(request: FollowRequest, delivery: Delivery): void {
  if (delivery.kind === 'messages') request.receive(delivery.messages)
  else request.closed(`The server answered with a ${delivery.kind}.`)
}

function protocolOf(link: Link): string {
  const { protocol, tls } = link.negotiated
  return tls ? `${protocol}, TLS` : protocol
}

/** Follows the floor: a line names the room, lines come back. */
export const overLines: Follow = async (request) => {
  const sockets = new CountedSockets()
  const port = Number(request.base.port)
  const secure = request.base.protocol === 'https:'
  const socket = secure ? sockets.connectSecurely(port, []) : sockets.connect(port)
  const opened = Promise.withResolvers<Cursor>()
  const counted = { reads: 0, requests: 0, payloadBytesUp: 0, payloadBytesDown: 0 }
  let rest = ''
  let closing = false
  const failed = (detail: string): void => {
    opened.reject(new Error(detail))
    if (!closing) request.closed(detail)
  }
  socket.setEncoding('utf8')
  socket.on('error', (error) => failed(error.message))
  socket.on('close', () => failed('The server closed the connection.'))
  socket.on('data', (chunk: string) => {
    counted.reads += 1
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      counted.payloadBytesDown += Buffer.byteLength(line)
      const document = decodeDocument(line)
      if (document.kind === 'hello') opened.resolve(document.head)
      else if (document.kind === 'messages') request.receive(document.messages)
      else failed(`The server said ${document.kind}.`)
    }
  })
  socket.write(`${request.room}\n`)
  const head = await opened.promise
  return {
    head,
    protocol: secure ? 'bare, TLS' : 'bare',
    send: null,
    traffic: () => ({ ...counted, bytesUp: sockets.bytesUp, bytesDown: sockets.bytesDown }),
    close: async () => {
      closing = true
      sockets.destroy()
    },
  }
}
