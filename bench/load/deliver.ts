// The open loop's cell: subscribers follow rooms, messages leave at their intended times, every delivery is timed and checked.
import type { Message } from '../../transports/message.ts'
import { benchLimits } from '../limits.ts'
import type { DeliveryCell, Load, Traffic } from '../measurement.ts'
import { randomStream } from '../random.ts'
import { createHistogram, encodeHistogram } from '../statistics/histogram.ts'
import { followOf } from '../subjects.ts'
import { Checker } from './checker.ts'
import { nowMs } from './clock.ts'
import type { Following } from './follow.ts'
import { pace, realClock } from './pacing.ts'
import { newId } from './publisher.ts'
import { askPublisher, sharedFlag, sharedTimes } from './publishing.ts'
import { burstSchedule, givenCountSchedule } from './schedule.ts'
import { indexIn, textOf } from './text.ts'
import { collectGarbage, openWindow, pause, type Watched, type WindowResult } from './window.ts'

export interface DeliverOrder extends Load, Watched {
  readonly kind: 'deliver'
  /** The name in `subjects.ts`. */
  readonly transport: string
  readonly followUrl: string
  readonly publishUrl: string
  /** A name of its own for each of the cell's rooms; subscribers are spread over them evenly. */
  readonly roomNames: readonly string[]
  readonly windowMs: number
  /** Polling: from one answer to the next request. 0 for what is pushed. */
  readonly intervalMs: number
  readonly seed: number
  readonly protocol: string
  /** Into how many stretches of equal length the window is parted, whose medians show whether a backlog grows. None without it. */
  readonly stretches?: number
}

/** What the generator knows of a cell; the orchestrator adds which one it is. */
export type DeliverResult = Omit<
  DeliveryCell,
  'kind' | 'scenario' | 'load' | 'subject' | 'block' | 'startedMs' | 'epoch'
