// One client of a run: a session over transports and relays of its own, which posts, reads, and writes down all that it is told.
import { type NodeTransports, nodeTransports } from '../../transports/all.node.ts'
import { auto } from '../../transports/contract.ts'
import type { SessionEvent } from '../../transports/session.state.ts'
import { Session } from '../../transports/session.ts'
import { exponential, type Random, randomStream } from '../random.ts'
import type { Relay, Target } from '../relay/contract.ts'
import { profiles } from '../relay/profile.ts'
import { startRelay } from '../relay/relay.ts'
import { historyFile } from './evidence.ts'
import { HistoryWriter } from './history.ts'
import { type Publications, RecoveryClock } from './recovery.ts'
import type { SlowRecovery } from './settings.ts'
import type { Trace } from './trace.ts'

/** More than this under way, and a client posts no more until some are acknowledged. */
const mostPending = 150
export const room = 'chaos'

export interface Relays {
  readonly tls: Relay
  readonly h2WebSocket: Relay
}

/** Their targets are not known yet. */
export async function startRelays(seed: number): Promise<Relays> {
  const start = (): Promise<Relay> => startRelay({ target: { port: 1 }, profile: profiles.none, seed })
  const [tls, h2WebSocket] = await Promise.all([start(), start()])
  return { tls, h2WebSocket }
}

export interface PersonOptions {
  readonly user: string
  readonly seed: number
  readonly relays: Relays
  readonly targets: { readonly tls: Target; readonly h2WebSocket: Target }
  readonly certificate: string
  readonly transport: string
  /** What may stand in for the transport of the moment, the best first; empty: nothing. */
  readonly fallback: readonly string[]
  /** What its long polls ask to be held for. */
  readonly waitSeconds: number
  readonly folder: string
  readonly publications: Publications
  readonly messagesPerSecond: number
  readonly trace: Trace
}

