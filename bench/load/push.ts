// Bursts to readers of HTTP/2 streams. The readers look only at the position at the end of what came, so that reading costs little.
// The next burst leaves when everyone has the last one.
import http2, { type ClientHttp2Session } from 'node:http2'
import net from 'node:net'
import { benchLimits } from '../limits.ts'
import { openRaw, textFrame } from './frames.ts'
import type { CountResult, PushOrder } from './orders.ts'
import { draftDocument } from './sends.ts'
import { openWindow } from './window.ts'

const room = 'goal-push'
const { readers, burstMessages, timeoutMs } = benchLimits.pushGoal
/** How much of a chunk's end the position is looked for in: `….123456"}\n`. */
const tailBytes = 40
const positionAtEnd = /\.(\d+)"\}\n$/

/** Counts deliveries. Rejects when a stream ends or a burst does not arrive in time. */
export async function pushBursts(order: PushOrder): Promise<CountResult> {
  const bursts = new Bursts(order)
  try {
    await bursts.open()
    await bursts.during(order.warmUpMs)
    const close = await openWindow(order)
    const before = { position: bursts.position, bytes: bursts.bytes }
    await bursts.during(order.windowMs)
    const count = (bursts.position - before.position) * readers
    const bytesPerDelivery = (bursts.bytes - before.bytes) / count
    return { ...(await close()), count, bytesPerDelivery }
  } finally {
    bursts.close()
  }
}

class Bursts {
  /** The offset that everyone has. */
  position = 0
  bytes = 0
  readonly #order: PushOrder
  readonly #sessions: ClientHttp2Session[] = []
  readonly #positions = new Float64Array(readers)
  readonly #failure = Promise.withResolvers<never>()
  #publisher: net.Socket | null = null
  #missing = 0
  #target = 0
  #arrived = Promise.withResolvers<void>()

  constructor(order: PushOrder) {
    this.#order = order
    this.#failure.promise.catch(() => undefined)
  }

  /** Every reader has a connection of its own, as people have. */
  async open(): Promise<void> {
    const { openAtOnce } = benchLimits
    for (let first = 0; first < readers; first += openAtOnce) {
      const size = Math.min(openAtOnce, readers - first)
      const several = Array.from({ length: size }, (_, index) => this.#openReader(first + index))
      await Promise.race([Promise.all(several), this.#failure.promise])
    }
    const { publish } = this.#order
    if ('port' in publish) {
      this.#publisher = net.connect({ port: publish.port, host: '127.0.0.1', noDelay: true })
      this.#publisher.write(`${room}\n`)
    } else {
      const url = `${publish.webSocketUrl}/rooms/${room}/socket?last=0`
      this.#publisher = await Promise.race([
        openRaw(url, () => undefined, this.#failure.reject),
        this.#failure.promise,
      ])
    }
    this.#publisher.on('error', this.#failure.reject)
  }

  async during(ms: number): Promise<void> {
    const untilMs = performance.now() + ms
    const timer = setTimeout(() => {
      const waiting = `${this.#missing} of ${readers} readers wait for offset ${this.#target}.`
      this.#failure.reject(new Error(waiting))
    }, ms + timeoutMs)
    try {
      while (performance.now() < untilMs) await this.#burst()
    } finally {
      clearTimeout(timer)
    }
  }

  close(): void {
    for (const session of this.#sessions) session.removeAllListeners('close').destroy()
    this.#publisher?.removeAllListeners('close').destroy()
  }

  /** One write of all the burst's messages, so that they arrive in one turn of the server's loop. */
  async #burst(): Promise<void> {
    this.#target += burstMessages
    this.#missing = readers
    this.#arrived = Promise.withResolvers()
    const drafts = Array.from({ length: burstMessages }, draftDocument)
    const asLines = 'port' in this.#order.publish
    this.#publisher?.write(asLines ? `${drafts.join('\n')}\n` : Buffer.concat(drafts.map(textFrame)))
    await Promise.race([this.#arrived.promise, this.#failure.promise])
    this.position = this.#target
  }

  #moved(reader: number, position: number): void {
    const before = this.#positions[reader] ?? 0
    this.#positions[reader] = position
    if (before >= this.#target || position < this.#target) return
    this.#missing -= 1
    if (this.#missing === 0) this.#arrived.resolve()
  }

  /** Resolves with the first bytes of the stream, the hello. */
  #openReader(reader: number): Promise<void> {
    const fail = this.#failure.reject
    return new Promise((resolve) => {
      const session = http2.connect(this.#order.secureUrl, { rejectUnauthorized: false })
      this.#sessions.push(session)
      session.on('error', fail)
      session.on('close', () => fail(new Error('The server closed a connection during the load.')))
      const path = `/rooms/${room}/stream?last=0`
      const stream = session.request({ ':path': path, accept: 'application/x-ndjson' })
      stream.on('error', fail)
      stream.on('response', (headers) => {
        if (headers[':status'] !== 200) fail(new Error(`A stream was answered with ${headers[':status']}.`))
      })
      let tail: Buffer = Buffer.alloc(0)
      stream.on('data', (chunk: Buffer) => {
        this.bytes += chunk.length
        resolve()
        const whole = chunk.length >= tailBytes ? chunk : Buffer.concat([tail, chunk])
        tail = whole.subarray(-tailBytes)
        const position = positionAtEnd.exec(tail.toString('latin1'))
        // A hello ends with other words than a delivery does.
        if (position !== null) this.#moved(reader, Number(position[1]))
      })
    })
  }
}
