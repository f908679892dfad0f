// The judge: compares what each client was told with the log, message by message. It shares no code with the system that it judges.
import type { HandedMessage, HistoryLine } from './history.ts'

/** The log as it was found on disk. */
export interface StoredLog {
  readonly epoch: string
  /** By offset. */
  readonly messages: readonly HandedMessage[]
}

export type Verdict =
  | 'lost'
  | 'duplicated'
  | 'reordered'
  | 'gap'
  | 'reset'
  | 'refused'
  | 'unknown fate'
  | 'foreign'

export interface Violation {
  readonly verdict: Verdict
  readonly client: string
  readonly detail: string
}

export interface Findings {
  /** Messages whose senders were told that they are stored. */
  readonly acknowledged: number
  /** Messages handed to applications, all clients together. */
  readonly delivered: number
  readonly stored: number
  /** Acknowledged and not in the log; in the log and not handed to a reader; or not what it was. */
  readonly lost: number
  /** The same offset or id handed up again, or in the log twice. */
  readonly duplicated: number
  /** Handed up behind one that follows it, or in the log in another order than its sender's. */
  readonly reordered: number
  readonly gaps: number
  readonly resets: number
  /** Refused for good: nothing here should be. */
  readonly refused: number
  /** Sent, and neither acknowledged nor refused at the end. */
  readonly unknownFate: number
  /** In the log, and its sender was never told. Allowed. */
  readonly unacknowledgedStored: number
  /** Acknowledged at a later try, as the first one's acknowledgement had been lost. Allowed. */
  readonly acknowledgedLater: number
  /** In the log, and nobody of the run sent it. */
  readonly foreign: number
  /** The first of them. */
  readonly violations: readonly Violation[]
}

const mostViolations = 20

interface Sent {
  readonly client: string
  readonly text: string
  /** The place among what the client sent. */
  readonly index: number
  isAcknowledged: boolean
  isRefused: boolean
}

export class Checker {
  readonly #log: StoredLog
  readonly #byOffset = new Map<number, HandedMessage>()
  readonly #offsetOfId = new Map<string, number>()
  readonly #sent = new Map<string, Sent>()
  readonly #violations: Violation[] = []
  readonly #count = {
    acknowledged: 0,
    delivered: 0,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    gaps: 0,
    resets: 0,
    refused: 0,
    unknownFate: 0,
    unacknowledgedStored: 0,
    acknowledgedLater: 0,
    foreign: 0,
  }

  constructor(log: StoredLog) {
    this.#log = log
    let previous = 0
    for (const message of log.messages) {
      const { offset, id } = message
      if (offset === previous || this.#offsetOfId.has(id))
        this.#found('duplicated', 'the log', `holds ${name(message)} twice`)
      else if (offset < previous)
        this.#found('reordered', 'the log', `has ${name(message)} behind offset ${previous}`)
      for (let missing = previous + 1; missing < offset; missing++)
        this.#found('lost', 'the log', `has nothing at offset ${missing}`)
      this.#byOffset.set(offset, message)
      this.#offsetOfId.set(id, offset)
      previous = offset
    }
  }

  /** Takes one client's history; `user` is the name that it sends under. Call once for each client, then `finish`. */
  client(user: string, lines: Iterable<HistoryLine>): void {
    const reader = new Reader(user, this.#log.epoch, this.#byOffset, (verdict, detail) =>
      this.#found(verdict, user, detail),
    )
    let index = 0
    for (const line of lines) {
      switch (line.kind) {
        case 'start':
          reader.start(line.epoch, line.offset)
          break
        case 'sent':
          if (this.#sent.has(line.id))
            this.#found('foreign', user, `${line.id} was sent twice as a new message`)
          this.#sent.set(line.id, {
            client: user,
            text: line.text,
            index,
            isAcknowledged: false,
            isRefused: false,
          })
          index += 1
          break
        case 'acknowledged':
          this.#acknowledged(user, line)
          break
        case 'refused':
          this.#refused(user, line.id, line.detail)
          break
        case 'messages':
          for (const message of line.messages) reader.message(line.epoch, message)
          break
        case 'gap':
        case 'reset':
          this.#found(line.kind, user, `was told of a ${line.kind}`)
          break
      }
    }
    reader.finish(this.#log.messages)
    this.#count.delivered += reader.delivered
  }

  finish(): Findings {
    this.#checkSenders()
    for (const [id, { client, isAcknowledged, isRefused }] of this.#sent) {
      if (isAcknowledged) this.#count.acknowledged += 1
      else if (this.#offsetOfId.has(id)) this.#count.unacknowledgedStored += 1
      if (!isAcknowledged && !isRefused)
        this.#found('unknown fate', client, `never learned what became of ${id}`)
    }
    return { ...this.#count, stored: this.#log.messages.length, violations: [...this.#violations] }
  }

  #acknowledged(
    client: string,
    { id, offset, created }: { readonly id: string; readonly offset: number; readonly created: boolean },
  ): void {
    const sent = this.#sent.get(id)
    if (sent === undefined || sent.client !== client) {
      this.#found('foreign', client, `was told that ${id} is stored, which it never sent`)
      return
    }
    if (!created) this.#count.acknowledgedLater += 1
    sent.isAcknowledged = true
    const stored = this.#offsetOfId.get(id)
    if (stored === undefined)
      this.#found('lost', client, `was told that ${id} is stored at ${offset}; the log doesn't have it`)
    else if (stored !== offset)
      this.#found('lost', client, `was told that ${id} is stored at ${offset}; it is at ${stored}`)
  }

  #refused(client: string, id: string, detail: string): void {
    const sent = this.#sent.get(id)
    if (sent !== undefined) sent.isRefused = true
    this.#found('refused', client, `${id} was refused: ${detail}`)
  }

  /** What the log has is what was sent, and each sender's messages are in the order of sending. */
  #checkSenders(): void {
    const last = new Map<string, number>()
    for (const message of this.#log.messages) {
      const sent = this.#sent.get(message.id)
      if (sent === undefined) {
        this.#found('foreign', 'the log', `holds ${name(message)}, which nobody sent`)
        continue
      }
      if (sent.client !== message.user || sent.text !== message.text)
        this.#found('lost', sent.client, `sent ${name(message)} with another text or name than the log has`)
      const previous = last.get(sent.client) ?? -1
      if (sent.index < previous)
        this.#found('reordered', sent.client, `sent ${name(message)} before one that the log has before it`)
      last.set(sent.client, Math.max(previous, sent.index))
    }
  }

  #found(verdict: Verdict, client: string, detail: string): void {
    switch (verdict) {
      case 'gap':
      case 'reset':
        this.#count[`${verdict}s`] += 1
        break
      case 'unknown fate':
        this.#count.unknownFate += 1
        break
      default:
        this.#count[verdict] += 1
    }
    if (this.#violations.length < mostViolations) this.#violations.push({ verdict, client, detail })
  }
}