> & {
  /** Of the stretches' delivery latency, µs, by intended time; one in which nothing was due is left out. */
  readonly mediansUs: readonly number[]
}

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
  readonly #links: Following[] = []
  readonly #problems: string[] = []
  /** When messages leave, from the beginning of the flow: first those before the window, which are not measured. */
  readonly #times: readonly number[]
  readonly #leadMs: number
  readonly #leadMessages: number
  /** Pollers begin to ask when it is resolved. */
  readonly #begin = Promise.withResolvers<void>()
  readonly #roomOf: readonly number[]
  /** By index of message, ms: when it was meant to leave (not a number before the window), when it did. */
  readonly #intendedMs: Float64Array
  readonly #sentMs: Float64Array
  /** By index: how many have not got it yet. */
  readonly #missing: Int32Array
  readonly #latency = createHistogram()
  readonly #service = createHistogram()
  readonly #completion = createHistogram()
  readonly #connect = createHistogram()
  readonly #stretches: readonly ReturnType<typeof createHistogram>[]
  /** The window's beginning. */
  #startMs = 0
  readonly #stop = sharedFlag()
  #firstMessageUs: number | null = null
  #closing = false
  /** Nothing came for so long that what is missing is lost. */
  #gaveUp = false

  constructor(order: DeliverOrder) {
    this.#order = order
    this.#stretches = Array.from({ length: order.stretches ?? 0 }, createHistogram)
    const { ratePerSecond, burst, windowMs, intervalMs, seed, subscribers, roomNames } = order
    // Pollers are watched in their steady state: messages flow for one interval before the window opens.
    this.#leadMs = burst > 1 ? 0 : intervalMs
    const lead = givenCountSchedule(randomStream(seed, 'lead'), { ratePerSecond, durationMs: this.#leadMs })
    this.#leadMessages = lead.length
    const measured =
      burst > 1
        ? burstSchedule({ ratePerSecond, durationMs: windowMs, burst })
        : givenCountSchedule(randomStream(seed, 'schedule'), { ratePerSecond, durationMs: windowMs })
    this.#times = [...lead, ...measured.map((time) => this.#leadMs + time)]
    const messages = this.#times.length
    const pick = randomStream(seed, 'rooms')
    this.#roomOf = Array.from({ length: messages }, () => Math.floor(pick() * roomNames.length))
    this.#intendedMs = new Float64Array(messages).fill(Number.NaN)
    this.#sentMs = sharedTimes(messages)
    const audienceOf = (index: number): number => this.#audience(this.#roomOf[index] ?? 0)
    this.#missing = Int32Array.from({ length: messages }, (_, index) => audienceOf(index))
    this.#checker = new Checker({ capacity: messages, subscribers, audienceOf })
  }

  /** Opens every link as fast as it goes. Pollers get phases of their own, evenly over their interval. */
  async open(): Promise<void> {
    const { subscribers, intervalMs, seed, upLink, publishUrl } = this.#order
    const phases = randomStream(seed, 'phases')
    const waits = Array.from({ length: subscribers }, () => phases() * intervalMs)
    let next = 0
    const opener = async (): Promise<void> => {
      while (next < subscribers) {
        const subscriber = next
        next += 1
        const startMs = nowMs()
        this.#links[subscriber] = await this.#follow(subscriber, waits[subscriber] ?? 0)
        this.#connect.recordValue(Math.round((nowMs() - startMs) * 1000))
      }
    }
    const openers = Array.from({ length: Math.min(subscribers, benchLimits.openAtOnce) }, opener)
    await withDeadline(Promise.all(openers), benchLimits.openMs, 'The links did not open in time.')
    for (const link of this.#links) {
      if (link.protocol === this.#order.protocol) continue
      this.#problems.push(`A link speaks ${link.protocol} where ${this.#order.protocol} is measured.`)
      break
    }
    if (upLink === 'publisher')
      this.#note(
        (await askPublisher({ kind: 'warm', url: publishUrl, connections: this.#connections })).problems,
      )
  }

  async load(): Promise<DeliverResult> {
    const { intervalMs, windowMs, burst } = this.#order
    await pause(benchLimits.settleMs)
    await collectGarbage(this.#order)
    // Only now: who was due while the collectors worked would ask in step ever after.
    this.#begin.resolve()
    const flowMs = nowMs() + benchLimits.publishAheadMs
    this.#startMs = flowMs + this.#leadMs
    const sent = this.#send(flowMs)
    if (this.#leadMs > 0) await pause(Math.max(0, this.#startMs - nowMs()))
    const closeWindow = await openWindow(this.#order)
    const before = this.#traffic()
    await pause(Math.max(0, this.#startMs + windowMs - nowMs()))
    await sent
    // What is pushed is on its way: the window takes it in. Polls go on for ever: theirs ends on time, but for bursts, since
    // what taking a burst in costs would be charged to those alone who had asked since.
    if (intervalMs === 0 || burst > 1) await this.#arrived()
    const inWindow = difference(this.#traffic(), before)
    const window = await closeWindow()
    await this.#arrived()
    await pause(benchLimits.lingerMs)
    return { ...this.#result(), ...window, ...inWindow }
  }

  async close(): Promise<void> {
    this.#closing = true
    this.#stop[0] = 1
    await Promise.all(this.#links.map((link) => link?.close()))
  }

  #result(): Omit<DeliverResult, keyof Traffic | keyof WindowResult> {
    const { subscribers, rooms, ratePerSecond, burst, textBytes, secure, upLink } = this.#order
    const { delayUpMs, delayDownMs, protocol, intervalMs } = this.#order
    const load = {
      subscribers,
      rooms,
      ratePerSecond,
      burst,
      textBytes,
      secure,
      upLink,
      delayUpMs,
      delayDownMs,
    }
    return {
      ...load,
      protocol,
      intervalMs,
      tally: this.#checker.tally(),
      latency: encodeHistogram(this.#latency),
      service: encodeHistogram(this.#service),
      sendLag: encodeHistogram(this.#sendLag()),
      completion: encodeHistogram(this.#completion),
      connect: encodeHistogram(this.#connect),
      firstMessageUs: this.#firstMessageUs,
      mediansUs: this.#stretches
        .filter(({ totalCount }) => totalCount > 0)
        .map((stretch) => stretch.getValueAtPercentile(50)),
      problems: this.#problems,
    }
  }

  #follow(subscriber: number, firstWaitMs: number): Promise<Following> {
    const { transport, followUrl, intervalMs, roomNames } = this.#order
    return followOf(transport)({
      base: new URL(followUrl),
      room: roomNames[this.#roomOfSubscriber(subscriber)] ?? '',
      // Nothing is sent before everyone is there, so that the head is the beginning.
      start: { last: 0 },
      intervalMs,
      firstWaitMs,
      begin: this.#begin.promise,
      receive: (messages) => this.#receive(subscriber, messages),
      closed: (detail) => {
        if (!this.#closing) this.#note([`A link ended. ${detail}`])
      },
    })
  }

  #roomOfSubscriber(subscriber: number): number {
    return subscriber % this.#order.roomNames.length
  }

  #audience(room: number): number {
    const { subscribers, roomNames } = this.#order
    return Math.floor(subscribers / roomNames.length) + (room < subscribers % roomNames.length ? 1 : 0)
  }

  /** Sends everything, from `flowMs` on. Resolves when every message has its answer. */
  async #send(flowMs: number): Promise<void> {
    for (const [index, time] of this.#times.entries()) {
      if (index >= this.#leadMessages) this.#intendedMs[index] = flowMs + time
      this.#checker.send()
    }
    const { publishUrl, upLink, roomNames, textBytes } = this.#order
    if (upLink === 'native') return this.#sendOverLinks(flowMs)
    const { problems } = await askPublisher({
      kind: 'publish',
      url: publishUrl,
      connections: this.#connections,
      rooms: roomNames,
      roomOf: this.#roomOf,
      times: this.#times,
      startMs: flowMs,
      firstIndex: 0,
      textBytes,
      sentMs: this.#sentMs,
      stop: this.#stop,
    })
    this.#note(problems)
  }

  /** Each message over the link of somebody who is in its room, drawn by the seed. */
  async #sendOverLinks(flowMs: number): Promise<void> {
    const random = randomStream(this.#order.seed, 'senders')
    const { roomNames, textBytes } = this.#order
    const receipts: Promise<unknown>[] = []
    const send = (index: number): void => {
      const room = this.#roomOf[index] ?? 0
      const member = room + roomNames.length * Math.floor(random() * this.#audience(room))
      const link = this.#links[member]
      if (link?.send == null) throw new Error('This subject has no way up.')
      this.#sentMs[index] = nowMs()
      const receipt = link.send({ id: newId(), user: 'bench', text: textOf(index, textBytes) })
      receipts.push(receipt.catch((error: unknown) => this.#note([`A send failed. ${error}`])))
    }
    await pace({ ...realClock, nowMs }, flowMs, this.#times, send, () => this.#closing)
    await Promise.all(receipts)
  }

  get #connections(): number {
    return Math.max(benchLimits.publishConnections, this.#order.burst)
  }

  #receive(subscriber: number, messages: readonly Message[]): void {
    const atMs = nowMs()
    for (const message of messages) {
      const index = indexIn(message.text)
      if (!this.#checker.deliver(subscriber, index, message.offset)) continue
      const intendedMs = this.#intendedMs[index] ?? Number.NaN
      if (Number.isNaN(intendedMs)) continue
      const latencyUs = Math.round((atMs - intendedMs) * 1000)
      const serviceUs = Math.round((atMs - (this.#sentMs[index] ?? Number.NaN)) * 1000)
      if (!(latencyUs >= 0 && serviceUs >= 0)) {
        this.#note(['A delivery came before its message was sent: the clock or the server is wrong.'])
        continue
      }
      this.#latency.recordValue(latencyUs)
      this.#stretchAt(intendedMs)?.recordValue(latencyUs)
      this.#service.recordValue(serviceUs)
      this.#missing[index] = (this.#missing[index] ?? 0) - 1
      if (this.#missing[index] === 0) this.#completion.recordValue(latencyUs)
      if (index === this.#leadMessages) this.#firstMessageUs = Math.max(this.#firstMessageUs ?? 0, latencyUs)
    }
  }

  #stretchAt(intendedMs: number): ReturnType<typeof createHistogram> | undefined {
    const share = (intendedMs - this.#startMs) / this.#order.windowMs
    return this.#stretches[Math.floor(share * this.#stretches.length)]
  }

  #sendLag(): ReturnType<typeof createHistogram> {
    const lag = createHistogram()
    for (const [index, intendedMs] of this.#intendedMs.entries()) {
      const lateMs = (this.#sentMs[index] ?? Number.NaN) - intendedMs
      if (lateMs >= 0) lag.recordValue(Math.round(lateMs * 1000))
    }
    return lag
  }

  /** The first few problems are enough to know what is wrong. */
  #note(problems: readonly string[]): void {
    for (const problem of problems) {
      if (this.#problems.length < 5 && !this.#problems.includes(problem)) this.#problems.push(problem)
    }
  }

  #traffic(): Traffic {
    const sum = { reads: 0, requests: 0, bytesUp: 0, bytesDown: 0, payloadBytesUp: 0, payloadBytesDown: 0 }
    for (const link of this.#links) {
      const one = link.traffic()
      sum.reads += one.reads
      sum.requests += one.requests
      sum.bytesUp += one.bytesUp
      sum.bytesDown += one.bytesDown
      sum.payloadBytesUp += one.payloadBytesUp
      sum.payloadBytesDown += one.payloadBytesDown
    }
    return { deliveries: this.#checker.delivered, ...sum }
  }

  /** Resolves when everyone has everything, or when nothing has come for so long that nothing will. */
  async #arrived(): Promise<void> {
    const { intervalMs, delayDownMs } = this.#order
    const patienceMs = benchLimits.quietMs + intervalMs + delayDownMs
    let delivered = this.#checker.delivered
    let quietSinceMs = nowMs()
    while (!this.#checker.complete && !this.#gaveUp) {
      await pause(2)
      if (nowMs() - quietSinceMs > patienceMs) this.#gaveUp = true
      if (this.#checker.delivered === delivered) continue
      delivered = this.#checker.delivered
      quietSinceMs = nowMs()
    }
  }
}

function difference(after: Traffic, before: Traffic): Traffic {
  return {
    deliveries: after.deliveries - before.deliveries,
    reads: after.reads - before.reads,
    requests: after.requests - before.requests,
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
