// What came on a link and waits until the application is ready for it: handed up in order, one at a time.

export interface InboxParts<Document> {
  /** Hands a document up. A promise: the application pushes back, and nothing more is handed up until it resolves. */
  take(document: Document): void | Promise<void>
  /** Reading may stop: the application is busy. */
  pause(): void
  /** Everything has been handed up. */
  resume(): void
  /** The link has ended: what waits is dropped. */
  isOver(): boolean
  /** `take` has thrown while what waited was handed up. */
  failed(error: unknown): void
}

export class Inbox<Document> {
  readonly #parts: InboxParts<Document>
  /** What came while the application was busy; null while it is not. */
  #waiting: Document[] | null = null

  constructor(parts: InboxParts<Document>) {
    this.#parts = parts
  }

  /** Throws what `take` throws, when it is this document's turn. */
  push(document: Document): void {
    if (this.#waiting === null) this.#hand(document)
    else this.#waiting.push(document)
  }

  #hand(document: Document): void {
    const taken = this.#parts.take(document)
    if (taken !== undefined) void this.#waitFor(taken)
  }

  async #waitFor(taken: Promise<void>): Promise<void> {
    const waiting: Document[] = []
    this.#waiting = waiting
    this.#parts.pause()
    try {
      await taken
      this.#waiting = null
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        if (this.#parts.isOver()) return
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
