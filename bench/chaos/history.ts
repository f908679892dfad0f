// What one client was told and what it did, line by line in a file: the evidence that the checker reads.
import { createWriteStream, type WriteStream } from 'node:fs'

/** One line of a history, as JSON. */
export type HistoryLine =
  /** Where the client began to follow: everything behind it must be handed up. */
  | { readonly kind: 'start'; readonly epoch: string; readonly offset: number }
  | { readonly kind: 'sent'; readonly id: string; readonly text: string }
  /** The application was told that the log has it. */
  | { readonly kind: 'acknowledged'; readonly id: string; readonly offset: number; readonly created: boolean }
  | { readonly kind: 'refused'; readonly id: string; readonly detail: string }
  /** Handed to the application in one event. */
  | { readonly kind: 'messages'; readonly epoch: string; readonly messages: readonly HandedMessage[] }
  | { readonly kind: 'gap' }
  | { readonly kind: 'reset' }

export interface HandedMessage {
  readonly offset: number
  readonly id: string
  readonly user: string
  readonly text: string
}

export class HistoryWriter {
  readonly #stream: WriteStream
  readonly #failure = Promise.withResolvers<never>()

  constructor(file: string) {
    this.#stream = createWriteStream(file)
    // Whoever waits for the end learns of it.
    this.#failure.promise.catch(() => undefined)
    this.#stream.on('error', (error) => this.#failure.reject(error))
  }

  write(line: HistoryLine): void {
    this.#stream.write(`${JSON.stringify(line)}\n`)
  }

  /** Resolves when all lines are in the file; rejects when they can't be. */
  async end(): Promise<void> {
    const finished = new Promise<void>((resolve) => this.#stream.end(resolve))
    await Promise.race([finished, this.#failure.promise])
  }
}
