// The model of one room on the page: a session, what it told, and what is measured on the way. Views read its signals.
import { type Signal, signal } from '@preact/signals'
import { ladder } from '../transports/catalogue.ts'
import type { LinkStats, TransportName } from '../transports/contract.ts'
import { messageOf } from '../transports/errors.ts'
import { readHistory } from '../transports/history.ts'
import { Proof } from '../transports/proof.ts'
import type { LinkView, SessionEvent, SessionState, SwitchReport } from '../transports/session.state.ts'
import { Session } from '../transports/session.ts'
import { Conversation } from './conversation.ts'
import { joined } from './frame.ts'
import { waitsForConnection } from './held-connections.ts'
import { Latencies, type LatencySummary } from './latency.ts'
import { fellBackNote, gapNote, notSwitchedNote, recoveredNote, resetNote, switchedNote } from './notes.ts'
import { makeTransports, type TransportSet } from './offers.ts'
import { OwnDrafts } from './own-drafts.ts'
import { Robot } from './robot.ts'

/** Messages that are on the page at once when a room is entered, and that each look further back adds. */
const historyMessages = 100

/** What the instrument shows; made anew at most four times a second. */
export interface Figures {
  /** Of each transport that carried something, by name. */
  readonly latency: ReadonlyMap<TransportName, LatencySummary>
  readonly stats: LinkStats | null
  /** How long the link that `stats` counts has been live, in ms. */
  readonly liveForMs: number | null
  readonly lost: number
  readonly duplicated: number
  readonly reordered: number
  /** Messages handed up since the room was entered. */
  readonly received: number
  readonly lastSwitch: SwitchReport | null
}

export interface RoomOptions {
  readonly base: URL
  readonly room: string
  readonly transport: TransportName
  readonly intervalMs: number
  readonly pauseWhenHidden: boolean
}

export class Room {
  readonly name: string
  readonly conversation = new Conversation()
  readonly latencies = new Latencies()
  readonly transports: TransportSet
  /** Counts changes of the conversation. */
  readonly version = signal(0)
  readonly state: Signal<SessionState>
  readonly figures: Signal<Figures>
  /** The transport that the person asked for, or `auto`. */
  readonly chosen: Signal<TransportName>
  /** Monotonic clock, ms: since when a message, or a link, has waited that needs one of the browser's connections; null: none does. */
  readonly waitingSinceMs = signal<number | null>(null)
  readonly older = signal<'idle' | 'reading' | 'failed' | 'removed'>('idle')
  /** Messages a second that the robot says; 0: there is none. */
  readonly robotRate = signal(0)
  readonly robotLinks: Signal<readonly LinkView[]> = signal([])
  private readonly base: URL
  private readonly session: Session
  private readonly proof = new Proof()
  private readonly own: OwnDrafts
  private robot: Robot | null = null
  private received = 0
  private lastSwitch: SwitchReport | null = null
  private lostBeforeSwitch = 0
  /** What another one stands in for; null where all is as wished. */
  private replaced: TransportName | null = null
  private live: { readonly link: LinkView; readonly sinceMs: number } | null = null
  private readonly show = joined(() => {
    this.version.value += 1
  })

  constructor(options: RoomOptions) {
    this.name = options.room
    this.base = options.base
    this.own = new OwnDrafts(options.room)
    this.transports = makeTransports(options.intervalMs, options.pauseWhenHidden)
    this.chosen = signal(options.transport)
    // The session tells of restored drafts while it is being made.
    this.state = signal(beforeFirstLink(options.transport))
    this.session = new Session({
      base: options.base,
      room: options.room,
      transports: this.transports.all,
      transport: options.transport,
      fallback: ladder,
      last: historyMessages,
      drafts: this.own.unsettled(),
      onEvent: (event) => this.take(event),
    })
    this.state.value = this.session.state
    this.figures = signal(this.measure())
    this.session.start()
  }

  /** Puts a quiet line into the conversation. */
  note(text: string): void {
    this.conversation.note(text)
    this.show()
  }

  /** Sends a text under a name. Throws a `UsageError` when one of them may not be. */
  send(user: string, text: string): void {
    this.session.send(user, text)
  }

  resend(id: string): void {
    this.session.resend(id)
  }

  discard(id: string): void {
    this.session.discard(id)
    this.own.settle(id)
    this.conversation.discard(id)
    this.show()
  }

  reconnect(): void {
    this.session.reconnect()
  }

  switchTo(transport: TransportName): void {
    if (transport === this.chosen.value) return
    this.chosen.value = transport
    this.replaced = null
    this.lostBeforeSwitch = this.proof.lost
    this.session.switchTo(transport).catch((error: unknown) => {
      // A later choice took over: that one speaks for itself.
      if (this.chosen.value !== transport) return
      this.chosen.value = this.session.state.wished
      this.conversation.note(notSwitchedNote(transport, messageOf(error)))
      this.show()
    })
    this.robot?.switchTo(transport).catch((error: unknown) => {
      console.info('The robot stays on its transport.', error)
    })
  }

