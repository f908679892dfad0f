// What came on a link and waits until the application is ready for it: handed up in order, one at a time.
import { LinkError } from './errors.ts'
import type { ServerDocument } from './wire.ts'

/**
 * What may wait where reading can't be stopped, in characters of JSON: about what a server has under way for a reader that stops. Beyond
 * it the link ends, and the session reads on from its cursor (R39).
 */
const waitingCharacters = 160 * 1024

/** About what a document was as JSON; its parts beside names and texts are of one length. */
function charactersOf(document: ServerDocument): number {
  const messages = document.kind === 'messages' ? document.messages : []
  return messages.reduce((sum, { user, text }) => sum + user.length + text.length + 120, 120)
}

export interface InboxParts<Document extends ServerDocument> {
  /** Hands a document up. A promise: the application pushes back, and nothing more is handed up until it resolves. */
  take(document: Document): void | Promise<void>
  /** Reading may stop: the application is busy. Gives whether it does; a browser's WebSocket and EventSource read on. */
  pause(): boolean
  /** Everything has been handed up. */
  resume(): void
  /** The link has ended: what waits is dropped. */
  isOver(): boolean
  /** `take` has thrown while what waited was handed up; or a `LinkError` of cause 'slow': too much waits. */
  failed(error: unknown): void
}

export class Inbox<Document extends ServerDocument> {
  readonly #parts: InboxParts<Document>
  /** What came while the application was busy; null while it is not. */
  #waiting: Document[] | null = null
  #waitingCharacters = 0
  #isStopped = false

  constructor(parts: InboxParts<Document>) {
    this.#parts = parts
  }

  /** Throws what `take` throws, when it is this document's turn. */
  push(document: Document): void {
    if (this.#waiting === null) {
      this.#hand(document)
      return
    }
    this.#waiting.push(document)
    this.#waitingCharacters += charactersOf(document)
    if (this.#isStopped || this.#waitingCharacters <= waitingCharacters || this.#parts.isOver()) return
    const detail = 'This side did not take what came, and can’t stop reading.'
    this.#parts.failed(new LinkError('slow', detail))
  }

  #hand(document: Document): void {
    const taken = this.#parts.take(document)
    if (taken !== undefined) void this.#waitFor(taken)
  }

  async #waitFor(taken: Promise<void>): Promise<void> {
    const waiting: Document[] = []
    this.#waiting = waiting
    this.#isStopped = this.#parts.pause()
    try {
      await taken
      this.#waiting = null
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        if (this.#parts.isOver()) return
        this.#waitingCharacters -= charactersOf(next)
        this.#hand(next)
        if (this.#isBusyAgain(waiting)) return
      }
      if (!this.#parts.isOver()) this.#parts.resume()
    } catch (error) {
      this.#parts.failed(error)
    }
  }

  /** It pushes back again: the rest waits before what comes meanwhile. */
  #isBusyAgain(rest: Document[]): boolean {
    this.#waiting?.unshift(...rest.splice(0))
    return this.#waiting !== null
  }
}
