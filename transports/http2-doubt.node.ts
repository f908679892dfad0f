// Asks an HTTP/2 connection whether it is alive: one whose other end vanished without a word looks idle, and swallows every request (R34).
import type { ClientHttp2Session } from 'node:http2'

/** How long a connection may take to answer, or to open, once it is doubted, in ms. */
export const doubtTimeoutMs = 2000

const doubted = new WeakSet<ClientHttp2Session>()

/**
 * Destroys the connection unless it answers a ping (RFC 9113 §6.7) in time. Browsers do something like it by themselves. What
 * is doubted already is not asked again.
 */
export function doubt(session: ClientHttp2Session): void {
  if (session.destroyed || doubted.has(session)) return
  doubted.add(session)
  let answered = false
  const ask = (): void => {
    if (session.destroyed) return
    session.ping((error) => {
      answered = error === null
    })
  }
  if (session.connecting) session.once('connect', ask)
  else ask()
  const look = (): void => {
    doubted.delete(session)
    if (!answered) session.destroy(new Error(`The connection gave no sign of life for ${doubtTimeoutMs} ms.`))
  }
  // Where this process was held up itself, the answer may have come and not have been read: it is read before the second look.
  setTimeout(() => setTimeout(look, doubtTimeoutMs * 0.1).unref(), doubtTimeoutMs * 0.9).unref()
}
