// The grammar of Sec-WebSocket-Extensions (RFC 6455 §9.1): which extensions, with which parameters. Linear in time, bounded.
import { isToken } from './head.ts'

export interface ExtensionParameter {
  readonly name: string
  /** Without its quotes; null if the parameter has none. */
  readonly value: string | null
}

/** One extension as it is offered or accepted. */
export interface Extension {
  readonly name: string
  readonly parameters: readonly ExtensionParameter[]
}

/** Far more than the registered extensions could use; a browser's offer has 45 characters. */
const maxHeaderCharacters = 4096
const maxParts = 128

/**
 * Reads the value of a header field, or of several joined with commas.
 *
 * @returns the extensions in their order, none for an empty value, or null when it breaks the grammar or is absurdly long
 */
export function parseExtensions(header: string): readonly Extension[] | null {
  if (header === '') return []
  if (header.length > maxHeaderCharacters) return null
  const scanner = new Scanner(header)
  const extensions: Extension[] = []
  let parts = 0
  do {
    // A list may have empty elements (RFC 9110 §5.6.1.2).
    if (scanner.atEnd || scanner.sees(',')) continue
    const name = scanner.token()
    if (name === null) return null
    const parameters: ExtensionParameter[] = []
    while (scanner.skip(';')) {
      const parameter = readParameter(scanner)
      if (parameter === null || ++parts > maxParts) return null
      parameters.push(parameter)
    }
    if (++parts > maxParts) return null
    extensions.push({ name, parameters })
  } while (scanner.skip(','))
  return scanner.atEnd ? extensions : null
}

/** An extension as it stands in the header field. */
export function formatExtension({ name, parameters }: Extension): string {
  const texts = parameters.map((parameter) =>
    parameter.value === null ? parameter.name : `${parameter.name}=${parameter.value}`,
  )
  return [name, ...texts].join('; ')
}

function readParameter(scanner: Scanner): ExtensionParameter | null {
  const name = scanner.token()
  if (name === null) return null
  if (!scanner.skip('=')) return { name, value: null }
  const value = scanner.sees('"') ? scanner.quoted() : scanner.token()
  // RFC 6455 §9.1: what stands between quotes must be a token, too.
  return value === null || !isToken(value) ? null : { name, value }
}

/** Goes through a text once; the white space before each thing that it reads is left out. */
class Scanner {
  readonly #text: string
  #index = 0

  constructor(text: string) {
    this.#text = text
    this.#skipWhitespace()
  }

  get atEnd(): boolean {
    return this.#index >= this.#text.length
  }

  sees(character: string): boolean {
    return this.#text[this.#index] === character
  }

  skip(character: string): boolean {
    if (!this.sees(character)) return false
    this.#index++
    this.#skipWhitespace()
    return true
  }

  token(): string | null {
    const start = this.#index
    while (!this.atEnd && !endsToken(this.#text[this.#index] as string)) this.#index++
    const token = this.#text.slice(start, this.#index)
    this.#skipWhitespace()
    return isToken(token) ? token : null
  }

  /** A quoted string (RFC 9110 §5.6.4), at whose first quote it stands. */
  quoted(): string | null {
    let value = ''
    for (this.#index++; !this.atEnd; this.#index++) {
      if (this.skip('"')) return value
      if (this.sees('\\')) this.#index++
      value += this.#text[this.#index] ?? ''
    }
    return null
  }

  #skipWhitespace(): void {
    while (this.#text[this.#index] === ' ' || this.#text[this.#index] === '\t') this.#index++
  }
}

function endsToken(character: string): boolean {
  return ' \t,;="'.includes(character)
}
