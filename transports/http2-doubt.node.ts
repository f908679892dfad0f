// Asks an HTTP/2 connection whether it is alive: one whose other end vanished without a word looks idle, and swallows every request (R34).
import type { ClientHttp2Session } from 'node:http2'

/** How long a connection may take to answer, or to open, once it is doubted, in ms. */
export const doubtTimeoutMs = 2000

const doubted = new WeakSet<ClientHttp2Session>()

/**
 * Asks the connection for an answer (a PING, RFC 9113 §6.7), and destroys it unless anything at all comes in time: on a slow
 * network the answer waits behind what was sent before it. Browsers do something like it by themselves. What is doubted already is
 * not asked again.
 */
export function doubt(session: ClientHttp2Session): void {
  if (session.destroyed || doubted.has(session)) return
  doubted.add(session)
  const bytesBefore = bytesRead(session)
  const ask = (): void => {
    // The answer counts as the bytes that it is made of.
    if (!session.destroyed && !session.closed) session.ping(() => undefined)
  }
  if (session.connecting) session.once('connect', ask)
  else ask()
  const look = (): void => {
    doubted.delete(session)
    if (!session.destroyed && bytesRead(session) === bytesBefore)
      session.destroy(new Error(`The connection gave no sign of life for ${doubtTimeoutMs} ms.`))
  }
  // Where this process was held up itself, the answer may have come and not have been read: it is read before the second look.
  setTimeout(() => setTimeout(look, doubtTimeoutMs * 0.1).unref(), doubtTimeoutMs * 0.9).unref()
}

function bytesRead(session: ClientHttp2Session): number {
  return session.connecting || session.destroyed ? 0 : session.socket.bytesRead
}
