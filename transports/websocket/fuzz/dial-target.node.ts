// The target `dial`: our client against a server on loopback that answers with anything, to the connection's end.
import { createServer, type Server, type Socket } from 'node:net'
import { DialError, dial } from '../dial.node.ts'
import { acceptValue } from '../protocol/handshake.ts'
import { listen } from '../testing.node.ts'
import { zlibInUse } from './compression.node.ts'
import { plainSha1 } from './head-target.node.ts'
import { fuzzHandshake, makeResponse } from './heads.ts'
import { fuzzLimits } from './limits.ts'
import { makeOpening } from './opening.node.ts'
import { fingerprint, Random } from './random.ts'
import { randomSplit } from './splits.ts'
import type { Checked, Target } from './target.ts'

/** Far above what loopback takes. */
const endsWithinMs = 5000

export class DialTarget implements Target {
  readonly name = 'dial'
  readonly summary = 'our client for Node against a server on loopback that answers with anything'
  readonly weight = 0.2
  readonly prefixBytes = 0
  #server: Server | null = null
  #port = 0
  #trace: Uint8Array = new Uint8Array(0)

  make(random: Random) {
    return {
      trace: makeOpening('client', () => makeResponse(random, plainSha1), random),
      expected: null,
    }
  }

  async check({ trace }: { readonly trace: Uint8Array }): Promise<Checked> {
    if (this.#server === null) {
      this.#server = createServer((socket) => answer(socket, this.#trace))
      this.#port = await listen(this.#server)
    }
    this.#trace = trace
    const zlibBefore = zlibInUse()
    const deflates = new Random(fingerprint(trace)).chance(0.8)
    const zlibLeft = (): string | null => (zlibInUse() === zlibBefore ? null : 'a stream of zlib is left')
    const finding = (await converse(this.#port, deflates)) ?? zlibLeft()
    return { outcome: finding ?? 'ended', rule: null, finding }
  }

  stop(): void {
    this.#server?.close()
    this.#server = null
  }
}

/** Dials and waits for the one end that there must be; what is wrong, or null. */
async function converse(port: number, deflates: boolean): Promise<string | null> {
  const ended = Promise.withResolvers<string | null>()
  let ends = 0
  const timer = setTimeout(() => ended.resolve('the connection has not ended'), endsWithinMs)
  try {
    const socket = await dial(`ws://127.0.0.1:${port}${fuzzHandshake.target}`, {
      handler: {
        message: (to, message) => to.sendParts(message.text ? 'text' : 'binary', message.parts),
        closed: () => {
          ends++
          ended.resolve(null)
        },
      },
      context: null,
      subprotocols: fuzzHandshake.subprotocols,
      deflate: deflates ? { thresholdBytes: 0, memLevel: 1 } : null,
      limits: fuzzLimits,
      closeTimeoutMs: 200,
    })
    const finding = await ended.promise
    socket.terminate()
    await new Promise((resolve) => setImmediate(resolve))
    return ends > 1 ? `closed was called ${ends} times` : finding
  } catch (error) {
    if (error instanceof DialError) return ends === 0 ? null : 'closed was called though dial failed'
    return `dial throws ${String(error)}`
  } finally {
    clearTimeout(timer)
  }
}

/** Waits for the request, answers with the trace in pieces, and ends. */
function answer(socket: Socket, trace: Uint8Array): void {
  const random = new Random(fingerprint(trace) ^ 0xd1a1)
  let request = ''
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    if (request.endsWith('\r\n\r\n')) return
    request += chunk.toString('latin1')
    if (!request.endsWith('\r\n\r\n')) return
    const key = /\r\nsec-websocket-key: (\S+)\r\n/i.exec(request)?.[1] ?? ''
    for (const piece of randomSplit(withAcceptFor(key, trace), random)) socket.write(piece)
    if (random.chance(0.5)) socket.end()
    // Without a wait for the system's own memory of the connection: there are many.
    else setImmediate(() => socket.resetAndDestroy())
  })
}

/** The trace is made for one key; the client asks with another each time. */
function withAcceptFor(key: string, trace: Uint8Array): Uint8Array {
  const bytes = Buffer.from(trace)
  const at = bytes.indexOf(acceptValue(fuzzHandshake.key, plainSha1))
  if (at >= 0) bytes.write(acceptValue(key, plainSha1), at, 'latin1')
  return bytes
}