export class Person {
  readonly user: string
  readonly session: Session
  readonly trace: Trace
  readonly recovery = new RecoveryClock()
  readonly relays: Relays
  /** Links that have ended, whoever ended them, switches apart. */
  linkEnds = 0
  acknowledged = 0
  /** Its slowest recovery. */
  slowest: SlowRecovery | null = null
  readonly #options: PersonOptions
  readonly #transports: NodeTransports
  readonly #history: HistoryWriter
  readonly #random: Random
  #highestAcknowledged = 0
  #newestPublishedMs = Number.NEGATIVE_INFINITY
  #wasOpen = false
  #isStarted = false
  #retryAtMs = 0
  #sent = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: PersonOptions) {
    const { user, relays, targets, seed, certificate, transport, trace } = options
    this.#options = options
    this.user = user
    this.trace = trace
    this.relays = relays
    relays.tls.retarget(targets.tls)
    relays.h2WebSocket.retarget(targets.h2WebSocket)
    this.#random = randomStream(seed, `posts of ${user}`)
    this.#history = new HistoryWriter(historyFile(options.folder, user))
    this.#transports = nodeTransports({
      certificate,
      intervalMs: 100 + Math.floor(this.#random() * 200),
      longPollSeconds: options.waitSeconds,
      h2WebSocketUrl: new URL(`https://127.0.0.1:${relays.h2WebSocket.port}`),
    })
    this.session = new Session({
      base: new URL(`https://127.0.0.1:${relays.tls.port}`),
      room,
      transports: this.#transports.all,
      transport,
      fallback: options.fallback,
      last: 0,
      random: randomStream(seed, `retries of ${user}`),
      onEvent: (event) => this.#observe(event),
    })
  }

  /** What carries the session now; null while nothing does. */
  get liveTransport(): string | null {
    const { phase, links } = this.session.state
    if (phase !== 'open') return null
    return links.find((link) => link.phase === 'live' || link.phase === 'catching-up')?.transport ?? null
  }

  /** The same, and `auto` where it has chosen it: what a fault that comes now meets. */
  get carriers(): readonly string[] {
    const live = this.liveTransport
    if (live === null) return []
    return this.session.state.wished === auto ? [auto, live] : [live]
  }

  /** The ladder needs one. */
  canGoBy(transport: string): boolean {
    return transport !== auto || this.#options.fallback.length > 0
  }

  /** The highest offset that it was told one of its own messages has. */
  get highestAcknowledged(): number {
    return this.#highestAcknowledged
  }

  /** When the newest message that it was handed had been published. */
  get newestPublishedMs(): number {
    return this.#newestPublishedMs
  }

  relayOf(transport: string): Relay {
    return transport === 'websocket-h2' ? this.relays.h2WebSocket : this.relays.tls
  }

  /** Whether its link of that transport, or of the ladder, is live and has a connection open beneath it. */
  isOn(transport: string): boolean {
    return (
      this.carriers.includes(transport) &&
      this.relayOf(this.liveTransport ?? transport).connections.some(({ state }) => state === 'open')
    )
  }

  /** Its link, if it has one, breaks now. */
  broken(): void {
    const transport = this.liveTransport
    if (transport !== null) this.recovery.broken(transport, performance.now())
  }

  /** Posts at random moments until `hush`. Call it once the session is open. */
  talk(): void {
    const waitMs = exponential(this.#random, 1000 / this.#options.messagesPerSecond)
    this.#timer = setTimeout(() => {
      if (this.session.state.pending < mostPending) this.#post()
      this.talk()
    }, waitMs)
  }

  /** Posts several at once: then some are under way, and some being committed, when a fault comes right behind them. */
  burst(messages: number): void {
    for (let count = 0; count < messages && this.session.state.pending < mostPending; count++) this.#post()
  }

  hush(): void {
    clearTimeout(this.#timer)
  }

  heal(): void {
    for (const relay of [this.relays.tls, this.relays.h2WebSocket]) {
      relay.setProfile(profiles.none)
      relay.heal()
    }
  }

  /** Ends session, connections and relays; resolves when its history is on disk. */
  async close(): Promise<void> {
    this.hush()
    await this.session.close()
    this.#transports.close()
    await Promise.all([this.relays.tls.close(), this.relays.h2WebSocket.close(), this.#history.end()])
  }

  #post(): void {
    this.#sent += 1
    const text = `#${this.#sent} ${'abcdefgh'.repeat(lengthOf(this.#random) / 8)}`
    const { id } = this.session.send(this.user, text)
    this.#options.publications.add(id, performance.now())
    this.#history.write({ kind: 'sent', id, text })
  }

  #observe(event: SessionEvent): void {
    switch (event.kind) {
      case 'messages': {
        this.#history.write({
          kind: 'messages',
          epoch: event.cursor.epoch,
          messages: event.messages.map(({ offset, id, user, text }) => ({ offset, id, user, text })),
        })
        const nowMs = performance.now()
        const recoveries = this.recovery.samples.length
        for (const { id } of event.messages) {
          const publishedMs = this.#options.publications.atMs(id)
          this.#newestPublishedMs = Math.max(this.#newestPublishedMs, publishedMs)
          this.recovery.handed(publishedMs, nowMs)
        }
        const offsets = event.messages.map(({ offset }) => offset)
        this.trace.add('delivered', `${offsets[0]} to ${offsets.at(-1)} over ${event.transport}`)
        if (this.recovery.samples.length > recoveries) this.#back()
        break
      }
      case 'gap':
      case 'reset':
        this.#history.write({ kind: event.kind })
        this.trace.add(event.kind, '')
        break
      case 'draft':
        this.#fate(event)
        break
      case 'switched':
        this.trace.add('switched', `${event.report.from} to ${event.report.to}`)
        break
      case 'fell-back':
        this.trace.add('fell back', `${event.from} to ${event.to}: ${event.detail}`)
        break
      case 'recovered':
        this.trace.add('recovered', `after ${Math.round(event.offlineMs)} ms`)
        break
      case 'state':
        this.#state()
        break
    }
  }

  /** It has recovered: of the slowest time, what led to it is kept. */
  #back(): void {
    const sample = this.recovery.samples.at(-1)
    if (sample === undefined || sample.ms <= (this.slowest?.ms ?? 0)) return
    this.slowest = { ...sample, client: this.user, events: [...this.trace.lines] }
  }

  #fate({ view }: Extract<SessionEvent, { readonly kind: 'draft' }>): void {
    switch (view.fate) {
      case 'pending':
        break
      case 'stored': {
        const { id, offset, created } = view.receipt
        this.acknowledged += 1
        this.#highestAcknowledged = Math.max(this.#highestAcknowledged, offset)
        this.#history.write({ kind: 'acknowledged', id, offset, created })
        break
      }
      case 'failed':
        this.#history.write({ kind: 'refused', id: view.draft.id, detail: view.detail })
        this.trace.add('refused', view.detail)
        break
    }
  }

  #state(): void {
    const { phase, trouble, cursor, transport, retryAtMs } = this.session.state
    if (!this.#isStarted && cursor !== null) {
      this.#isStarted = true
      this.#history.write({ kind: 'start', epoch: cursor.epoch, offset: cursor.offset })
    }
    const isOpen = phase === 'open'
    if (this.#wasOpen && !isOpen) {
      this.linkEnds += 1
      this.trace.add('link ended', `${trouble?.cause}: ${trouble?.detail}`)
    } else if (!this.#wasOpen && isOpen) this.trace.add('link open', transport)
    else if (phase === 'waiting' && retryAtMs !== null && retryAtMs !== this.#retryAtMs) {
      this.#retryAtMs = retryAtMs
      const inMs = Math.round(retryAtMs - performance.now())
      this.trace.add('no link', `${transport}, again in ${inMs} ms: ${trouble?.cause}: ${trouble?.detail}`)
    }
    this.#wasOpen = isOpen
  }
}

/** Mostly what people type; now and then as long as a message may be. */
function lengthOf(random: Random): number {
  const drawn = random()
  return drawn < 0.01 ? 8 * Math.floor(1000 * random()) : 8 * Math.floor(12 * random())
}