/** One client as a reader: every message of the log from its start on, once, in order, as it is. */
class Reader {
  delivered = 0
  readonly #user: string
  readonly #epoch: string
  readonly #log: ReadonlyMap<number, HandedMessage>
  readonly #found: (verdict: Verdict, detail: string) => void
  readonly #offsets = new Set<number>()
  readonly #ids = new Set<string>()
  #startOffset: number | null = null
  #highest = 0

  constructor(
    user: string,
    epoch: string,
    log: ReadonlyMap<number, HandedMessage>,
    found: (verdict: Verdict, detail: string) => void,
  ) {
    this.#user = user
    this.#epoch = epoch
    this.#log = log
    this.#found = found
  }

  start(epoch: string, offset: number): void {
    // A client begins once: what lies before a second beginning would go unasked for.
    if (this.#startOffset !== null) {
      this.#found('reset', `began again at ${offset}`)
      return
    }
    this.#startOffset = offset
    this.#highest = offset
    if (epoch !== this.#epoch)
      this.#found('reset', `began in the log ${epoch}, and the file is ${this.#epoch}`)
  }

  message(epoch: string, message: HandedMessage): void {
    this.delivered += 1
    const { offset, id } = message
    if (epoch !== this.#epoch) {
      this.#found('lost', `was handed ${name(message)} of another log (${epoch})`)
      return
    }
    if (this.#offsets.has(offset) || this.#ids.has(id)) {
      this.#found('duplicated', `was handed ${name(message)} again`)
      return
    }
    this.#ids.add(id)
    if (offset <= this.#highest)
      this.#found('reordered', `was handed ${name(message)} behind ${this.#highest}`)
    this.#highest = Math.max(this.#highest, offset)
    const stored = this.#log.get(offset)
    if (stored !== undefined && isSame(stored, message)) this.#offsets.add(offset)
    // Where the log has another message, that one counts as lost at the end.
    else if (stored === undefined)
      this.#found('lost', `was handed ${name(message)}; the log has nothing at that offset`)
  }

  finish(log: readonly HandedMessage[]): void {
    if (this.#startOffset === null) {
      this.#found('lost', `${this.#user} has no start in its history`)
      return
    }
    for (const message of log) {
      if (message.offset > this.#startOffset && !this.#offsets.has(message.offset))
        this.#found('lost', `was never handed ${name(message)} as the log has it`)
    }
  }
}

function isSame(one: HandedMessage, other: HandedMessage): boolean {
  return one.id === other.id && one.user === other.user && one.text === other.text
}

function name({ offset, id, user }: HandedMessage): string {
  return `offset ${offset} (${id} of ${user})`
}
