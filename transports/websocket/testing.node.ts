// For tests: a clock that stands still until told, a wire whose back-pressure is in the test's hands, and a note of what happens.
import { once } from 'node:events'
import type { Server } from 'node:net'
import { Duplex } from 'node:stream'
import type { Clock } from './clock.ts'
import { messageText } from './primitives.node.ts'
import type { MessageSocket } from './socket.node.ts'
import type { SocketClosed, SocketHandler } from './socket-handler.ts'

/** A clock by hand. */
export class ManualClock implements Clock {
  #nowMs = 1000
  readonly #timers = new Map<number, { readonly dueMs: number; readonly callback: () => void }>()
  #nextTimer = 1

  now(): number {
    return this.#nowMs
  }

  setTimeout(callback: () => void, delayMs: number): number {
    this.#timers.set(this.#nextTimer, { dueMs: this.#nowMs + delayMs, callback })
    return this.#nextTimer++
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number)
  }

  get waiting(): number {
    return this.#timers.size
  }

  /** Goes on in steps of a millisecond. */
  advance(byMs: number): void {
    for (let step = 0; step < byMs; step++) {
      this.#nowMs++
      for (const [timer, { dueMs, callback }] of this.#timers) {
        if (dueMs > this.#nowMs) continue
        this.#timers.delete(timer)
        callback()
      }
    }
  }
}

/** The near end of a wire. What is written is noted, one entry a write, and taken when the test says so. */
export class ManualWire extends Duplex {
  /** A write of several pieces at once is one entry. */
  readonly writes: (readonly Buffer[])[] = []
  noDelay = false
  ended = false
  #stuck: (() => void)[] = []
  #holding = false

  constructor(highWaterBytes = 64 * 1024) {
    super({ highWaterMark: highWaterBytes, allowHalfOpen: true })
  }

  /** From now on nothing is taken. */
  hold(): void {
    this.#holding = true
  }

  /** Takes all that waits, and all that comes. */
  release(): void {
    this.#holding = false
    const stuck = this.#stuck
    this.#stuck = []
    for (const done of stuck) done()
  }

  /** The bytes of all writes. */
  get written(): Buffer {
    return Buffer.concat(this.writes.flat())
  }

  setNoDelay(noDelay: boolean): void {
    this.noDelay = noDelay
  }

  override _read(): void {
    // Bytes are pushed by the test.
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.writes.push([chunk])
    this.#settle(done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.writes.push(chunks.map(({ chunk }) => chunk))
    this.#settle(done)
  }

  override _final(done: () => void): void {
    this.ended = true
    done()
  }

  #settle(done: () => void): void {
    if (this.#holding) this.#stuck.push(done)
    else done()
  }
}

/** Notes what happens on sockets, and lets a test await the next thing. */
export class Notes<Context> implements SocketHandler<Context> {
  readonly messages: string[] = []
  readonly ends: SocketClosed[] = []
  drains = 0
  #waiting: (() => void)[] = []

  message(_: MessageSocket<Context>, message: Parameters<typeof messageText>[0]): void {
    this.messages.push(message.text ? messageText(message) : Buffer.from(message.bytes()).toString('hex'))
    this.#wake()
  }

  drained(): void {
    this.drains++
    this.#wake()
  }

  closed(_: MessageSocket<Context>, closed: SocketClosed): void {
    this.ends.push(closed)
    this.#wake()
  }

  /** Resolves when the condition holds, looked at after each thing that happens. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

/** The rest of this turn of the event loop, and the next. */
export async function tick(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Listens on a free port of the loopback interface. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}
