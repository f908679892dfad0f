// The open loop's cell: subscribers follow a room, messages leave at their intended times, every delivery is timed and checked.
import type { Message } from '../../transports/message.ts'
import { benchLimits } from '../limits.ts'
import type { DeliveryCell, Traffic } from '../measurement.ts'
import { randomStream } from '../random.ts'
import { createHistogram, encodeHistogram } from '../statistics/histogram.ts'
import { followOf } from '../subjects.ts'
import { Checker } from './checker.ts'
import type { Following } from './follow.ts'
import { pace, realClock } from './pacing.ts'
import { newId, Publisher } from './publisher.ts'
import { poissonSchedule } from './schedule.ts'
import { openWindow, pause } from './window.ts'

export interface DeliverOrder {
  readonly kind: 'deliver'
  /** The name in `subjects.ts`. */
  readonly transport: string
  readonly followUrl: string
  readonly publishUrl: string
  readonly serverPid: number
  readonly room: string
  readonly subscribers: number
  readonly ratePerSecond: number
  readonly windowMs: number
  /** Polling: from one answer to the next request. 0 for what is pushed. */
  readonly intervalMs: number
  readonly seed: number
  readonly protocol: string
  /** Of a message; without it, about what a person types. */
  readonly textBytes?: number
}

export type DeliverResult = Omit<DeliveryCell, 'kind' | 'scenario' | 'load' | 'subject' | 'block'>

/** Carries out one cell. Rejects when a link cannot be opened; what goes wrong later stands in `problems` and `tally`. */
export async function deliver(order: DeliverOrder): Promise<DeliverResult> {
  const cell = new Cell(order)
  try {
    await cell.open()
    return await cell.load()
  } finally {
    await cell.close()
  }
}

class Cell {
  readonly #order: DeliverOrder
  readonly #checker: Checker
  readonly #publisher: Publisher
  readonly #links: Following[] = []
  readonly #problems: string[] = []
  readonly #indexOf = new Map<string, number>()
  /** By index of message, ms: when it was meant to leave and when it did. Not a number before the window. */
  readonly #intendedMs: number[] = []
  readonly #sentMs: number[] = []
  readonly #latency = createHistogram()
  readonly #service = createHistogram()
  readonly #lag = createHistogram()
  readonly #times: readonly number[]
  readonly #leadTimes: readonly number[]
  #closing = false
  /** Nothing came for so long that what is missing is lost. */
  #gaveUp = false

  constructor(order: DeliverOrder) {
    this.#order = order
    const { ratePerSecond, windowMs, intervalMs, seed } = order
    this.#times = poissonSchedule(randomStream(seed, 'schedule'), { ratePerSecond, durationMs: windowMs })
    this.#leadTimes = poissonSchedule(randomStream(seed, 'lead'), { ratePerSecond, durationMs: intervalMs })
    const capacity = this.#times.length + this.#leadTimes.length
    this.#checker = new Checker({ capacity, subscribers: order.subscribers })
    this.#publisher = new Publisher(new URL(order.publishUrl), order.room, order.textBytes)
  }

