// The hand-built socket as the hub's subscriber sees one: a batch is made one whole frame, which all of them share.
import type { Batch, WireForm } from '../hub/batch.ts'
import { encryptedBytes } from '../queued.server.ts'
import { jsonSubprotocol } from '../socket-documents.ts'
import {
  longestDocumentBytes,
  type ServerSocket,
  type SocketSubscriber,
} from '../socket-subscriber.server.ts'
import { Acceptor } from './accept.node.ts'
import { messageText } from './primitives.node.ts'
import { serverFrame } from './protocol/frame.ts'
import type { MessageSocket } from './socket.node.ts'
import type { SocketHandler } from './socket-handler.ts'

/** A document as one whole frame. */
export function documentFrame(document: string): Uint8Array {
  return serverFrame('text', Buffer.from(document))
}

const frame: WireForm<Uint8Array> = { encode: (batch) => documentFrame(batch.document) }

const socketHandler: SocketHandler<SocketSubscriber> = {
  message: (socket, message) => socket.context.message(message.text ? messageText(message) : null),
  closed: (socket) => socket.context.gone(),
  drained: (socket) => socket.context.drained(),
}

export function createAcceptor(): Acceptor<SocketSubscriber> {
  return new Acceptor<SocketSubscriber>({
    handler: socketHandler,
    subprotocols: [jsonSubprotocol],
    limits: { maxMessageBytes: longestDocumentBytes },
  })
}

export class HandBuiltSocket implements ServerSocket {
  readonly watched: MessageSocket<SocketSubscriber>

  constructor(socket: MessageSocket<SocketSubscriber>) {
    this.watched = socket
  }

  get subprotocol(): string | null {
    return this.watched.subprotocol
  }

  get extensions(): string {
    return this.watched.extensions
  }

  get isOpen(): boolean {
    return this.watched.isOpen
  }

  get bufferedBytes(): number {
    return this.watched.bufferedBytes
  }

  get needsDrain(): boolean {
    return this.watched.duplex.writableNeedDrain
  }

  sendBatch(batch: Batch): boolean {
    return this.watched.sendFrames(batch.as(frame))
  }

  sendHeartbeat(heartbeat: Uint8Array): void {
    this.watched.sendFrames(heartbeat)
  }

  send(text: string): boolean {
    return this.watched.send(text)
  }

  close(code: number, reason: string): void {
    this.watched.close(code, reason)
  }

  terminate(): void {
    this.watched.terminate()
  }

  pause(): void {
    this.watched.pause()
  }

  resume(): void {
    this.watched.resume()
  }

  queuedBytes(): number {
    return this.watched.bufferedBytes + encryptedBytes(this.watched.duplex)
  }
}
