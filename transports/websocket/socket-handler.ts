// What an application gives a socket, and what it is told.
import type { Clock } from './clock.ts'
import type { ConnectionSettings, Outcome } from './protocol/connection.ts'
import type { Message } from './protocol/message.ts'
import type { MessageSocket } from './socket.node.ts'

/** How a socket has ended. */
export interface SocketClosed extends Outcome {
  /** What the network reported, if it did. */
  readonly error: Error | null
}

/** What happens on sockets; one object serves all that share their settings. */
export interface SocketHandler<Context> {
  /**
   * A whole message. Its `parts` may be looked at and passed on until this returns, its `bytes()` kept. Not called any more
   * once this side has closed.
   */
  message(socket: MessageSocket<Context>, message: Message): void
  /** Called once, last. */
  closed(socket: MessageSocket<Context>, closed: SocketClosed): void
  /** After a send has returned false: go on. */
  drained?(socket: MessageSocket<Context>): void
  ponged?(socket: MessageSocket<Context>, payload: Uint8Array): void
}

/** Shared by all sockets of one kind. */
export interface SocketSettings<Context> {
  readonly connection: ConnectionSettings
  readonly handler: SocketHandler<Context>
  /** How long the peer may take to finish the closing handshake; then the connection is cut. */
  readonly closeTimeoutMs: number
  readonly clock: Clock
}

export const defaultCloseTimeoutMs = 5000
