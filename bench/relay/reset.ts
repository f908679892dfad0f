// Resets a TCP connection at once.
import type { Socket } from 'node:net'

/**
 * Sends a RST, without an orderly end before it and without waiting for what is still to be written: Node's own
 * `resetAndDestroy` does both, so that it never ends a socket whose peer has stopped reading.
 */
export function resetNow(socket: Socket): void {
  if (socket.destroyed) return
  // While its FIN is under way, or before there is a connection, a socket can't be reset.
  const isResettable = !socket.connecting && (!socket.writableEnded || socket.writableFinished)
  // What `resetAndDestroy` itself sets before it destroys.
  if (isResettable) Object.assign(socket, { resetAndClosing: true })
  socket.destroy()
}
