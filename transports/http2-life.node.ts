// Asks an HTTP/2 connection of ours whether it still leads anywhere. Browsers do so by themselves; Node does not.
import type { ClientHttp2Session } from 'node:http2'

/** How long a connection may give no sign of life after it was asked for one. */
export const lifeTimeoutMs = 2000

const asked = new WeakSet<ClientHttp2Session>()

/**
 * Destroys the connection when not a byte comes within `limitMs`: whatever is under way on it fails then, and the next request
 * opens another one. To be called when something on it was given up: in a black hole a connection looks open for ever (R34).
 */
export function askForLife(session: ClientHttp2Session, limitMs = lifeTimeoutMs): void {
  if (session.destroyed || session.closed || asked.has(session)) return
  asked.add(session)
  const readBefore = bytesRead(session)
  const timer = setTimeout(() => {
    asked.delete(session)
    // Something else may have come, with the answer behind it: slow is not dead.
    if (!session.destroyed && bytesRead(session) === readBefore) session.destroy()
  }, limitMs)
  timer.unref()
  session.ping(() => {
    asked.delete(session)
    clearTimeout(timer)
  })
}

function bytesRead(session: ClientHttp2Session): number {
  return session.destroyed ? 0 : session.socket.bytesRead
}
