// The last things that happened to one client, to be read when something went wrong.

const mostLines = 80

export class Trace {
  readonly #startedMs: number
  readonly #lines: string[] = []
  #last = ''

  /** Times are told from `startedMs` on, a time of `performance.now()`. */
  constructor(startedMs: number) {
    this.#startedMs = startedMs
  }

  get lines(): readonly string[] {
    return this.#lines
  }

  /** The same kind of event in a row keeps its first and its last line. */
  add(kind: string, detail: string): void {
    const seconds = ((performance.now() - this.#startedMs) / 1000).toFixed(3)
    const before = this.#lines.at(-2) ?? ''
    if (kind === this.#last && kindOf(before) === kind) this.#lines.pop()
    this.#last = kind
    this.#lines.push(`${seconds.padStart(9)} s  ${kind.padEnd(10)} ${detail}`)
    if (this.#lines.length > mostLines) this.#lines.shift()
  }
}

function kindOf(line: string): string {
  return line.slice(13, 23).trimEnd()
}
