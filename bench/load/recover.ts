// Clients whose connections are reset: real sessions behind relays, messages that go on, and how everybody comes back.
import type { Message } from '../../transports/message.ts'
import { benchLimits } from '../limits.ts'
import type { RecoveryCell } from '../measurement.ts'
import { randomStream } from '../random.ts'
import type { OwnLatency, Relay } from '../relay/contract.ts'
import { profiles } from '../relay/profile.ts'
import { startRelay } from '../relay/relay.ts'
import { createHistogram, encodeHistogram, recordMs } from '../statistics/histogram.ts'
import { Checker } from './checker.ts'
import { nowMs } from './clock.ts'
import { busiestShare, Comeback, type ComebackTimes } from './comeback.ts'
import { askPublisher, sharedFlag, sharedTimes } from './publishing.ts'
import { Reconnecting } from './reconnecting.ts'
import { indexIn } from './text.ts'
import { collectGarbage, openWindow, pause, type Watched } from './window.ts'

export interface RecoverOrder extends Watched {
  readonly kind: 'recover'
  /** One that has a session, see `reconnects`. */
  readonly transport: string
  /** The server's own address; what is opened there goes through relays of this process. */
  readonly followUrl: string
  /** Where else its links go; null: nowhere. */
  readonly elsewhereUrl: string | null
  readonly publishUrl: string
  readonly room: string
  readonly clients: number
  /** 0: all are cut at once, by one relay. Else each has a relay of its own, and the seed draws the moments. */
  readonly spreadMs: number
  readonly ratePerSecond: number
  readonly intervalMs: number
  readonly seed: number
  readonly protocol: string
}

export type RecoverResult = Omit<
  RecoveryCell,
  'kind' | 'scenario' | 'load' | 'subject' | 'block' | 'startedMs' | 'epoch'
>

/** Carries out one cell. Rejects when a client cannot come at all; what goes wrong later stands in `problems` and `tally`. */
export async function recover(order: RecoverOrder): Promise<RecoverResult> {
  const cell = new Cell(order)
  try {
    await cell.open()
    return await cell.run()
  } finally {
    await cell.close()
  }
}

/** The way of one client or of all: two ports, treated alike. */
interface Path {
  readonly follow: Relay
  readonly elsewhere: Relay | null
}

class Cell {
  readonly #order: RecoverOrder
  readonly #checker: Checker
  readonly #paths: Path[] = []
  readonly #clients: Reconnecting[] = []
  readonly #comebacks: Comeback[] = []
  readonly #problems: string[] = []
  /** When sessions tried again, ms. */
  readonly #triesMs: number[] = []
  /** Shared with the publisher: by index, when a message left. */
  readonly #sentMs: Float64Array
  readonly #stop = sharedFlag()
  readonly #cutTimers: NodeJS.Timeout[] = []
  #sent = 0
  #isClosing = false
  #hasCut = false

  constructor(order: RecoverOrder) {
    this.#order = order
    const { clients, ratePerSecond, spreadMs, intervalMs } = order
    const lastsMs = benchLimits.recovery.leadMs + intervalMs + spreadMs + benchLimits.recovery.patienceMs
    const capacity = Math.ceil((lastsMs / 1000 + 2) * ratePerSecond)
    this.#checker = new Checker({ capacity, subscribers: clients })
    this.#sentMs = sharedTimes(capacity)
    for (let client = 0; client < clients; client++) this.#comebacks.push(new Comeback(capacity))
  }

  async open(): Promise<void> {
    const { clients, spreadMs, intervalMs, seed } = this.#order
    const paths = spreadMs === 0 ? 1 : clients
    for (let path = 0; path < paths; path++) this.#paths.push(await this.#openPath())
    const random = randomStream(seed, 'phases')
    const startMs = nowMs()
    let next = 0
    const opener = async (): Promise<void> => {
      while (next < clients) {
        const client = next
        next += 1
        // Pollers come at phases of their own, in ascending order, so that a few openers suffice.
        const phaseMs = ((client + random()) / clients) * intervalMs
        if (intervalMs > 0) await pause(Math.max(0, startMs + phaseMs - nowMs()))
        const made = this.#make(client)
        this.#clients[client] = made
        await made.open()
      }
    }
    await Promise.all(Array.from({ length: Math.min(clients, benchLimits.openAtOnce) }, opener))
    const wrong = this.#clients.find(({ protocol }) => protocol !== this.#order.protocol)
    if (wrong !== undefined)
      this.#note(`A link speaks ${wrong.protocol} where ${this.#order.protocol} is measured.`)
  }

