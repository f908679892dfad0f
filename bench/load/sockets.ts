// Sockets whose bytes are counted below TLS, for the clients that let their owner bring the socket.
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { Agent, type buildConnector, fetch as undiciFetch } from 'undici'
import type { Fetch } from '../../transports/http.client.ts'
import type { OverHttp2, WebSocketConstructor } from '../../transports/socket-client.ts'
import type { SocketIoOptions } from '../../transports/socket-io/client.ts'
import { Http2Dialer } from '../../transports/websocket/dial-http2.node.ts'
import { http2Port } from '../../transports/websocket/http2-port.ts'
import { NodeWebSocket } from '../../transports/websocket/node-websocket.node.ts'

/** Where to connect instead: ports of relays, by the ports of the server that they stand before. Requests keep the server's name. */
export type Detours = ReadonlyMap<number, number>

let commonDetours: Detours = new Map()

/** What is opened from now on goes this way, but for sockets that have detours of their own. TLS only: see `webSocketClass`. */
export function detour(detours: Detours): void {
  commonDetours = detours
}

/** The TCP sockets of one subscriber. */
export class CountedSockets {
  readonly #detours: Detours
  readonly #sockets: net.Socket[] = []
  readonly #webSockets: NodeWebSocket[] = []

  constructor(detours: Detours = commonDetours) {
    this.#detours = detours
  }

  /** A TCP connection that this counter keeps an eye on. */
  connect(port: number): net.Socket {
    const options = { port: this.#detours.get(port) ?? port, host: '127.0.0.1', noDelay: true }
    const socket = net.connect(options)
    this.#sockets.push(socket)
    return socket
  }

  /** TLS over a counted connection. The bench trusts what it has started itself on loopback. */
  connectSecurely(port: number, protocols: string[]): tls.TLSSocket {
    return tls.connect({ ...trusting, socket: this.connect(port), ALPNProtocols: protocols })
  }

  /** Our own WebSocket client, whose TCP socket is counted too. */
  webSocketClass(): WebSocketConstructor {
    const counted = this
    return class extends NodeWebSocket {
      constructor(url: string, protocols: string[]) {
        const { protocol, port } = new URL(url)
        if (protocol === 'wss:')
          super(url, protocols, { tls: { ...trusting, socket: counted.connect(Number(port)) } })
        else {
          super(url, protocols)
          counted.#webSockets.push(this)
        }
      }
    }
  }

  /** The same over HTTP/2 (RFC 8441), on a counted connection of this subscriber's own. */
  http2WebSocketClass(): WebSocketConstructor {
    const counted = this
    return class extends NodeWebSocket {
      constructor(url: string, protocols: string[]) {
        const dialer = new Http2Dialer({
          connection: { createConnection: ({ port }) => counted.connectSecurely(Number(port), ['h2']) },
        })
        super(url, protocols, { dial: (address, options) => dialer.dial(address, options) })
      }
    }
  }

  /** What Socket.IO's client makes its connections with, for polls and for the WebSocket; polls use one again, as browsers do. */
  socketIoOptions(base: URL): SocketIoOptions {
    const connect = (port: unknown) => this.connect(Number(port))
    const connectSecurely = (port: unknown) => this.connectSecurely(Number(port), ['http/1.1'])
    class PlainAgent extends http.Agent {
      override createConnection({ port }: http.ClientRequestArgs): Duplex {
        return connect(port)
      }
    }
    class SecureAgent extends https.Agent {
      override createConnection({ port }: http.ClientRequestArgs): Duplex {
        return connectSecurely(port)
      }
    }
    const Agent = base.protocol === 'https:' ? SecureAgent : PlainAgent
    // Its types know of browsers alone, where it is a name or nothing.
    const agent = new Agent({ keepAlive: true }) as unknown as string
    return { agent, rejectUnauthorized: false }
  }

  get bytesUp(): number {
    return this.#all().reduce((sum, socket) => sum + socket.bytesWritten, 0)
  }

  get bytesDown(): number {
    return this.#all().reduce((sum, socket) => sum + socket.bytesRead, 0)
  }

  /** Without TLS the WebSocket client opens its socket itself. */
  #all(): readonly net.Socket[] {
    const opened = this.#webSockets
      .map((one) => one.socket?.duplex)
      .filter((duplex) => duplex instanceof net.Socket)
    return [...this.#sockets, ...opened]
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

export const trusting = { rejectUnauthorized: false, servername: 'localhost' } as const

/** What a `fetch` may speak. `h2`: HTTP/2 over TLS as a browser negotiates it, HTTP/1.1 without. */
export type HttpVersion = 'h2' | 'http/1.1'

/**
 * One connection to an origin over HTTP/2. Over HTTP/1.1 one for what is asked or parked and one for what is sent, of the six that browsers
 * have: undici would open all of them by and by, where a browser takes the last used again, and each would cost a handshake.
 */
const connectionsOf: Readonly<Record<HttpVersion, number>> = { h2: 1, 'http/1.1': 2 }

/** A `fetch` with connections of its own, as a person's browser has. */
export function countedFetch(
  sockets: CountedSockets,
  version: HttpVersion = 'h2',
): { readonly fetch: Fetch; close(): Promise<void> } {
  const protocols = version === 'h2' ? ['h2', 'http/1.1'] : ['http/1.1']
  const connect: buildConnector.connector = (options, callback) => {
    const port = Number(options.port)
    const secure = options.protocol === 'https:'
    const socket = secure ? sockets.connectSecurely(port, protocols) : sockets.connect(port)
    const failed = (error: Error): void => callback(error, null)
    socket.once('error', failed)
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      socket.off('error', failed)
      callback(null, socket)
    })
  }
  const dispatcher = new Agent({
    allowH2: version === 'h2',
    connections: connectionsOf[version],
    connect,
    // Polls of 5 s and more use the connection again, as browsers do; undici would close it after 4 s.
    keepAliveTimeout: 60_000,
    bodyTimeout: 0,
  })
  return {
    // undici's own types of Request and Response are the same classes under other names.
    fetch: ((input: URL, init?: object) => undiciFetch(input, { ...init, dispatcher })) as unknown as Fetch,
    close: () => dispatcher.destroy(),
  }
}

const addresses = new Map<string, Promise<URL>>()

/** Where a server takes WebSockets over HTTP/2: asked once for all subscribers, on a connection that nobody counts. */
export const askedOnce: OverHttp2 = {
  prepare(base, signal) {
    const known = addresses.get(base.origin)
    if (known !== undefined) return known
    const { fetch, close } = countedFetch(new CountedSockets())
    const asking = http2Port(fetch).prepare(base, signal)
    addresses.set(base.origin, asking)
    // Whoever opens a link learns of a failure, and the next one asks anew.
    asking.catch(() => addresses.delete(base.origin)).finally(() => close())
    return asking
  },
}

/** Where this server takes WebSockets over HTTP/2: another port, which a relay has to stand before too. */
export function socketUrlOf(base: URL): Promise<URL> {
  return askedOnce.prepare(base, new AbortController().signal)
}
