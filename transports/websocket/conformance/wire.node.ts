// A raw TCP connection to the peer under test: what is written on it, what was read from it, and how it ended.
import type { Socket } from 'node:net'
import type { Event, Role } from './case.ts'
import { close as closeOpcode, encodeFrames, type Frame } from './frames.ts'
import { randomBits } from './payloads.ts'
import { FrameReader, type Heard, type Inflate } from './reader.ts'

/** What the judge needs to know of a connection that is over. */
export interface Observation {
  readonly peer: Role
  readonly events: readonly Event[]
  /** What the peer has done wrong, in words. */
  readonly fault: string | null
  readonly closeFrame: { readonly code: number | null; readonly reason: string } | null
  readonly sentClose: boolean
  /** Who has begun to close. */
  readonly closedBy: 'fuzzer' | 'peer' | null
  readonly bytesAfterClose: number
  /** How the peer has ended TCP; null: not as long as the fuzzer waited. */
  readonly peerEnd: 'end' | 'reset' | null
  /** The time for the whole case was over. */
  readonly expired: boolean
  readonly compressedMessages: number
}

/** For one message that is sent in chops. */
const maxTurns = 2000

export class Wire implements Heard, Observation {
  readonly peer: Role
  readonly #socket: Socket
  readonly #reader: FrameReader
  readonly #maskKey: (() => Uint8Array) | null
  #waiting: (() => void)[] = []
  readonly events: Event[] = []
  fault: string | null = null
  closeFrame: { readonly code: number | null; readonly reason: string } | null = null
  sentClose = false
  closedBy: 'fuzzer' | 'peer' | null = null
  bytesAfterClose = 0
  peerEnd: 'end' | 'reset' | null = null
  expired = false
  #receivedBytes = 0
  #rest: Uint8Array = new Uint8Array(0)

  /** @param socket open, its handshake done, with `allowHalfOpen`; paused until `start` */
  constructor(socket: Socket, peer: Role, inflate: Inflate | null, seed: number) {
    this.peer = peer
    this.#socket = socket
    const bits = randomBits(seed)
    const words = new Uint32Array(1)
    this.#maskKey =
      peer === 'client'
        ? null
        : () => {
            words[0] = bits()
            return new Uint8Array(words.buffer)
          }
    this.#reader = new FrameReader(peer === 'client', inflate, this)
    socket.setNoDelay(true)
  }

  /** Reads from now on, beginning with what came behind the handshake. */
  start(rest: Uint8Array): void {
    const socket = this.#socket
    if (rest.length > 0) this.#reader.push(rest)
    socket.on('data', (chunk: Buffer) => {
      this.#receivedBytes += chunk.length
      this.#reader.push(chunk)
      this.#wake()
    })
    socket.on('end', () => this.#ended('end'))
    // A write that fails after the peer has ended comes to nothing; before, it's a reset.
    socket.on('error', () => this.#ended('reset'))
    socket.on('close', () => this.#ended('reset'))
    socket.on('drain', () => this.#wake())
    socket.resume()
  }

  get compressedMessages(): number {
    return this.#reader.compressedMessages
  }

  /** As it is now. */
  observation(): Observation {
    const { peer, fault, closeFrame, sentClose, closedBy, bytesAfterClose, peerEnd, expired } = this
    const { compressedMessages } = this
    return {
      ...{
        peer,
        fault,
        closeFrame,
        sentClose,
        closedBy,
        bytesAfterClose,
        peerEnd,
        expired,
        compressedMessages,
      },
      events: [...this.events],
    }
  }

  /** Whether nothing more than an end can come of this connection. */
  get isOver(): boolean {
    return this.closeFrame !== null || this.peerEnd !== null || this.fault !== null || this.expired
  }

  event(event: Event): void {
    this.events.push(event)
  }

  closed(code: number | null, reason: string): void {
    this.closeFrame = { code, reason }
    this.closedBy ??= 'peer'
  }

  wrong(what: string): void {
    this.fault ??= what
  }

  afterClose(bytes: number): void {
    this.bytesAfterClose += bytes
  }

  /** @param how in one write, or a write for each frame or so many bytes, each in a turn of its own */
  async send(frames: readonly Frame[], how: 'one write' | 'frames' | number): Promise<void> {
    const pieces =
      how === 'frames'
        ? frames.map((frame) => encodeFrames([frame], this.#maskKey))
        : [encodeFrames(frames, this.#maskKey)]
    this.#noteClose(frames)
    let writes = 0
    for (const piece of pieces) {
      const chopBytes = typeof how === 'number' ? how : piece.length
      // A turn for each of 16,384 writes would take longer than it tells.
      const every = Math.ceil(piece.length / chopBytes / maxTurns)
      for (let at = 0; at < piece.length; at += chopBytes) {
        await this.write(piece.subarray(at, at + chopBytes))
        if (how !== 'one write' && writes++ % every === 0)
          await new Promise((resolve) => setImmediate(resolve))
      }
    }
  }

  /** In one write that is left to itself. */
  queue(frames: readonly Frame[]): void {
    this.#noteClose(frames)
    this.#socket.write(encodeFrames(frames, this.#maskKey))
  }

  #noteClose(frames: readonly Frame[]): void {
    // A close frame with reserved bits is a fault and closes nothing.
    if (frames.some(({ opcode, reserved = 0 }) => opcode === closeOpcode && reserved === 0)) {
      this.closedBy ??= 'fuzzer'
      this.sentClose = true
    }
  }

  /** The frame with its header, up to the last of `cutsBytes` in its payload, in a write for each. */
  async sendStart(frame: Frame, cutsBytes: readonly number[]): Promise<void> {
    const whole = encodeFrames([frame], this.#maskKey)
    const headerBytes = whole.length - (frame.payload?.length ?? 0)
    let sent = 0
    for (const cut of cutsBytes) {
      await this.write(whole.subarray(sent, headerBytes + cut))
      sent = headerBytes + cut
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#rest = whole.subarray(sent)
  }

  async sendRest(): Promise<void> {
    await this.write(this.#rest)
  }

  /** Resolves when the system takes more, or nothing will be taken any more. */
  async write(bytes: Uint8Array): Promise<void> {
    const socket = this.#socket
    if (socket.writable && !socket.write(bytes)) {
      await this.until(() => socket.writableLength === 0 || socket.destroyed || this.peerEnd !== null)
    }
  }

  /** Waits for a condition, looked at after whatever happens. @returns whether it holds; false when the time was over first */
  async until(condition: () => boolean, withinMs: number | null = null): Promise<boolean> {
    let isOver = false
    const timer =
      withinMs === null
        ? null
        : setTimeout(() => {
            isOver = true
            this.#wake()
          }, withinMs)
    while (!condition() && !isOver && !this.expired) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
    }
    if (timer !== null) clearTimeout(timer)
    return condition()
  }

  /** Waits for a condition as long as there is something new to read at least every `quietMs`. @returns whether it holds */
  async untilQuiet(condition: () => boolean, quietMs: number): Promise<boolean> {
    for (;;) {
      const before = this.#receivedBytes
      if (await this.until(condition, quietMs)) return true
      if (this.expired || before === this.#receivedBytes) return false
    }
  }

  expire(): void {
    this.expired = true
    this.#wake()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Ends the fuzzer's writing side. */
  finish(): void {
    this.closedBy ??= 'fuzzer'
    this.#socket.end()
  }

  /** Gives the connection up. */
  destroy(): void {
    this.#socket.destroy()
  }

  #ended(how: 'end' | 'reset'): void {
    if (this.closeFrame === null) this.closedBy ??= 'peer'
    this.peerEnd ??= how
    this.#wake()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
