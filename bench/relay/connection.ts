// One relayed connection: a client's socket, the server's, a pipe each way, and what is done to them.
import { connect, type Socket } from 'node:net'
import { randomStream } from '../random.ts'
import { plannedCut } from './accidents.ts'
import type { Cut, Direction, RelayConnection, Target } from './contract.ts'
import { Pipe, type PipeSettings } from './pipe.ts'
import type { Profile } from './profile.ts'
import { resetNow } from './reset.ts'

/** After an orderly cut the ends have this long to end as well. */
const lingerMs = 2000

export interface ConnectionOptions {
  readonly ordinal: number
  readonly seed: number
  readonly client: Socket
  readonly target: Target
  readonly profile: Profile
  /** Null: reads the server as fast as it can. */
  readonly slowReader: number | null
  /** It goes into the black hole as it comes. */
  readonly isSwallowed: boolean
  onForwarded(direction: Direction, bytes: number, lateMs: number | null): void
  onUnreachable(): void
  onCut(): void
  onClosed(connection: RelayedConnection): void
}

export class RelayedConnection implements RelayConnection {
  readonly ordinal: number
  readonly bytes = { up: 0, down: 0 }
  readonly left = { client: false, server: false }
  readonly closed: Promise<void>
  state: RelayConnection['state'] = 'connecting'
  readonly #options: ConnectionOptions
  readonly #client: Socket
  readonly #finished = Promise.withResolvers<void>()
  readonly #timers: NodeJS.Timeout[] = []
  #server: Socket | null = null
  #profile: Profile
  #slowReader: number | null
  readonly #up: Pipe
  #down: Pipe | null = null
  #stalledUntilMs = { up: Number.NEGATIVE_INFINITY, down: Number.NEGATIVE_INFINITY }
  #openSockets = 1

