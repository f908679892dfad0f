// Plays one cell: a transport under a fault, over real sockets, with traffic both ways, and notes what there is to judge.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TransportName } from '../../transports/contract.ts'
import { messageOf } from '../../transports/errors.ts'
import type { Message } from '../../transports/message.ts'
import { randomStream } from '../random.ts'
import type { Scene } from './acts.ts'
import type { Fault } from './faults.ts'
import { draftOf, Follower, type Heard, SessionPerson } from './people.ts'
import { openProcessStage } from './process-stage.ts'
import { scale } from './scale.ts'
import { openLabStage, type Stage } from './stage.ts'

/** Everything that the verdicts are drawn from. */
export interface Evidence {
  readonly transport: TransportName
  readonly fault: string
  /** On bare links. `calledTooEarly`: deliveries that its application was handed while it was busy with another. */
  readonly follower: Heard & Pick<Follower, 'calledTooEarly'>
  readonly person: Heard & Pick<SessionPerson, 'sent' | 'stored'>
  readonly quiet: Heard
  /** The logs of both rooms, as they were stored. */
  readonly busyLog: readonly Message[]
  readonly quietLog: readonly Message[]
  readonly mostServerBytes: number
  readonly mostClientBytes: number
  /** How often the server's bytes were looked at. */
  readonly samples: number
  /** Links that were closed by the session although the next one had not caught up. */
  readonly letGoTooEarly: number
  /** What was waited for in vain, or went wrong outside of what is judged. */
  readonly problems: readonly string[]
  /** Places that the server still counted when everybody had left. */
  readonly placesLeft: number
  /** The longest that this process stood still meanwhile, ms: to those at both ends, the other one did. */
  readonly heldUpMs: number
}

/** Rounds of traffic before the fault, and after it. */
const quietRounds = 8
/** Messages that a lab's room keeps when the fault is about something else. */
const keepMessages = 100_000

export async function playCell(transport: TransportName, fault: Fault, seed: number): Promise<Evidence> {
  const heartbeatMs = fault.heartbeatMs ?? scale.heartbeatMs
  const stage =
    fault.stage === 'process'
      ? await openProcessStage(seed, heartbeatMs)
      : await openLabStage({ seed, keepMessages: fault.keepMessages ?? keepMessages, heartbeatMs })
  const play = new Play(stage, transport, fault, seed)
  try {
    await play.run()
    return await play.evidence()
  } finally {
    await play.end()
  }
}

class Play {
  readonly #stage: Stage
  readonly #fault: Fault
  readonly #transport: TransportName
  readonly #follower: Follower
  readonly #person: SessionPerson
  readonly #quiet: SessionPerson
  readonly #problems: string[] = []
  /** Calls that have not been answered yet. */
  #publishing = 0
  #mostServerBytes = 0
  #mostClientBytes = 0
  #samples = 0
  #letGoTooEarly = 0
  #rounds = 0
  #isPlaying = false
  #leaving = false
  #placesLeft = 0
  readonly #loopDelay = monitorEventLoopDelay({ resolution: 20 })

  constructor(stage: Stage, transport: TransportName, fault: Fault, seed: number) {
    this.#stage = stage
    this.#fault = fault
    this.#transport = transport
    const random = randomStream(seed, `${transport} under ${fault.name}`)
    this.#follower = new Follower({ stage, transport, room: 'busy' })
    this.#person = new SessionPerson({ stage, transport, room: 'busy', random })
    this.#quiet = new SessionPerson({ stage, transport, room: 'quiet', random })
    this.#person.ledger.onClose = (closing) => {
      const newer = this.#person.ledger.opened.at(-1)
      const { cursor } = this.#person.session.state
      if (this.#leaving || newer === undefined || newer === closing || cursor === null) return
      if (newer.link !== null && cursor.offset < newer.link.head.offset) this.#letGoTooEarly += 1
    }
  }

  async run(): Promise<void> {
    this.#loopDelay.enable()
    try {
      await this.#begin()
      await this.#during()
      await this.#afterwards()
    } catch (error) {
      this.#problems.push(messageOf(error))
    }
    await this.#leave()
    this.#loopDelay.disable()
  }

