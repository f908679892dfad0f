// Who takes part in a cell: sessions, as a page has one, and a follower on bare links, as a program may.
import { v7 as uuidVersion7 } from 'uuid'
import type { NodeTransports } from '../../transports/all.node.ts'
import type { ClientTransport, Delivery, Gap, Link, Reset, TransportName } from '../../transports/contract.ts'
import type { Cursor } from '../../transports/cursor.ts'
import type { Draft, Message } from '../../transports/message.ts'
import type { SessionEvent } from '../../transports/session.state.ts'
import { Session } from '../../transports/session.ts'
import { scale } from './scale.ts'
import { Ledger } from './spy.ts'
import type { Stage } from './stage.ts'

export function draftOf(user: string, text: string): Draft {
  return { id: uuidVersion7(), user, text }
}

/** What somebody was told, in order. */
export interface Heard {
  readonly ledger: Pick<Ledger, 'links' | 'opened' | 'messagesDown'>
  readonly received: readonly Message[]
  readonly gaps: readonly Pick<Gap, 'after' | 'cursor'>[]
  readonly resets: readonly Pick<Reset, 'cursor'>[]
}

/** A session over the transports, with its drafts. */
export class SessionPerson implements Heard {
  readonly ledger = new Ledger()
  readonly session: Session
  received: Message[] = []
  readonly gaps: { after: Cursor; cursor: Cursor }[] = []
  readonly resets: { cursor: Cursor }[] = []
  /** Ids, in the order of sending. */
  readonly sent: string[] = []
  readonly stored = new Set<string>()
  switches = 0
  readonly #clients: NodeTransports

  constructor(options: {
    readonly stage: Stage
    readonly transport: TransportName
    readonly room: string
    readonly random: () => number
  }) {
    this.#clients = options.stage.clients()
    this.session = new Session({
      base: options.stage.path.base,
      room: options.room,
      transports: this.#clients.all.map((one) => this.ledger.watch(one)),
      transport: options.transport,
      last: 0,
      // Retries are drawn from a twentieth of their time.
      random: () => options.random() * 0.05,
      onEvent: (event) => this.#take(event),
    })
  }

  send(text: string): void {
    this.sent.push(this.session.send('writer', text).id)
  }

  async leave(): Promise<void> {
    await this.session.close()
    this.#clients.close()
  }

  #take(event: SessionEvent): void {
    if (event.kind === 'messages') this.received.push(...event.messages)
    else if (event.kind === 'gap') this.gaps.push({ after: event.after, cursor: event.cursor })
    else if (event.kind === 'reset') this.resets.push({ cursor: event.cursor })
    else if (event.kind === 'switched') this.switches += 1
    else if (event.kind === 'draft' && event.view.fate === 'stored') this.stored.add(event.view.draft.id)
  }
}

/** Follows a room on one bare link after another: each begins at the cursor at which the last one ended. */
export class Follower implements Heard {
  readonly ledger = new Ledger()
  readonly transportName: TransportName
  readonly received: Message[] = []
  readonly gaps: Gap[] = []
  readonly resets: Reset[] = []
  cursor: Cursor | null = null
  /** What its application waits for before it takes more; null: nothing. */
  pause: Promise<void> | null = null
  /** Deliveries that were handed up while the application was busy with another. */
  calledTooEarly = 0
  /** The link whose delivery the application is busy with; 0: none. */
  #busyWith = 0
  #current: Link | null = null
  #linkNumber = 0
  #finished = false
  readonly #stop = new AbortController()
  readonly #session = crypto.randomUUID()
  readonly #clients: NodeTransports
  readonly #transport: ClientTransport
  readonly #base: URL
  readonly #room: string
  #retry: NodeJS.Timeout | undefined

  constructor(options: { readonly stage: Stage; readonly transport: TransportName; readonly room: string }) {
    this.transportName = options.transport
    this.#clients = options.stage.clients()
    const transport = this.#clients.all.find(({ name }) => name === options.transport)
    if (transport === undefined) throw new Error(`No transport ${options.transport}.`)
    this.#transport = this.ledger.watch(transport)
    this.#base = options.stage.path.base
    this.#room = options.room
  }

  /** Opens the next link at the cursor; one that is open goes on beside it until the server closes it. */
  async open(): Promise<void> {
    this.#linkNumber += 1
    const number = this.#linkNumber
    const { cursor } = this
    try {
      const link = await this.#transport.open({
        base: this.#base,
        room: this.#room,
        session: this.#session,
        link: number,
        start: cursor === null ? { last: 0 } : { after: cursor },
        receive: (delivery) => (number === this.#linkNumber ? this.#receive(delivery, number) : undefined),
        closed: () => this.#again(number),
        signal: this.#stop.signal,
      })
      this.cursor ??= link.start
      this.#current = link
    } catch {
      // A link that could not be opened is tried anew; that it says so, and why, is the transports' own tests' matter.
      this.#again(number)
    }
  }

  async leave(): Promise<void> {
    this.#finished = true
    clearTimeout(this.#retry)
    this.#stop.abort()
    await this.#current?.close()
  }

  /** Lets go of its connections. */
  end(): void {
    this.#clients.close()
  }

  #again(number: number): void {
    if (this.#finished || number !== this.#linkNumber) return
    this.#current = null
    this.#retry = setTimeout(() => void this.open(), scale.pollMs)
  }

  #receive(delivery: Delivery, number: number): void | Promise<void> {
    if (this.#busyWith === number) this.calledTooEarly += 1
    this.cursor = delivery.cursor
    if (delivery.kind === 'messages') this.received.push(...delivery.messages)
    else if (delivery.kind === 'gap') this.gaps.push(delivery)
    else this.resets.push(delivery)
    if (this.pause === null) return
    this.#busyWith = number
    return this.pause.then(() => {
      this.#busyWith = 0
    })
  }
}