  async run(): Promise<RecoverResult> {
    const { leadMs, patienceMs } = benchLimits.recovery
    const { spreadMs } = this.#order
    await pause(benchLimits.settleMs)
    const startMs = nowMs() + benchLimits.publishAheadMs
    const publishing = this.#publish(startMs)
    await pause(leadMs)
    await collectGarbage(this.#order)
    const closeWindow = await openWindow(this.#order)
    this.#cutAll()
    const deadlineMs = nowMs() + spreadMs + patienceMs
    while (!this.#comebacks.every(({ isComplete }) => isComplete) && nowMs() < deadlineMs) await pause(2)
    const { serverCpuUs } = await closeWindow()
    this.#stop[0] = 1
    await publishing
    await this.#arrived()
    // Long enough for a second copy to show itself.
    await pause(benchLimits.settleMs)
    return { ...this.#result(), serverCpuUs }
  }

  async close(): Promise<void> {
    this.#isClosing = true
    this.#stop[0] = 1
    for (const timer of this.#cutTimers) clearTimeout(timer)
    await Promise.all(this.#clients.map((client) => client?.close()))
    await Promise.all(this.#relays().map((relay) => relay.close()))
  }

  #relays(): readonly Relay[] {
    return this.#paths.flatMap(({ follow, elsewhere }) =>
      elsewhere === null ? [follow] : [follow, elsewhere],
    )
  }

  async #openPath(): Promise<Path> {
    const { followUrl, elsewhereUrl, seed } = this.#order
    const to = (url: string) => startRelay({ target: { port: portOf(url) }, profile: profiles.none, seed })
    return { follow: await to(followUrl), elsewhere: elsewhereUrl === null ? null : await to(elsewhereUrl) }
  }

  #make(client: number): Reconnecting {
    const { transport, room, intervalMs, seed, followUrl, elsewhereUrl } = this.#order
    const path = this.#paths[client % this.#paths.length]
    const comeback = this.#comebacks[client]
    if (path === undefined || comeback === undefined) throw new RangeError(`There is no client ${client}.`)
    const detours = new Map([[portOf(followUrl), path.follow.port]])
    if (elsewhereUrl !== null && path.elsewhere !== null)
      detours.set(portOf(elsewhereUrl), path.elsewhere.port)
    return new Reconnecting({
      transport,
      base: new URL(followUrl),
      detours,
      room,
      intervalMs,
      random: randomStream(seed, `retries of ${client}`),
      receive: (messages) => this.#receive(client, comeback, messages),
      changed: (phase) => {
        if (phase === 'connecting' && this.#hasCut) this.#triesMs.push(nowMs())
        comeback.changed(phase === 'open', nowMs(), this.#sentSoFar())
      },
      failed: (detail) => {
        if (!this.#isClosing) this.#note(detail)
      },
    })
  }

  #receive(client: number, comeback: Comeback, messages: readonly Message[]): void {
    const atMs = nowMs()
    for (const message of messages) {
      const index = indexIn(message.text)
      if (!this.#checker.deliver(client, index, message.offset)) continue
      comeback.received(index, this.#sentMs[index] ?? Number.NaN, atMs)
    }
  }

  #cutAll(): void {
    this.#hasCut = true
    const { spreadMs, seed } = this.#order
    if (spreadMs === 0) {
      const atMs = nowMs()
      for (const comeback of this.#comebacks) comeback.cut(atMs)
      for (const relay of this.#relays()) relay.cut('rst')
      return
    }
    const random = randomStream(seed, 'cuts')
    for (const [client, comeback] of this.#comebacks.entries()) {
      const cut = (): void => {
        comeback.cut(nowMs())
        this.#paths[client]?.follow.cut('rst')
        this.#paths[client]?.elsewhere?.cut('rst')
      }
      this.#cutTimers.push(setTimeout(cut, random() * spreadMs))
    }
  }

  /** Evenly and without an end: everybody is to miss something, and to hear something new. Resolves when it was stopped. */
  async #publish(startMs: number): Promise<void> {
    const { publishUrl, ratePerSecond, room } = this.#order
    const stretchMs = benchLimits.recovery.stretchMs
    const count = Math.max(1, Math.round((ratePerSecond * stretchMs) / 1000))
    const times = Array.from({ length: count }, (_, place) => (place / count) * stretchMs)
    for (let stretch = 0; this.#stop[0] === 0; stretch++) {
      const firstIndex = stretch * count
      if (firstIndex + count > this.#sentMs.length) return
      for (const _ of times) this.#checker.send()
      const { problems } = await askPublisher({
        kind: 'publish',
        url: publishUrl,
        connections: benchLimits.recovery.publishConnections,
        rooms: [room],
        roomOf: times.map(() => 0),
        times,
        startMs: startMs + stretch * stretchMs,
        firstIndex,
        textBytes: benchLimits.textBytes,
        sentMs: this.#sentMs,
        // A stretch is sent to its end, so that what is expected is what was sent.
        stop: sharedFlag(),
      })
      for (const problem of problems) this.#note(problem)
    }
  }

  #sentSoFar(): number {
    while (this.#sent < this.#sentMs.length && !Number.isNaN(this.#sentMs[this.#sent])) this.#sent += 1
    return this.#sent
  }

  /** Resolves when everyone has everything, or when nothing has come for so long that nothing will. */
  async #arrived(): Promise<void> {
    const patienceMs = benchLimits.quietMs + this.#order.intervalMs
    let { delivered } = this.#checker
    let quietSinceMs = nowMs()
    while (!this.#checker.complete && nowMs() - quietSinceMs < patienceMs) {
      await pause(2)
      if (this.#checker.delivered === delivered) continue
      delivered = this.#checker.delivered
      quietSinceMs = nowMs()
    }
  }

  #note(problem: string): void {
    if (this.#problems.length < 5 && !this.#problems.includes(problem)) this.#problems.push(problem)
  }

  #result(): Omit<RecoverResult, 'serverCpuUs'> {
    const { clients, protocol } = this.#order
    const missing = this.#comebacks.filter(({ isComplete }) => !isComplete).length
    if (missing > 0) this.#note(`${missing} of ${clients} clients did not come back in time.`)
    const times = (of: (times: ComebackTimes) => number | null): string => {
      const histogram = createHistogram()
      for (const comeback of this.#comebacks) {
        const { cutMs } = comeback.times
        const atMs = of(comeback.times)
        if (cutMs !== null && atMs !== null) recordMs(histogram, atMs - cutMs)
      }
      return encodeHistogram(histogram)
    }
    return {
      clients,
      cuts: clients,
      protocol,
      reconnected: times(({ reconnectedMs }) => reconnectedMs),
      firstMessage: times(({ firstMessageMs }) => firstMessageMs),
      caughtUp: times(({ caughtUpMs }) => caughtUpMs),
      tally: this.#checker.tally(),
      busiestShare: busiestShare(this.#triesMs, benchLimits.recovery.busiestMs),
      relay: together(this.#relays().map((relay) => relay.ownLatency())),
      problems: this.#problems,
    }
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port)
}

/** Of several relays the worst; a percentile of one that forwarded little isn't said. */
export function together(latencies: readonly OwnLatency[]): OwnLatency {
  const worst = (of: (one: OwnLatency) => number | null): number | null => {
    const known = latencies.map(of).filter((ms) => ms !== null)
    return known.length === 0 ? null : Math.max(...known)
  }
  return {
    count: latencies.reduce((sum, { count }) => sum + count, 0),
    p50Ms: worst(({ p50Ms }) => p50Ms),
    p99Ms: worst(({ p99Ms }) => p99Ms),
    maxMs: worst(({ maxMs }) => maxMs) ?? 0,
  }
}