  /** Opens every link: those that are pushed to as fast as it goes, pollers at phases of their own. */
  async open(): Promise<void> {
    const { subscribers, intervalMs, seed } = this.#order
    const random = randomStream(seed, 'phases')
    const startMs = performance.now()
    let next = 0
    const opener = async (): Promise<void> => {
      while (next < subscribers) {
        const subscriber = next
        next += 1
        if (intervalMs > 0) {
          // In ascending order, so that a few openers suffice; the phases are still uniform.
          const phaseMs = ((subscriber + random()) / subscribers) * intervalMs
          await pause(Math.max(0, startMs + phaseMs - performance.now()))
        }
        this.#links.push(await this.#follow(subscriber))
      }
    }
    await withDeadline(
      Promise.all(Array.from({ length: Math.min(subscribers, benchLimits.openAtOnce) }, opener)),
      benchLimits.openMs + intervalMs,
      'The links did not open in time.',
    )
    for (const link of this.#links) {
      if (link.protocol === this.#order.protocol) continue
      this.#problems.push(`A link speaks ${link.protocol} where ${this.#order.protocol} is measured.`)
      break
    }
  }

  async load(): Promise<DeliverResult> {
    const { windowMs, intervalMs, serverPid, subscribers, ratePerSecond, protocol } = this.#order
    await pause(benchLimits.settleMs)
    // Pollers are watched in their steady state: messages flow for one interval before the window opens.
    const leadMs = performance.now()
    await this.#send(leadMs, this.#leadTimes, false)
    await pause(Math.max(0, leadMs + intervalMs - performance.now()))
    const before = this.#traffic()
    const closeWindow = openWindow(serverPid)
    const startMs = performance.now()
    await this.#send(startMs, this.#times, true)
    await pause(Math.max(0, startMs + windowMs - performance.now()))
    // What is pushed is on its way: the window takes it in. Polls go on for ever: theirs ends on time.
    if (intervalMs === 0) await this.#arrived()
    const window = closeWindow()
    const inWindow = difference(this.#traffic(), before)
    await this.#publisher.settled()
    await this.#arrived()
    // Long enough for a second copy to show itself.
    await pause(benchLimits.settleMs)
    const { problems } = this.#publisher
    if (problems.length > 0) this.#problems.push(`${problems.length} messages were not taken: ${problems[0]}`)
    return {
      ...window,
      ...inWindow,
      subscribers,
      ratePerSecond,
      protocol,
      tally: this.#checker.tally(),
      latency: encodeHistogram(this.#latency),
      service: encodeHistogram(this.#service),
      sendLag: encodeHistogram(this.#lag),
      problems: this.#problems,
    }
  }

  async close(): Promise<void> {
    this.#closing = true
    this.#publisher.close()
    await Promise.all(this.#links.map((link) => link.close()))
  }

  #follow(subscriber: number): Promise<Following> {
    const { transport, followUrl, room, intervalMs } = this.#order
    return followOf(transport)({
      base: new URL(followUrl),
      room,
      // Nothing is sent before everyone is there, so that the head is the beginning.
      start: { last: 0 },
      intervalMs,
      receive: (messages) => this.#receive(subscriber, messages),
      closed: (detail) => {
        if (!this.#closing && this.#problems.length < 5) this.#problems.push(`A link ended. ${detail}`)
      },
    })
  }

  #send(startMs: number, times: readonly number[], measured: boolean): Promise<void> {
    const send = (place: number, nowMs: number): void => {
      const intendedMs = startMs + (times[place] ?? 0)
      const id = newId()
      const index = this.#checker.send()
      this.#indexOf.set(id, index)
      this.#intendedMs[index] = measured ? intendedMs : Number.NaN
      this.#sentMs[index] = nowMs
      if (measured) this.#lag.recordValue(Math.round((nowMs - intendedMs) * 1000))
      this.#publisher.send(id)
    }
    return pace(realClock, startMs, times, send, () => this.#closing)
  }

  #receive(subscriber: number, messages: readonly Message[]): void {
    const nowMs = performance.now()
    for (const message of messages) {
      const index = this.#indexOf.get(message.id) ?? -1
      if (!this.#checker.deliver(subscriber, index, message.offset)) continue
      const intendedMs = this.#intendedMs[index] ?? Number.NaN
      if (Number.isNaN(intendedMs)) continue
      this.#latency.recordValue(Math.round((nowMs - intendedMs) * 1000))
      this.#service.recordValue(Math.round((nowMs - (this.#sentMs[index] ?? nowMs)) * 1000))
    }
  }

  #traffic(): Traffic {
    const sum = { deliveries: this.#checker.delivered, reads: 0, bytesUp: 0, bytesDown: 0 }
    let payloadBytesUp = 0
    let payloadBytesDown = 0
    for (const link of this.#links) {
      const one = link.traffic()
      sum.reads += one.reads
      sum.bytesUp += one.bytesUp
      sum.bytesDown += one.bytesDown
      payloadBytesUp += one.payloadBytesUp
      payloadBytesDown += one.payloadBytesDown
    }
    return { ...sum, payloadBytesUp, payloadBytesDown }
  }

  /** Resolves when everyone has everything, or when nothing has come for so long that nothing will. */
  async #arrived(): Promise<void> {
    const patienceMs = benchLimits.quietMs + this.#order.intervalMs
    let delivered = this.#checker.delivered
    let quietSinceMs = performance.now()
    while (!this.#checker.complete && !this.#gaveUp) {
      await pause(2)
      if (performance.now() - quietSinceMs > patienceMs) this.#gaveUp = true
      if (this.#checker.delivered === delivered) continue
      delivered = this.#checker.delivered
      quietSinceMs = performance.now()
    }
  }
}

function difference(after: Traffic, before: Traffic): Traffic {
  return {
    deliveries: after.deliveries - before.deliveries,
    reads: after.reads - before.reads,
    bytesUp: after.bytesUp - before.bytesUp,
    bytesDown: after.bytesDown - before.bytesDown,
    payloadBytesUp: after.payloadBytesUp - before.payloadBytesUp,
    payloadBytesDown: after.payloadBytesDown - before.payloadBytesDown,
  }
}

async function withDeadline<T>(work: Promise<T>, ms: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
