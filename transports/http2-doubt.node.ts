// Asks an HTTP/2 connection whether it is alive: one whose other end vanished without a word looks idle, and swallows every request (R34).
import type { ClientHttp2Session } from 'node:http2'

/** How long a connection may be silent once it is doubted, in ms. */
export const doubtTimeoutMs = 2000
/** How long one that is not open yet may take from then on: TCP and TLS are round trips, and everybody's next request waits for it. */
const connectTimeoutMs = 8000

const doubted = new WeakSet<ClientHttp2Session>()

/**
 * Destroys the connection unless it answers a ping (RFC 9113 §6.7), or at least brings something, in time. Browsers do
 * something like it by themselves. What is doubted already is not asked again, and one that is closing can't be asked.
 */
export function doubt(session: ClientHttp2Session): void {
  if (session.destroyed || session.closed || doubted.has(session)) return
  doubted.add(session)
  let answered = false
  const ask = (): void => {
    if (session.destroyed) return
    // Where the ping could not be sent, as on a connection that has begun to close, its end is not this one's business.
    session.ping(() => {
      answered = true
    })
  }
  if (session.connecting) session.once('connect', ask)
  else ask()
  watch(session, session.connecting ? connectTimeoutMs : doubtTimeoutMs, () => answered)
}

function watch(session: ClientHttp2Session, limitMs: number, answered: () => boolean): void {
  const before = bytesRead(session)
  const look = (): void => {
    if (answered() || session.destroyed) doubted.delete(session)
    // The answer waits behind what is on its way already, which takes its time on a slow network.
    else if (bytesRead(session) > before) watch(session, doubtTimeoutMs, answered)
    else {
      doubted.delete(session)
      session.destroy(new Error(`The connection gave no sign of life for ${limitMs} ms.`))
    }
  }
  // Where this process was held up itself, the answer may have come and not have been read: it is read before the second look.
  setTimeout(() => setTimeout(look, limitMs * 0.1).unref(), limitMs * 0.9).unref()
}

function bytesRead(session: ClientHttp2Session): number {
  return session.destroyed ? 0 : session.socket.bytesRead
}