  constructor(options: ConnectionOptions) {
    const { ordinal, client, profile } = options
    this.#options = options
    this.ordinal = ordinal
    this.closed = this.#finished.promise
    this.#client = client
    this.#profile = profile
    this.#slowReader = options.slowReader
    const roundTripMs = profile.delayUpMs + profile.delayDownMs
    this.#up = this.#pipe('up', client, performance.now() + roundTripMs)
    client.on('close', () => this.#socketClosed())
    if (options.isSwallowed) {
      this.blackHole()
      return
    }
    const dialAfterMs = roundTripMs + profile.delayUpMs
    if (dialAfterMs > 0) this.#later(dialAfterMs, () => this.#dial())
    else this.#dial()
    if (profile.cuts !== null) {
      const planned = plannedCut(randomStream(options.seed, `connection ${ordinal} cut`), profile.cuts)
      this.#later(planned.afterMs, () => {
        if (this.state === 'open') this.cut(planned.how)
      })
    }
  }

  get heldBytes(): Readonly<Record<Direction, number>> {
    return { up: this.#up.heldBytes, down: this.#down?.heldBytes ?? 0 }
  }

  cut(how: Cut): void {
    if (this.state === 'closed' || this.state === 'dead') return
    this.#options.onCut()
    if (how === 'rst' || this.#server === null) {
      this.#reset()
      return
    }
    this.#up.close()
    this.#down?.close()
    this.#client.end()
    this.#server.end()
    this.#later(lingerMs, () => this.#reset())
  }

  stall(durationMs: number, direction?: Direction): void {
    this.stallUntil(performance.now() + durationMs, direction)
  }

  stallUntil(timeMs: number, direction?: Direction): void {
    for (const one of direction === undefined ? (['up', 'down'] as const) : [direction]) {
      this.#stalledUntilMs[one] = Math.max(this.#stalledUntilMs[one], timeMs)
    }
    this.#up.stallUntil(this.#stalledUntilMs.up)
    this.#down?.stallUntil(this.#stalledUntilMs.down)
  }

  blackHole(): void {
    if (this.state === 'closed' || this.state === 'dead') return
    this.state = 'dead'
    this.#up.swallow()
    this.#down?.swallow()
  }

  slowReader(bytesPerSecond: number): void {
    this.#slowReader = bytesPerSecond
    this.#configure()
  }

  setProfile(profile: Profile): void {
    this.#profile = profile
    this.#configure()
  }

  heal(): void {
    if (this.state === 'dead') {
      this.#reset()
      return
    }
    this.#slowReader = null
    this.#stalledUntilMs = { up: Number.NEGATIVE_INFINITY, down: Number.NEGATIVE_INFINITY }
    this.#configure()
    this.#up.endStall()
    this.#down?.endStall()
  }

  /** Resets both ends, whatever state it is in. */
  destroy(): void {
    this.#reset()
  }

  #dial(): void {
    // A client that was reset meanwhile needs no server; nor does one in the hole.
    if (this.#client.destroyed || this.state !== 'connecting') return
    const { host = '127.0.0.1', port } = this.#options.target
    const server = connect({ host, port, noDelay: true, allowHalfOpen: true })
    this.#server = server
    this.#openSockets += 1
    let isConnected = false
    // Before the pipe's own listener, as it hears of the same error.
    server.on('error', () => {
      if (isConnected || this.state === 'dead' || this.#client.destroyed) return
      this.#options.onUnreachable()
      resetNow(this.#client)
    })
    server.on('close', () => this.#socketClosed())
    const down = this.#pipe('down', server, Number.NEGATIVE_INFINITY)
    down.stallUntil(this.#stalledUntilMs.down)
    this.#down = down
    server.once('connect', () => {
      isConnected = true
      if (this.state !== 'connecting') return
      this.state = 'open'
      this.#up.connect(server)
      down.connect(this.#client)
    })
  }

  #pipe(direction: Direction, source: Socket, notBeforeMs: number): Pipe {
    const random = randomStream(this.#options.seed, `connection ${this.ordinal} ${direction}`)
    return new Pipe({
      source,
      random,
      settings: this.#settings(direction),
      notBeforeMs,
      onForwarded: (bytes, lateMs) => {
        this.bytes[direction] += bytes
        this.#options.onForwarded(direction, bytes, lateMs)
      },
      onReset: () => this.#reset(),
      onLeft: () => {
        this.left[direction === 'up' ? 'client' : 'server'] = true
      },
    })
  }

  #settings(direction: Direction): PipeSettings {
    const { jitterMs, bufferBytes, proxy, chunks, ...profile } = this.#profile
    const common = { jitterMs, proxy, chunks }
    if (direction === 'up') {
      const { delayUpMs: delayMs, upBytesPerSecond: bytesPerSecond } = profile
      return { ...common, bufferBytes, delayMs, bytesPerSecond }
    }
    const { delayDownMs: delayMs, downBytesPerSecond } = profile
    const slow = this.#slowReader
    if (slow === null) return { ...common, bufferBytes, delayMs, bytesPerSecond: downBytesPerSecond }
    const bytesPerSecond = Math.min(slow, downBytesPerSecond ?? slow)
    return { ...common, bufferBytes: Math.min(bufferBytes, Math.max(1024, slow)), delayMs, bytesPerSecond }
  }

  #configure(): void {
    this.#up.configure(this.#settings('up'))
    this.#down?.configure(this.#settings('down'))
  }

  #reset(): void {
    this.#up.close()
    this.#down?.close()
    // Before the ends, so that nothing that their closing calls does it again.
    const sockets = [this.#client, this.#server]
    for (const socket of sockets) if (socket !== null) resetNow(socket)
  }

  #later(ms: number, act: () => void): void {
    this.#timers.push(setTimeout(act, ms))
  }

  #socketClosed(): void {
    this.#openSockets -= 1
    // A dial that is yet to come finds the client gone; until then there is nothing to wait for.
    if (this.#openSockets > 0 || this.state === 'closed') return
    for (const timer of this.#timers) clearTimeout(timer)
    this.state = 'closed'
    this.#finished.resolve()
    this.#options.onClosed(this)
  }
}
