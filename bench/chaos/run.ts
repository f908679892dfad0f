// A run from its first process to the checker's findings: clients, faults and load side by side, then peace, then the proof.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../transports/errors.ts'
import { type Random, randomStream } from '../random.ts'
import { type ActContext, pause, perform, recoveryLimitMs, until } from './acts.ts'
import type { Findings } from './checker.ts'
import { judge } from './evidence.ts'
import { expectedMs, linkFaults, livenessMs } from './faults.ts'
import { outcomeOf } from './outcome.ts'
import { Person, type Relays, room, startRelays } from './person.ts'
import { Deck, hasLadder, heartbeatSecondsAt, rungsOf, serverActs, waitSecondsOf } from './plan.ts'
import { Publications } from './recovery.ts'
import { dataFolderOf, ServerProcess } from './server-process.ts'
import type { Outcome, Progress, Settings } from './settings.ts'
import { Tally } from './tally.ts'
import { Trace } from './trace.ts'

/** Everybody must be connected by then. */
const openLimitMs = 20_000
/** What each client posts right before the server is ended, and how long that moment may take to come. */
const burstMessages = 10
const momentLimitMs = 250
/** How long the server's next fault may wait until there is a live link of every transport. */
const everybodyLimitMs = 3000
/** After the last fault everything must be known and read by then. */
const settleLimitMs = 60_000
const progressEveryMs = 250

export async function run(
  settings: Settings,
  onProgress: (now: Progress) => void,
  signal: AbortSignal,
): Promise<Outcome> {
  const folder = settings.keepFolder ?? mkdtempSync(join(tmpdir(), 'parley-chaos-'))
  mkdirSync(folder, { recursive: true })
  try {
    return await new Run(settings, folder, onProgress, signal).go()
  } finally {
    if (settings.keepFolder === null) rmSync(folder, { recursive: true, force: true })
  }
}

class Run {
  readonly #settings: Settings
  readonly #folder: string
  readonly #onProgress: (now: Progress) => void
  /** The user's wish to end. */
  readonly #interrupt: AbortSignal
  /** The end of the faults, whoever wants it. */
  readonly #over = new AbortController()
  readonly #tally: Tally
  readonly #stuck: string[] = []
  readonly #failures: string[] = []
  readonly #startedMs = performance.now()
  #people: readonly Person[] = []
  #phase: Progress['phase'] = 'starting'
  #isServerGone = false
  #faultsFromMs = performance.now()
  #heartbeatSeconds = heartbeatSecondsAt(0, 0)

  constructor(
    settings: Settings,
    folder: string,
    onProgress: (now: Progress) => void,
    interrupt: AbortSignal,
  ) {
    this.#settings = settings
    this.#folder = folder
    this.#onProgress = onProgress
    this.#interrupt = interrupt
    this.#tally = new Tally(settings.transports)
  }