  /** Lets the robot talk at this rate, messages a second; 0 sends it away. */
  letRobotTalk(ratePerSecond: number): void {
    this.robotRate.value = ratePerSecond
    if (ratePerSecond === 0) {
      void this.robot?.close()
      this.robot = null
      return
    }
    this.robot ??= new Robot({
      base: this.base,
      room: this.name,
      transport: this.chosen.value,
      onEvent: (event) => {
        this.time(event, false)
        if (event.kind === 'state') this.robotLinks.value = event.state.links
      },
    })
    this.robot.talk(ratePerSecond)
  }

  /** Reads messages that are older than those on the page. Does nothing while it reads, or when there are none. */
  async readOlder(): Promise<void> {
    const before = this.conversation.beforeOldest()
    if (before === null || this.older.value === 'reading' || this.older.value === 'removed') return
    this.older.value = 'reading'
    try {
      const fetch = globalThis.fetch.bind(globalThis)
      const answer = await readHistory({
        fetch,
        base: this.base,
        room: this.name,
        before,
        limit: historyMessages,
      })
      if (answer.kind === 'messages' && answer.messages.length > 0) {
        this.conversation.prepend(answer.messages, this.own)
        this.version.value += 1
        this.older.value = 'idle'
      } else this.older.value = 'removed'
    } catch (error) {
      console.info('Older messages could not be read.', error)
      this.older.value = 'failed'
    }
  }

  /** Takes the figures anew. The lab calls it four times a second. */
  tick(): void {
    this.figures.value = this.measure()
  }

  /** Leaves the room: nothing of it runs on. */
  async leave(): Promise<void> {
    await Promise.all([this.robot?.close(), this.session.close()])
  }

  private take(event: SessionEvent): void {
    this.proof.observe(event)
    this.time(event, true)
    switch (event.kind) {
      case 'messages':
        this.received += event.messages.length
        for (const message of event.messages) this.own.settle(message.id)
        this.conversation.append(event.messages, event.cursor.epoch, event.transport, this.own)
        break
      case 'draft':
        // One that was refused is kept too, until its writer discards it: a reload would lose it without a word.
        if (event.view.fate === 'pending') this.own.add(event.view.draft)
        else if (event.view.fate === 'stored') this.own.settle(event.view.draft.id)
        this.conversation.draft(event.view)
        break
      case 'gap':
        this.conversation.note(gapNote(event.after, event.cursor), 'loss')
        break
      case 'reset':
        this.conversation.reset(event.cursor.epoch, resetNote())
        break
      case 'switched':
        this.lastSwitch = event.report
        this.conversation.note(
          switchedNote(
            event.report,
            this.proof.lost - this.lostBeforeSwitch,
            event.report.to === this.replaced,
          ),
          this.proof.lost === this.lostBeforeSwitch ? 'quiet' : 'loss',
          event.report.to,
        )
        this.replaced = null
        // The next switch may be one that nobody asks for.
        this.lostBeforeSwitch = this.proof.lost
        break
      case 'fell-back':
        this.replaced = event.from
        this.conversation.note(fellBackNote(event.from, event.to, event.detail), 'quiet', event.to)
        break
      case 'recovered':
        this.conversation.note(recoveredNote(event.offlineMs, event.caughtUp))
        break
      case 'state':
        this.state.value = event.state
        this.followLink(event.state)
        this.followWait(event.state)
        return
      default:
        event satisfies never
    }
    this.show()
  }

  /** Times what is sent and what comes back; `delivers`: whether this session's deliveries count. The robot's sends do, its deliveries don't. */
  private time(event: SessionEvent, delivers: boolean): void {
    if (event.kind === 'draft') {
      const { draft, fate } = event.view
      if (fate === 'failed') this.latencies.forget(draft.id)
      // What is written while no link is open waits for the network, not for a transport: it is left out.
      else if (fate === 'pending' && this.state.value.phase === 'open') {
        this.latencies.sent(draft.id, event.sentAtMs)
      }
    }
    if (event.kind === 'messages' && delivers) {
      const since = this.live?.link.transport === event.transport ? this.live.sinceMs : null
      for (const message of event.messages) {
        this.latencies.delivered(message.id, event.receivedAtMs, event.transport, since)
      }
    }
  }

  private followLink(state: SessionState): void {
    const link = state.links.find(({ phase }) => phase === 'live')
    if (link === undefined) this.live = null
    else if (this.live?.link.number !== link.number) this.live = { link, sinceMs: performance.now() }
  }

  private followWait(state: SessionState): void {
    if (waitsForConnection(state)) this.waitingSinceMs.value ??= performance.now()
    else this.waitingSinceMs.value = null
  }

  private measure(): Figures {
    const latency = new Map<TransportName, LatencySummary>()
    for (const { name } of this.transports.all) {
      const summary = this.latencies.summary(name)
      if (summary !== null) latency.set(name, summary)
    }
    return {
      latency,
      stats: this.session.stats(),
      liveForMs: this.live === null ? null : performance.now() - this.live.sinceMs,
      lost: this.proof.lost,
      duplicated: this.proof.duplicated,
      reordered: this.proof.reordered,
      received: this.received,
      lastSwitch: this.lastSwitch,
    }
  }
}

function beforeFirstLink(transport: TransportName): SessionState {
  return {
    phase: 'connecting',
    transport,
    wished: transport,
    skipped: [],
    ladder: [],
    links: [],
    retryAtMs: null,
    failures: 0,
    trouble: null,
    pending: 0,
    cursor: null,
  }
}
