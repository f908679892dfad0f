// A socket of the library ws as the hub's subscriber sees one: a batch is made JSON once, and the library frames it for each reader.
import type { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import type { Batch, WireForm } from '../hub/batch.ts'
import { queuedOn } from '../queued.server.ts'
import type { Watched } from '../socket-liveness.ts'
import type { ServerSocket, SocketSubscriber } from '../socket-subscriber.server.ts'

/** A document as a message's payload. */
export function documentPayload(document: string): Buffer {
  return Buffer.from(document)
}

const payload: WireForm<Buffer> = { encode: (batch) => documentPayload(batch.document) }

/** Bytes would be a binary message by themselves. */
const asText = { binary: false }

export class LibrarySocket implements ServerSocket, Watched {
  readonly extensions = ''
  heard = true
  readonly #socket: WebSocket
  readonly #duplex: Duplex
  readonly #subscriber: SocketSubscriber
  #paused = false
  /** The library hands up all that a read has brought, paused or not: the rest of it waits here. */
  readonly #kept: (string | null)[] = []

  constructor(socket: WebSocket, duplex: Duplex, subscriber: SocketSubscriber) {
    this.#socket = socket
    this.#duplex = duplex
    this.#subscriber = subscriber
    socket.on('message', (data, isBinary) => this.#receive(isBinary ? null : textOf(data)))
    socket.on('close', () => subscriber.gone())
    // It has begun to close by then, with the code that the fault asks for; unheard, it would end the process.
    socket.on('error', () => this.#letGo())
    duplex.on('data', () => {
      this.heard = true
    })
    duplex.on('drain', () => {
      if (this.isOpen) subscriber.drained()
    })
  }

  get subprotocol(): string | null {
    return this.#socket.protocol === '' ? null : this.#socket.protocol
  }

  get watched(): Watched {
    return this
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN && !this.#duplex.destroyed
  }

  get bufferedBytes(): number {
    return this.#duplex.writableLength
  }

  get needsDrain(): boolean {
    return this.#duplex.writableNeedDrain
  }

  sendBatch(batch: Batch): boolean {
    return this.#send(batch.as(payload))
  }

  sendHeartbeat(heartbeat: Uint8Array): void {
    this.#send(heartbeat)
  }

  send(text: string): boolean {
    return this.#send(text)
  }

  ping(): void {
    if (this.isOpen) this.#socket.ping()
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
    this.#letGo()
  }

  terminate(): void {
    this.#socket.terminate()
  }

  pause(): void {
    if (!this.isOpen) return
    this.#paused = true
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    // Later, so that nobody gets a message while he asks for it.
    process.nextTick(() => this.#readOn())
  }

  queuedBytes(): number {
    return queuedOn(this.#duplex)
  }

  #send(data: string | Uint8Array): boolean {
    if (!this.isOpen) return false
    this.#socket.send(data, asText)
    return !this.#duplex.writableNeedDrain
  }

  #receive(text: string | null): void {
    if (this.#paused || this.#kept.length > 0) this.#kept.push(text)
    else this.#subscriber.message(text)
  }

  #readOn(): void {
    while (!this.#paused && this.#kept.length > 0) this.#subscriber.message(this.#kept.shift() ?? null)
    if (!this.#paused) this.#socket.resume()
  }

  /** Nothing more is wanted of the peer but its close frame, which must be seen. */
  #letGo(): void {
    this.#kept.length = 0
    this.#paused = false
    this.#socket.resume()
  }
}

/** Whole messages come in one buffer, as `binaryType` is left at "nodebuffer". */
function textOf(data: RawData): string {
  return (data as Buffer).toString()
}
