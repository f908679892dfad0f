// The two ways in which a WebSocket conversation goes wrong: the caller's mistake, and the peer's.

/** The caller broke this library's rules: sending after closing, a close code that may not be sent. Thrown. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The peer broke RFC 6455 or a limit. Never thrown by a connection: it becomes a `failure` event. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  /** The close code (RFC 6455 §7.4.1) that tells the peer what it did. */
  readonly closeCode: number

  constructor(closeCode: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.closeCode = closeCode
  }
}
