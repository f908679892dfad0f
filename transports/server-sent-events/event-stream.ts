// The format of an event stream (WHATWG HTML §9.2): events to text, and bytes to events. Pure; no I/O, no clock.
import { LinkError, UsageError } from '../errors.ts'

/** What an event is written from. */
export interface EventFields {
  readonly data: string
  /** The position that a reader which reconnects sends as `Last-Event-ID`. */
  readonly id?: string
  /** `message` where there is none. */
  readonly event?: string
  /** How long a reader waits before it reconnects, in ms. */
  readonly retryMs?: number
}

/** The ways in which a line may end. */
const lineEnd = /\r\n|\r|\n/

/** Writes an event. Data of several lines becomes several fields, which a reader joins with line feeds. Throws `UsageError` for an id or a name that would break out of its line. */
export function encodeEvent({ data, id, event, retryMs }: EventFields): string {
  let text = ''
  if (retryMs !== undefined) text += `retry: ${Math.round(retryMs)}\n`
  if (event !== undefined) text += `event: ${oneLine(event, 'name')}\n`
  // A reader ignores an id that has a NUL.
  if (id !== undefined) text += `id: ${oneLine(id, 'id')}\n`
  // JSON has no line ends of its own: the usual data is one line, and not looked at twice.
  text += lineEnd.test(data) ? `data: ${data.split(lineEnd).join('\ndata: ')}\n` : `data: ${data}\n`
  return `${text}\n`
}

function oneLine(value: string, what: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for one.
  if (/[\r\n\u0000]/.test(value)) throw new UsageError(`An event's ${what} is one line, without NUL.`)
  return value
}

/** An event as it is dispatched. */
export interface StreamEvent {
  readonly type: string
  readonly data: string
  /** The last id that the stream gave, this event's or an earlier one's. */
  readonly lastEventId: string
}

const lineFeed = 0x0a
const carriageReturn = 0x0d

/**
 * Reads an event stream. Gives the same events for every split of the bytes: a line is decoded when it is whole, and no byte of a
 * longer character in UTF-8 looks like a line's end (RFC 3629 §3). What stands behind the last empty line is no event yet.
 */
export class EventStreamDecoder {
  readonly #maximumEventBytes: number
  readonly #utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
  #pieces: Uint8Array[] = []
  /** Of the event that is being read: its data, and the unfinished line. */
  #eventBytes = 0
  #dataBytes = 0
  #isFirstLine = true
  /** The last line ended with a carriage return: a line feed behind it belongs to it. */
  #skipLineFeed = false
  #data: string[] = []
  #type = ''
  #id = ''
  #lastEventId: string
  #retryMs: number | null = null

  /** `lastEventId`: what a former stream ended with. An event of more bytes is a `LinkError` of cause 'protocol'. */
  constructor(maximumEventBytes: number, lastEventId = '') {
    this.#maximumEventBytes = maximumEventBytes
    this.#lastEventId = lastEventId
    this.#id = lastEventId
  }

  /** What to send as `Last-Event-ID`; empty: nothing. */
  get lastEventId(): string {
    return this.#lastEventId
  }

  /** The wait that the stream asked for, in ms; null: it did not. */
  get retryMs(): number | null {
    return this.#retryMs
  }

  /** The events that this chunk completes. The chunk must not change afterwards. */
  push(chunk: Uint8Array): StreamEvent[] {
    const events: StreamEvent[] = []
    let from = 0
    if (this.#skipLineFeed && chunk.length > 0) {
      this.#skipLineFeed = false
      if (chunk[0] === lineFeed) from = 1
    }
    let nextReturn = chunk.indexOf(carriageReturn, from)
    let nextFeed = chunk.indexOf(lineFeed, from)
    while (nextReturn >= 0 || nextFeed >= 0) {
      const isReturn = nextReturn >= 0 && (nextFeed < 0 || nextReturn < nextFeed)
      const end = isReturn ? nextReturn : nextFeed
      this.#keep(chunk.subarray(from, end))
      const lineBytes = this.#eventBytes - this.#dataBytes
      if (this.#line(this.#take(), events)) this.#dataBytes += lineBytes
      this.#eventBytes = this.#dataBytes
      from = end + 1
      if (isReturn && chunk[from] === lineFeed) from += 1
      else if (isReturn && from === chunk.length) this.#skipLineFeed = true
      if (nextReturn >= 0 && nextReturn < from) nextReturn = chunk.indexOf(carriageReturn, from)
      if (nextFeed >= 0 && nextFeed < from) nextFeed = chunk.indexOf(lineFeed, from)
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from))
    return events
  }

  #keep(piece: Uint8Array): void {
    this.#eventBytes += piece.length
    if (this.#eventBytes > this.#maximumEventBytes)
      throw new LinkError(
        'protocol',
        `The server sent an event of more than ${this.#maximumEventBytes} bytes.`,
      )
    if (piece.length > 0) this.#pieces.push(piece)
  }

  #take(): string {
    const pieces = this.#pieces
    this.#pieces = []
    let line = ''
    for (const piece of pieces) line += this.#utf8.decode(piece, { stream: true })
    line += this.#utf8.decode()
    if (!this.#isFirstLine) return line
    this.#isFirstLine = false
    return line.startsWith('\ufeff') ? line.slice(1) : line
  }

  /** Takes a whole line. Gives whether it was data, which has to be kept. */
  #line(line: string, events: StreamEvent[]): boolean {
    if (line === '') {
      this.#dispatch(events)
      return false
    }
    const colon = line.indexOf(':')
    // A comment.
    if (colon === 0) return false
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    switch (field) {
      case 'data':
        this.#data.push(value)
        return true
      case 'event':
        this.#type = value
        break
      case 'id':
        if (!value.includes('\0')) this.#id = value
        break
      case 'retry':
        if (/^[0-9]+$/.test(value)) this.#retryMs = Number(value)
        break
    }
    return false
  }

  #dispatch(events: StreamEvent[]): void {
    this.#lastEventId = this.#id
    if (this.#data.length > 0) {
      const type = this.#type === '' ? 'message' : this.#type
      events.push({ type, data: this.#data.join('\n'), lastEventId: this.#lastEventId })
    }
    this.#data = []
    this.#type = ''
    this.#dataBytes = 0
  }
}
