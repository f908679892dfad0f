// `npm run echo`: the hand-built WebSocket alone on a bare server, for conformance suites and comparisons.
import { createServer, type Server } from 'node:net'
import { parseArgs } from 'node:util'
import { BareAcceptor } from './accept.node.ts'
import type { DeflateOptions } from './deflate.node.ts'
import type { Limits } from './protocol/limits.ts'
import type { Message } from './protocol/message.ts'
import { SharedFrames, type SharedMessage } from './shared-frames.node.ts'
import type { MessageSocket } from './socket.node.ts'
import type { SocketHandler } from './socket-handler.ts'

const usage = `Usage: npm run echo -- --port N [--broadcast] [--compress] [--host ADDRESS]

Serves WebSockets on any path and with any subprotocol, and sends every message back.

  --port N        the port to listen on; 0 takes a free one
  --host ADDRESS  the address to listen on (default: 127.0.0.1)
  --broadcast     send every message to all connections instead
  --compress      permessage-deflate, with whatever parameters a client offers
  --help          print this
`

/** Conformance suites send 16 MiB in one message, and 4 MiB in 65,536 fragments. */
const limits: Partial<Limits> = {
  maxMessageBytes: 64 * 1024 * 1024,
  maxFrameBytes: 64 * 1024 * 1024,
  maxFragments: 1024 * 1024,
}
/** Every message that may be compressed is, the short ones too: a conformance suite wants to see it. */
const deflate: DeflateOptions = { thresholdBytes: 0 }
/** A member of a broadcast who has so much waiting has stopped reading, and is cut. */
const maxWaitingBytes = 64 * 1024 * 1024

/** Sends each message back. A client that doesn't read is not read from either. */
const echo: SocketHandler<null> = {
  message(socket, message) {
    if (!socket.sendParts(kindOf(message), message.parts)) socket.pause()
  },
  drained(socket) {
    socket.resume()
  },
  closed() {
    // Nothing is kept for a connection.
  },
}

/** Sends all messages of a tick to all members as one shared buffer. */
class Broadcast implements SocketHandler<null> {
  readonly #members = new Set<MessageSocket<null>>()
  #messages: SharedMessage[] = []

  join(socket: MessageSocket<null>): void {
    this.#members.add(socket)
  }

  message(_: MessageSocket<null>, message: Message): void {
    if (this.#messages.length === 0) setImmediate(() => this.#send())
    this.#messages.push({ kind: kindOf(message), payload: message.bytes() })
  }

  closed(socket: MessageSocket<null>): void {
    this.#members.delete(socket)
  }

  #send(): void {
    const shared = new SharedFrames(this.#messages, deflate)
    this.#messages = []
    for (const member of this.#members) {
      if (!member.writeShared(shared) && member.bufferedBytes > maxWaitingBytes) member.terminate()
    }
  }
}

function kindOf(message: Message): 'text' | 'binary' {
  return message.text ? 'text' : 'binary'
}

/** A server that isn't listening yet. */
export function createEchoServer(options: {
  readonly broadcast: boolean
  readonly compress?: boolean
}): Server {
  const broadcast = options.broadcast ? new Broadcast() : null
  const acceptor = new BareAcceptor<null>({
    handler: broadcast ?? echo,
    subprotocols: 'any',
    // What is shared doesn't refer to earlier messages, so clients needn't keep them.
    deflate: options.compress === true ? { ...deflate, serverNoContextTakeover: options.broadcast } : null,
    limits,
    admit: () => ({ context: null }),
    opened: (socket) => broadcast?.join(socket),
  })
  return createServer((socket) => acceptor.take(socket))
}

interface EchoOptions {
  readonly port: number
  readonly host: string
  readonly broadcast: boolean
  readonly compress: boolean
}

/** @returns the options, null for `--help`, or what is wrong with them */
function readOptions(args: readonly string[]): EchoOptions | string | null {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        host: { type: 'string', default: '127.0.0.1' },
        broadcast: { type: 'boolean', default: false },
        compress: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return null
    const port = /^\d{1,5}$/.test(values.port ?? '') ? Number(values.port) : Number.NaN
    if (!(port <= 65_535)) return 'echo needs --port with a number from 0 to 65535'
    return { port, host: values.host, broadcast: values.broadcast, compress: values.compress }
  } catch (error) {
    const [said = ''] = (error instanceof Error ? error.message : String(error)).split(/\. |\n/)
    return `${said.replace(/\.$/, '')}. --help lists the options`
  }
}

function main(): void {
  const options = readOptions(process.argv.slice(2))
  if (options === null) {
    process.stdout.write(usage)
  } else if (typeof options === 'string') {
    exitWith(options)
  } else {
    const server = createEchoServer(options)
    server.on('error', (error) => exitWith(listenFault(error, options)))
    server.listen(options.port, options.host, () => {
      const address = server.address()
      const port = address !== null && typeof address === 'object' ? address.port : options.port
      const host = options.host.includes(':') ? `[${options.host}]` : options.host
      process.stdout.write(`ws://${host}:${port}/\n`)
    })
  }
}

function listenFault(error: NodeJS.ErrnoException, { host, port }: EchoOptions): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} is in use. Stop what uses it, or choose another one with --port.`
    case 'ENOTFOUND':
    case 'EADDRNOTAVAIL':
      return `There is no address ${host} on this machine to listen on: choose another one with --host.`
    default:
      return error.message
  }
}

/** One line, and the status for a wrong use. */
function exitWith(message: string): void {
  process.stderr.write(`${message.split('\n')[0]}\n`)
  process.exit(2)
}

if (import.meta.main) main()
