// Which links a session has. The newest wins; the older ones are closed as `replaced` a moment later, so that one that its client forgot can't linger (R24).
import type { Clock } from '../clock.ts'
import type { LeaveLink, LinkIdentity, Links } from '../contract.server.ts'
import { serverLimits } from '../limits.ts'
import { ProblemError, problem } from '../problem.ts'

/** How many sessions one new session looks at to forget them. More than one, so that forgetting keeps up. */
const looksAtOnce = 16

interface SessionEntry {
  /** The first origin that a browser named for this session. */
  origin: string | null
  newest: number
  /** When the newest link came, on the monotonic clock. */
  newestAtMs: number
  lastSeenMs: number
  readonly open: Map<number, () => void>
}

/** How exactly a session's last sign of life is known. */
const seenResolutionMs = 1000

export class LinkRegistry implements Links {
  /** In the order of the last sign of life, so that the stale ones are found at the front. */
  readonly #sessions = new Map<string, SessionEntry>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#sessions.size
  }

  enter(identity: LinkIdentity, replace: () => void): LeaveLink {
    const entry = this.#admit(identity)
    const { link } = identity
    // The same number again is the same request, sent anew underneath (a browser may do so on a stale connection).
    entry.open.get(link)?.()
    entry.open.set(link, replace)
    this.#replaceOlder(identity.session, entry)
    return () => {
      if (entry.open.get(link) !== replace) return
      entry.open.delete(link)
      this.#seen(identity.session, entry)
    }
  }

  touch(identity: LinkIdentity): void {
    const entry = this.#admit(identity)
    if (identity.link === entry.newest) this.#replaceOlder(identity.session, entry)
  }

  #admit(identity: LinkIdentity): SessionEntry {
    const { session, link, origin } = identity
    const now = this.#clock.nowMs()
    let entry = this.#sessions.get(session)
    if (entry === undefined) {
      this.#forgetStale(now)
      entry = { origin, newest: link, newestAtMs: now, lastSeenMs: now, open: new Map() }
      this.#sessions.set(session, entry)
    }
    if (origin !== null && entry.origin !== null && origin !== entry.origin) {
      throw new ProblemError(
        problem('forbidden-session', 'This session was opened by a page of another origin.'),
      )
    }
    if (link < entry.newest && now >= entry.newestAtMs + serverLimits.handoverMs) {
      throw new ProblemError(
        problem('replaced', `Link ${entry.newest} of this session took over from link ${link}.`),
      )
    }
    entry.origin ??= origin
    if (link > entry.newest) {
      entry.newest = link
      entry.newestAtMs = now
    }
    // Not at each poll: taking out and putting in is the dearest step of an unchanged one.
    if (now - entry.lastSeenMs >= seenResolutionMs) this.#seen(session, entry)
    return entry
  }

  #replaceOlder(session: string, entry: SessionEntry): void {
    const { newest } = entry
    if (entry.open.size === 0 || (entry.open.size === 1 && entry.open.has(newest))) return
    this.#clock.after(serverLimits.handoverMs, () => {
      const current = this.#sessions.get(session)
      if (current !== entry) return
      for (const [link, replace] of entry.open) {
        // One that was the newest itself when this began has a time of its own.
        if (link >= newest) continue
        entry.open.delete(link)
        replace()
      }
    })
  }

  /** Notes a sign of life, unless the session has been forgotten. */
  #seen(session: string, entry: SessionEntry): void {
    if (this.#sessions.get(session) !== entry) return
    entry.lastSeenMs = this.#clock.nowMs()
    this.#sessions.delete(session)
    this.#sessions.set(session, entry)
  }

  /** Looks at the sessions that were seen longest ago, a few at a time, so that a new one costs little. */
  #forgetStale(now: number): void {
    let looks = 0
    for (const [session, entry] of this.#sessions) {
      const stale = now - entry.lastSeenMs > serverLimits.sessionMemoryMs
      if ((!stale && this.#sessions.size < serverLimits.sessions) || looks === looksAtOnce) return
      looks += 1
      // An open link is a sign of life: its session goes to the back, so that the next look starts with others.
      if (entry.open.size > 0) this.#seen(session, entry)
      else this.#sessions.delete(session)
    }
  }
}
