// The head of an HTTP/1.1 request or response (RFC 9112) from raw bytes: linear in time, bounded in space, strict.

/** Names in lower case; a field that occurs more than once has its values joined with a comma (RFC 9110 §5.3). */
export type Headers = Readonly<Record<string, string>>

export interface Head {
  /** The request line or status line, without its end. */
  readonly startLine: string
  readonly headers: Headers
}

/** `head` goes up to and with the empty line; `rest` is what came behind it. */
export interface WholeHead {
  readonly head: Uint8Array
  readonly rest: Uint8Array
}

const carriageReturn = 0x0d
const lineFeed = 0x0a
const maxFields = 100
const smallestBufferBytes = 512

// Each is a single character class: linear for every input.
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/
const visible = /^[\x20-\x7e\x80-\xff]+$/

/** Whether a text is a token (RFC 9110 §5.6.2), as field names and subprotocols are. */
export function isToken(text: string): boolean {
  return token.test(text)
}

/** Whether a text may stand as a field's value: no line ends, no control characters. */
export function isFieldValue(text: string): boolean {
  return fieldValue.test(text)
}

/** Collects a head that may arrive in pieces. Each byte is looked at once. */
export class HeadReader {
  readonly #maxHeadBytes: number
  #buffer = new Uint8Array(0)
  #usedBytes = 0
  /** How much of the empty line's CR LF CR LF has been seen last. */
  #matched = 0

  constructor(maxHeadBytes: number) {
    this.#maxHeadBytes = maxHeadBytes
  }

  /** Takes the next bytes: the whole head with what follows it, or null while it isn't complete, or what is wrong. */
  push(chunk: Uint8Array): WholeHead | 'too large' | null {
    const end = this.#findEnd(chunk)
    const headBytes = this.#usedBytes + (end === -1 ? chunk.length : end)
    if (headBytes > this.#maxHeadBytes) return 'too large'
    if (end !== -1 && this.#usedBytes === 0)
      return { head: chunk.subarray(0, end), rest: chunk.subarray(end) }
    this.#append(end === -1 ? chunk : chunk.subarray(0, end))
    if (end === -1) return null
    return { head: this.#buffer.subarray(0, this.#usedBytes), rest: chunk.subarray(end) }
  }

  /** The offset in `chunk` behind the empty line, or -1. */
  #findEnd(chunk: Uint8Array): number {
    let matched = this.#matched
    for (let index = 0; index < chunk.length; index++) {
      const expected = (matched & 1) === 0 ? carriageReturn : lineFeed
      const byte = chunk[index] as number
      if (byte === expected) matched++
      else matched = byte === carriageReturn ? 1 : 0
      if (matched === 4) return index + 1
    }
    this.#matched = matched
    return -1
  }

  #append(bytes: Uint8Array): void {
    const needed = this.#usedBytes + bytes.length
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2, smallestBufferBytes))
      grown.set(this.#buffer.subarray(0, this.#usedBytes))
      this.#buffer = grown
    }
    this.#buffer.set(bytes, this.#usedBytes)
    this.#usedBytes = needed
  }
}

/** Takes a whole head apart, or says in words what is wrong with it. */
export function parseHead(head: Uint8Array): Head | string {
  // Every byte a character: whether one is allowed is checked below.
  const lines = latin1(head).split('\r\n')
  lines.length -= 2 // behind the empty line's two line ends stands nothing
  const startLine = lines[0] ?? ''
  if (!visible.test(startLine)) return 'the first line is malformed'
  if (lines.length - 1 > maxFields) return `more than ${maxFields} header fields`
  const headers: Record<string, string> = Object.create(null)
  for (let index = 1; index < lines.length; index++) {
    const line = lines[index] as string
    const colon = line.indexOf(':')
    // RFC 9112 §5: no white space before the colon, no folded lines.
    if (colon < 1 || !isToken(line.slice(0, colon))) return 'a header field has a malformed name'
    const name = line.slice(0, colon).toLowerCase()
    const value = trimWhitespace(line.slice(colon + 1))
    if (!isFieldValue(value)) return `the header field ${name} has a malformed value`
    const before = headers[name]
    headers[name] = before === undefined ? value : `${before}, ${value}`
  }
  return { startLine, headers }
}

/** The elements of a comma-separated list (RFC 9110 §5.6.1), empty ones left out. */
export function listElements(value: string): string[] {
  return value
    .split(',')
    .map(trimWhitespace)
    .filter((element) => element !== '')
}

/** Takes spaces and tabs off both ends, in linear time. */
function trimWhitespace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isWhitespace(text.charCodeAt(start))) start++
  while (end > start && isWhitespace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09
}

function latin1(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}