  /** Everybody comes, and hears the first messages; nobody says anything in the quiet room. */
  async #begin(): Promise<void> {
    const { session } = this.#person
    session.start()
    this.#quiet.session.start()
    await this.#follower.open()
    await this.#until('everybody is connected', () =>
      [session, this.#quiet.session].every(({ state }) => state.cursor !== null && state.phase === 'open'),
    )
    for (let round = 0; round < quietRounds; round++) await this.#round()
    await this.#settled('before the fault')
  }

  async #during(): Promise<void> {
    this.#isPlaying = true
    const scene: Scene = {
      stage: this.#stage,
      follower: this.#follower,
      person: this.#person,
      quiet: this.#quiet,
      until: (what, condition) => this.#until(what, condition),
    }
    const played = this.#fault
      .play(scene)
      .then(
        () => null,
        (error: unknown) => ({ error }),
      )
      .finally(() => {
        this.#isPlaying = false
      })
    if (this.#fault.burst) this.#publish('busy', scale.burst)
    this.#publish('quiet', 1)
    while (this.#isPlaying) await this.#round()
    const failed = await played
    if (failed !== null) throw failed.error
  }

  async #afterwards(): Promise<void> {
    this.#publish('quiet', 1)
    for (let round = 0; round < quietRounds; round++) await this.#round()
    await this.#until('all that was published is stored', () => this.#publishing === 0)
    await this.#settled('after the fault')
  }

  async #round(): Promise<void> {
    this.#rounds += 1
    this.#publish('busy', 2)
    this.#person.send(`round ${this.#rounds}`)
    this.#sample()
    await sleep(this.#isPlaying ? (this.#fault.roundMs ?? scale.roundMs) : scale.roundMs)
    this.#sample()
  }

  #publish(room: string, count: number): void {
    const drafts = Array.from({ length: count }, (_, index) =>
      draftOf('publisher', `${this.#rounds}.${index}`),
    )
    this.#publishing += 1
    this.#stage.publish(room, drafts).then(
      () => {
        this.#publishing -= 1
      },
      (error: unknown) => this.#problems.push(messageOf(error)),
    )
  }

  #sample(): void {
    const queuedBytes = this.#stage.queuedBytes()
    // While there is no server there is nothing to look at.
    if (queuedBytes !== null) this.#samples += 1
    this.#mostServerBytes = Math.max(this.#mostServerBytes, queuedBytes ?? 0)
    const held = [this.#follower, this.#person, this.#quiet].map(({ ledger }) => ledger.mostHeldBytes)
    this.#mostClientBytes = Math.max(this.#mostClientBytes, ...held)
  }

  /** Resolves when every reader is at the log's end and every draft has its fate. */
  async #settled(when: string): Promise<void> {
    const isSettled = async (): Promise<boolean> => {
      // Before the log is asked: what is stored while it answers would not be in its answer.
      if (this.#person.session.state.pending > 0) return false
      const busy = (await this.#stage.history('busy')).at(-1)?.offset ?? 0
      const quiet = (await this.#stage.history('quiet')).at(-1)?.offset ?? 0
      const last = ({ received }: { readonly received: readonly Message[] }): number =>
        received.at(-1)?.offset ?? 0
      return last(this.#person) === busy && last(this.#follower) === busy && last(this.#quiet) === quiet
    }
    // Slow is not stuck: it waits as long as something still comes.
    const soFar = (): number =>
      this.#person.received.length + this.#follower.received.length + this.#person.stored.size
    let [had, sinceMs] = [soFar(), performance.now()]
    while (!(await isSettled())) {
      const nowMs = performance.now()
      if (soFar() > had) [had, sinceMs] = [soFar(), nowMs]
      if (nowMs - sinceMs > scale.settleMs) throw new Error(`Not everything had arrived ${when}.`)
      this.#sample()
      await sleep(scale.roundMs)
    }
  }

  async #until(what: string, condition: () => boolean): Promise<void> {
    const deadlineMs = performance.now() + scale.settleMs
    while (!condition()) {
      if (performance.now() > deadlineMs) throw new Error(`In vain: ${what}.`)
      await sleep(5)
    }
  }

  async #leave(): Promise<void> {
    this.#leaving = true
    await Promise.all([this.#follower.leave(), this.#person.session.close(), this.#quiet.session.close()])
    try {
      await this.#until('the server lets go of every place', () => (this.#stage.subscribers() ?? 0) === 0)
    } catch {
      this.#placesLeft = this.#stage.subscribers() ?? 0
    }
  }

  async evidence(): Promise<Evidence> {
    return {
      transport: this.#transport,
      fault: this.#fault.name,
      follower: this.#follower,
      person: this.#person,
      quiet: this.#quiet,
      busyLog: await this.#stage.history('busy'),
      quietLog: await this.#stage.history('quiet'),
      mostServerBytes: this.#mostServerBytes,
      mostClientBytes: this.#mostClientBytes,
      samples: this.#samples,
      letGoTooEarly: this.#letGoTooEarly,
      problems: this.#problems,
      placesLeft: this.#placesLeft,
      heldUpMs: this.#loopDelay.max / 1e6,
    }
  }

  async end(): Promise<void> {
    this.#leaving = true
    this.#follower.end()
    await Promise.all([this.#person.leave(), this.#quiet.leave()])
    await this.#stage.close()
  }
}