  async go(): Promise<Outcome> {
    const relays: Relays[] = []
    for (let index = 0; index < this.#settings.clients; index++)
      relays.push(await startRelays(this.#settings.seed + index))
    const server = new ServerProcess({
      dataFolder: dataFolderOf(this.#folder),
      logFile: join(this.#folder, 'server.log'),
      origins: relays.flatMap(({ tls, h2WebSocket }) =>
        [tls, h2WebSocket].map(({ port }) => `https://127.0.0.1:${port}`),
      ),
    })
    // That is a finding, not a failure of the harness.
    server.onUnexpectedEnd = (detail) => {
      this.#isServerGone = true
      this.#stuck.push(detail)
      this.#over.abort()
    }
    const killServer = (): void => server.killNow()
    process.once('exit', killServer)
    const progress = setInterval(() => this.#show(), progressEveryMs)
    try {
      await server.start(this.#heartbeatSeconds)
      this.#people = this.#gather(relays, server)
      const seconds = await this.#chaos(server)
      await this.#settle()
      await Promise.all(this.#people.map((person) => person.close()))
      await server.stop()
      this.#phase = 'checking'
      this.#show()
      return this.#outcome(seconds, this.#judge())
    } finally {
      clearInterval(progress)
      this.#over.abort()
      server.killNow()
      process.off('exit', killServer)
      await Promise.all(relays.flatMap(({ tls, h2WebSocket }) => [tls.close(), h2WebSocket.close()]))
    }
  }

  #gather(relays: readonly Relays[], server: ServerProcess): readonly Person[] {
    const { transports, seed, clients, messagesPerSecond } = this.#settings
    const certificate = readFileSync(join(dataFolderOf(this.#folder), 'tls', 'server.pem'), 'utf8')
    const { tls, h2WebSocket } = server.ports
    const publications = new Publications()
    return relays.map(
      (own, index) =>
        new Person({
          user: `client-${index + 1}`,
          seed,
          relays: own,
          targets: { tls: { port: tls }, h2WebSocket: { port: h2WebSocket } },
          certificate,
          transport: transports[index % transports.length] ?? '',
          // Half of them do as the page does, half stay where they are put.
          fallback: hasLadder(index, transports[index % transports.length] ?? '') ? rungsOf(transports) : [],
          waitSeconds: waitSecondsOf(this.#settings.seconds),
          folder: this.#folder,
          publications,
          messagesPerSecond: messagesPerSecond / clients,
          trace: new Trace(this.#startedMs),
        }),
    )
  }

  /** Gives how long it lasted, in s. */
  async #chaos(server: ServerProcess): Promise<number> {
    const people = this.#people
    for (const { session } of people) session.start()
    const areOpen = await until(
      () => people.every(({ session }) => session.state.phase === 'open'),
      openLimitMs,
      this.#interrupt,
    )
    if (!areOpen && !this.#interrupt.aborted) throw new Error('Not every client could connect.')
    this.#phase = 'faults'
    this.#faultsFromMs = performance.now()
    const totalMs = this.#settings.seconds * 1000
    const timer = setTimeout(() => this.#over.abort(), totalMs)
    const end = (): void => this.#over.abort()
    if (this.#interrupt.aborted) end()
    this.#interrupt.addEventListener('abort', end)
    for (const person of people) person.talk()
    const deck = new Deck(randomStream(this.#settings.seed, 'deck'), this.#settings.transports)
    await Promise.all([
      this.#serverActs(server),
      ...people.map((person, index) => this.#linkFaults(person, index, deck)),
    ])
    clearTimeout(timer)
    this.#interrupt.removeEventListener('abort', end)
    return (performance.now() - this.#faultsFromMs) / 1000
  }

  async #linkFaults(person: Person, index: number, deck: Deck): Promise<void> {
    const signal = this.#over.signal
    const context: ActContext = {
      transports: this.#settings.transports,
      tally: this.#tally,
      random: randomStream(this.#settings.seed, `acts ${index}`),
      signal,
      heartbeatMs: () => this.#heartbeatSeconds * 1000,
      waitMs: waitSecondsOf(this.#settings.seconds) * 1000,
    }
    while (!signal.aborted) {
      const leftMs = this.#settings.seconds * 1000 - (performance.now() - this.#faultsFromMs)
      const card = deck.next(
        ({ kind, transport }) =>
          person.canGoBy(transport) &&
          expectedMs(kind, livenessMs(transport, context.heartbeatMs(), context.waitMs)) <= leftMs,
      )
      // Nothing fits any more: the rest of the time is for the others.
      if (card === null) return
      const counts = await perform(person, card, context)
      if (!counts) deck.again(card)
      const healedMs = performance.now()
      const isBack = await until(() => person.newestPublishedMs > healedMs, recoveryLimitMs, signal)
      if (!isBack && !signal.aborted) {
        this.#stuck.push(
          `${person.user} got nothing new for ${recoveryLimitMs / 1000} s after ${card.kind} on ${card.transport}.`,
        )
      }
    }
  }

  async #serverActs(server: ServerProcess): Promise<void> {
    const { signal } = this.#over
    const random = randomStream(this.#settings.seed, 'moments of the server')
    for (const { kind, afterMs, downMs } of serverActs(randomStream(this.#settings.seed, 'server'))) {
      await pause(afterMs, signal)
      const live = (): Set<string> => new Set(this.#people.flatMap((person) => person.carriers))
      // A moment at which it hits every transport is waited for, but not for ever.
      const { transports } = this.#settings
      await until(() => transports.every((one) => live().has(one)), everybodyLimitMs, signal)
      if (signal.aborted) return
      const hit = live()
      await this.#moment(random)
      for (const person of this.#people) {
        person.broken()
        person.trace.add('server', kind)
      }
      try {
        await (kind === 'kill' ? server.kill() : server.stop())
        await pause(downMs, signal)
        const elapsedSeconds = (performance.now() - this.#faultsFromMs) / 1000
        this.#heartbeatSeconds = heartbeatSecondsAt(elapsedSeconds, this.#settings.seconds)
        await server.start(this.#heartbeatSeconds)
      } catch (error) {
        this.#fail(messageOf(error))
        return
      }
      this.#tally[kind === 'kill' ? 'kills' : 'restarts'] += 1
      for (const transport of hit) this.#tally.count(transport, kind)
    }
  }

  /**
   * Resolves in the middle of commits and acknowledgements: of what everybody posts at once, a share that is drawn has just
   * been acknowledged. What an acknowledgement promised too early is not on disk at that moment.
   */
  async #moment(random: Random): Promise<void> {
    const goal = this.#acknowledged + Math.ceil(random() * burstMessages * this.#people.length * 0.8)
    for (const person of this.#people) person.burst(burstMessages)
    const deadlineMs = performance.now() + momentLimitMs
    while (this.#acknowledged < goal && performance.now() < deadlineMs)
      await new Promise((resolve) => setImmediate(resolve))
  }

  get #acknowledged(): number {
    return this.#people.reduce((sum, { acknowledged }) => sum + acknowledged, 0)
  }

  /** No more faults, no more posts: everything sent must find its fate, and everybody must read to the end. */
  async #settle(): Promise<void> {
    this.#phase = 'settling'
    for (const person of this.#people) {
      person.hush()
      person.heal()
      person.session.reconnect()
    }
    const head = (): number => Math.max(...this.#people.map(({ highestAcknowledged }) => highestAcknowledged))
    const isDone = ({ session: { state } }: Person): boolean =>
      state.pending === 0 && (state.cursor?.offset ?? 0) >= head()
    // Without a server there is nothing to wait for.
    if (this.#failures.length > 0 || this.#isServerGone) return
    await until(() => this.#people.every(isDone), settleLimitMs, null)
    for (const person of this.#people.filter((one) => !isDone(one))) {
      const { phase, pending, trouble } = person.session.state
      this.#stuck.push(
        `${person.user} did not settle within ${settleLimitMs / 1000} s: ${phase}, ${pending} messages pending, ${trouble?.detail ?? 'no trouble'}`,
      )
    }
  }

  #judge(): Findings {
    const users = this.#people.map(({ user }) => user)
    return judge(this.#folder, dataFolderOf(this.#folder), room, users)
  }

  #outcome(seconds: number, findings: Findings): Outcome {
    return outcomeOf({
      settings: this.#settings,
      seconds,
      interrupted: this.#interrupt.aborted,
      findings,
      tally: this.#tally,
      people: this.#people,
      stuck: this.#stuck,
      failures: this.#failures,
    })
  }

  #fail(detail: string): void {
    this.#failures.push(detail)
    this.#over.abort()
  }

  #show(): void {
    const { kills, restarts, switches } = this.#tally
    this.#onProgress({
      elapsedMs: performance.now() - (this.#phase === 'starting' ? this.#startedMs : this.#faultsFromMs),
      totalMs: this.#settings.seconds * 1000,
      phase: this.#phase,
      acknowledged: this.#acknowledged,
      ...{ kills, restarts, switches },
      linkFaults: this.#tally.total(...linkFaults.filter((kind) => kind !== 'switch')),
    })
  }
}
