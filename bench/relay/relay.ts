// A TCP relay on loopback that commits faults, by a standing profile and by acts at run time. It knows nothing of what it carries.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { messageOf, UsageError } from '../../transports/errors.ts'
import { type Random, randomStream } from '../random.ts'
import { createHistogram, percentileUs, recordMs } from '../statistics/histogram.ts'
import { nextStall } from './accidents.ts'
import { RelayedConnection } from './connection.ts'
import type {
  Cut,
  Direction,
  OwnLatency,
  Relay,
  RelayConnection,
  RelayCounts,
  RelayOptions,
  Target,
} from './contract.ts'
import type { Profile } from './profile.ts'
import { resetNow } from './reset.ts'

/** Listens on 127.0.0.1. Rejects with a `UsageError` of one line when the port can't be had. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const relay = new TcpRelay(options)
  await relay.listen(options.listenPort ?? 0)
  return relay
}

class TcpRelay implements Relay {
  readonly #server: Server
  readonly #seed: number
  readonly #open = new Set<RelayedConnection>()
  readonly #latency = createHistogram()
  readonly #counts = { accepted: 0, refused: 0, unreachable: 0, cut: 0, bytesUp: 0, bytesDown: 0 }
  readonly #stallRandom: Random
  #profile: Profile
  #target: Target
  #slowReader: number | null = null
  #stalledUntilMs = { up: Number.NEGATIVE_INFINITY, down: Number.NEGATIVE_INFINITY }
  #newConnections: 'take' | 'swallow' | 'refuse' = 'take'
  #nextStall: NodeJS.Timeout | undefined
  #closing: Promise<void> | null = null

  constructor({ profile, seed, target }: RelayOptions) {
    this.#profile = profile
    this.#seed = seed
    this.#target = target
    this.#stallRandom = randomStream(seed, 'stalls')
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (client) =>
      this.#accept(client),
    )
  }

  async listen(port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, port)))
    this.#server.listen(port, '127.0.0.1', resolve)
    await promise
    this.#planStall()
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0
  }

  get connections(): readonly RelayConnection[] {
    return [...this.#open]
  }

  get counts(): RelayCounts {
    return { ...this.#counts }
  }

  get profile(): Profile {
    return this.#profile
  }

  ownLatency(): OwnLatency {
    const inMs = (percent: number): number | null => {
      const us = percentileUs(this.#latency, percent)
      return us === null ? null : us / 1000
    }
    const { totalCount: count, maxValue } = this.#latency
    return { count, p50Ms: inMs(50), p99Ms: inMs(99), maxMs: maxValue / 1000 }
  }

  cut(how: Cut): void {
    for (const one of this.#open) one.cut(how)
  }

  stall(durationMs: number, direction?: Direction): void {
    const untilMs = performance.now() + durationMs
    if (direction !== 'down') this.#stalledUntilMs.up = Math.max(this.#stalledUntilMs.up, untilMs)
    if (direction !== 'up') this.#stalledUntilMs.down = Math.max(this.#stalledUntilMs.down, untilMs)
    for (const one of this.#open) one.stallUntil(untilMs, direction)
  }

  blackHole({ newConnections = 'swallow' }: { readonly newConnections?: 'swallow' | 'pass' } = {}): void {
    this.#newConnections = newConnections === 'swallow' ? 'swallow' : 'take'
    for (const one of this.#open) one.blackHole()
  }

  slowReader(bytesPerSecond: number): void {
    this.#slowReader = bytesPerSecond
    for (const one of this.#open) one.slowReader(bytesPerSecond)
  }

  setProfile(profile: Profile): void {
    this.#profile = profile
    for (const one of this.#open) one.setProfile(profile)
    this.#planStall()
  }

  refuse(): void {
    this.#newConnections = 'refuse'
  }

  heal(): void {
    this.#newConnections = 'take'
    this.#slowReader = null
    this.#stalledUntilMs = { up: Number.NEGATIVE_INFINITY, down: Number.NEGATIVE_INFINITY }
    for (const one of [...this.#open]) one.heal()
  }

  retarget(target: Target): void {
    this.#target = target
  }

  close(): Promise<void> {
    this.#closing ??= this.#end()
    return this.#closing
  }

  async #end(): Promise<void> {
    clearTimeout(this.#nextStall)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    const ending = [...this.#open]
    for (const one of ending) one.destroy()
    await Promise.all([promise, ...ending.map(({ closed }) => closed)])
  }

  #accept(client: Socket): void {
    this.#counts.accepted += 1
    // Each pipe listens as well; this one is for a socket that never gets one.
    client.on('error', () => client.destroy())
    if (this.#newConnections === 'refuse') {
      this.#counts.refused += 1
      resetNow(client)
      return
    }
    const connection = new RelayedConnection({
      ordinal: this.#counts.accepted,
      seed: this.#seed,
      client,
      target: this.#target,
      profile: this.#profile,
      slowReader: this.#slowReader,
      isSwallowed: this.#newConnections === 'swallow',
      onForwarded: (direction, bytes, lateMs) => {
        this.#counts[direction === 'up' ? 'bytesUp' : 'bytesDown'] += bytes
        if (lateMs !== null) recordMs(this.#latency, lateMs)
      },
      onUnreachable: () => {
        this.#counts.unreachable += 1
      },
      onCut: () => {
        this.#counts.cut += 1
      },
      onClosed: (closed) => this.#open.delete(closed),
    })
    this.#open.add(connection)
    connection.stallUntil(this.#stalledUntilMs.up, 'up')
    connection.stallUntil(this.#stalledUntilMs.down, 'down')
  }

  #planStall(): void {
    clearTimeout(this.#nextStall)
    const { stalls } = this.#profile
    if (stalls === null) return
    const { afterMs, durationMs } = nextStall(this.#stallRandom, stalls)
    this.#nextStall = setTimeout(() => {
      this.stall(durationMs)
      this.#nextStall = setTimeout(() => this.#planStall(), durationMs)
    }, afterMs)
  }
}

function listenError(error: NodeJS.ErrnoException, port: number): UsageError {
  const options = { cause: error }
  if (error.code === 'EADDRINUSE')
    return new UsageError(`Port ${port} is in use. Choose another one.`, options)
  if (error.code === 'EACCES')
    return new UsageError(`Port ${port} is not for this user. Choose one from 1024 on.`, options)
  return new UsageError(`Port ${port} can't be opened: ${messageOf(error)}`, options)
}
