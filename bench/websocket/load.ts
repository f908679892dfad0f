// The generator: opens connections, keeps messages under way, counts bytes, and reads the server's processor time or memory.
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { cpuTimeUs } from '../load/cpu.ts'
import { clientFrame, FrameCounter, headerBytes, jsonPayload } from './frames.ts'
import type { Load } from './workloads.ts'

export interface LoadOrder extends Load {
  readonly port: number
  readonly serverPid: number
  readonly warmUpMs: number
  readonly windowMs: number
}

/** What a cell came to. Nothing is rounded. */
export interface LoadResult {
  /** µs of server CPU a message, or KiB a connection. */
  readonly cost: number
  readonly messages: number
  readonly wallMs: number
  /** Shares of a core. */
  readonly serverUtilisation: number
  readonly generatorUtilisation: number
}

const openAtOnce = 64
const settleMs = 300
const idleSettleMs = 1500
const loadStallsAfterMs = 30_000

class Generator {
  readonly #order: LoadOrder
  readonly #batch: Buffer
  /** What is counted: bytes, so many a message; or whole frames where nobody knows their length. */
  readonly #unitsPerMessage: number
  readonly #sockets: net.Socket[] = []
  readonly #done = Promise.withResolvers<LoadResult>()
  #started = 0
  #open = 0
  #units = 0
  /** Of a broadcast's burst, all receivers together. */
  #burstUnits = 0

  constructor(order: LoadOrder) {
    this.#order = order
    const compressed = order.mode === 'compressed'
    const payload = compressed ? jsonPayload(order.payloadBytes) : Buffer.alloc(order.payloadBytes, 'a')
    const frame = clientFrame(order.kind, payload)
    this.#batch = Buffer.concat(Array.from({ length: order.inFlight }, () => frame))
    this.#unitsPerMessage = compressed ? 1 : headerBytes(payload.length) + payload.length
  }

  run(): Promise<LoadResult> {
    const memoryBefore = this.#order.mode === 'idle' ? residentKiB(this.#order.serverPid) : 0
    const stalled = setTimeout(
      () => this.#fail(new Error(`${this.#open} of ${this.#order.connections} connections opened in time.`)),
      loadStallsAfterMs,
    )
    const ready = (): void => {
      clearTimeout(stalled)
      if (this.#order.mode === 'idle') setTimeout(() => this.#weigh(memoryBefore), idleSettleMs)
      else setTimeout(() => this.#load(), settleMs)
    }
    for (let count = 0; count < openAtOnce; count++) this.#connect(ready)
    return this.#done.promise.finally(() => {
      for (const socket of this.#sockets) socket.destroy()
    })
  }

  #connect(ready: () => void): void {
    const { connections, port, mode } = this.#order
    if (this.#started++ >= connections) return
    const socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
    this.#sockets.push(socket)
    const lines = [
      'GET / HTTP/1.1',
      `Host: 127.0.0.1:${port}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ...(mode === 'compressed' ? ['Sec-WebSocket-Extensions: permessage-deflate'] : []),
    ]
    let head = ''
    const onHead = (chunk: Buffer): void => {
      head += chunk.toString('latin1')
      if (!head.includes('\r\n\r\n')) return
      const fault = faultOf(head, mode)
      if (fault !== null) {
        this.#fail(new Error(fault))
        return
      }
      socket.off('data', onHead)
      this.#receive(socket)
      this.#connect(ready)
      if (++this.#open === connections) ready()
    }
    socket.on('connect', () => socket.write(`${lines.join('\r\n')}\r\n\r\n`))
    socket.on('data', onHead)
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('The server closed a connection.')))
  }

  /** What a connection does from now on with what it gets. */
  #receive(socket: net.Socket): void {
    const { mode, inFlight } = this.#order
    const batchBytes = this.#unitsPerMessage * inFlight
    if (mode === 'echo') {
      let received = 0
      socket.on('data', (chunk: Buffer) => {
        this.#units += chunk.length
        received += chunk.length
        while (received >= batchBytes) {
          received -= batchBytes
          socket.write(this.#batch)
        }
      })
    } else if (mode === 'compressed') {
      const counter = new FrameCounter()
      socket.on('data', (chunk: Buffer) => this.#countBroadcast(counter.push(chunk)))
    } else {
      socket.on('data', (chunk: Buffer) => this.#countBroadcast(chunk.length))
    }
  }

  /** The next burst leaves when everyone has the last one. */
  #countBroadcast(units: number): void {
    const { connections, inFlight } = this.#order
    this.#units += units
    this.#burstUnits += units
    if (this.#burstUnits < inFlight * connections * this.#unitsPerMessage) return
    this.#burstUnits = 0
    this.#sockets[0]?.write(this.#batch)
  }

  #load(): void {
    const { mode, warmUpMs, windowMs, serverPid } = this.#order
    for (const socket of mode === 'echo' ? this.#sockets : this.#sockets.slice(0, 1))
      socket.write(this.#batch)
    setTimeout(() => {
      const before = {
        wallMs: performance.now(),
        cpuUs: cpuTimeUs(serverPid),
        units: this.#units,
        own: process.cpuUsage(),
      }
      setTimeout(() => {
        const wallMs = performance.now() - before.wallMs
        const cpuUs = cpuTimeUs(serverPid) - before.cpuUs
        const own = process.cpuUsage(before.own)
        const messages = (this.#units - before.units) / this.#unitsPerMessage
        if (messages === 0) return this.#fail(new Error('No message came back.'))
        this.#done.resolve({
          cost: cpuUs / messages,
          messages,
          wallMs,
          serverUtilisation: cpuUs / 1000 / wallMs,
          generatorUtilisation: (own.user + own.system) / 1000 / wallMs,
        })
      }, windowMs)
    }, warmUpMs)
  }

  /** What the server holds more than before, for each connection. */
  #weigh(memoryBefore: number): void {
    const { serverPid, connections } = this.#order
    const cost = (residentKiB(serverPid) - memoryBefore) / connections
    this.#done.resolve({
      cost,
      messages: 0,
      wallMs: idleSettleMs,
      serverUtilisation: 0,
      generatorUtilisation: 0,
    })
  }

  #fail(error: Error): void {
    this.#done.reject(error)
  }
}

/** Why an answer opens nothing that can be measured. */
function faultOf(head: string, mode: Load['mode']): string | null {
  if (!head.startsWith('HTTP/1.1 101')) return `The server answers "${head.split('\r\n')[0]}".`
  return mode === 'compressed' && !/permessage-deflate/i.test(head) ? 'The server does not compress.' : null
}

function residentKiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

const result = await new Generator(JSON.parse(process.argv[2] ?? '{}') as LoadOrder).run()
process.stdout.write(`${JSON.stringify(result)}\n`)
process.exit(0)
