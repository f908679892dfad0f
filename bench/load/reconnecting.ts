// One client that comes back: a real session over a real client half, on connections of its own, through a relay.
import { systemClock } from '../../transports/clock.ts'
import type { Message } from '../../transports/message.ts'
import type { SessionPhase } from '../../transports/session.state.ts'
import { Session } from '../../transports/session.ts'
import { clientOf, httpOf } from '../subjects.ts'
import { CountedSockets, countedFetch, type Detours } from './sockets.ts'

export interface ReconnectingOptions {
  readonly transport: string
  readonly base: URL
  /** To its relays. */
  readonly detours: Detours
  readonly room: string
  readonly intervalMs: number
  /** Of the waits before retries. */
  readonly random: () => number
  receive(messages: readonly Message[]): void
  changed(phase: SessionPhase): void
  /** Something was lost and the session says so, or it gave up. */
  failed(detail: string): void
}

export class Reconnecting {
  readonly #session: Session
  readonly #sockets: CountedSockets
  readonly #fetch: ReturnType<typeof countedFetch>
  readonly #opened = Promise.withResolvers<void>()
  #phase: SessionPhase = 'connecting'
  #protocol = ''
  #isClosing = false

  constructor(options: ReconnectingOptions) {
    this.#sockets = new CountedSockets(options.detours)
    this.#fetch = countedFetch(this.#sockets, httpOf(options.transport))
    const { fetch } = this.#fetch
    const { intervalMs } = options
    const primitives = { fetch, sockets: this.#sockets, intervalMs, clock: systemClock }
    const transport = clientOf(options.transport)(primitives)
    this.#session = new Session({
      base: options.base,
      room: options.room,
      transports: [transport],
      transport: transport.name,
      last: 0,
      random: options.random,
      onEvent: (event) => {
        if (event.kind === 'messages') options.receive(event.messages)
        else if (event.kind === 'gap' || event.kind === 'reset')
          options.failed(`A session had a ${event.kind}.`)
        else if (event.kind === 'state') this.#changed(event.state, options)
      },
    })
  }

  /** Resolves when it has its place in the room. */
  open(): Promise<void> {
    this.#session.start()
    return this.#opened.promise
  }

  /** What its last link spoke: `h2, TLS`. */
  get protocol(): string {
    return this.#protocol
  }

  async close(): Promise<void> {
    this.#isClosing = true
    await this.#session.close()
    await this.#fetch.close()
    this.#sockets.destroy()
  }

  #changed({ phase, cursor, links, trouble }: Session['state'], options: ReconnectingOptions): void {
    const negotiated = links.at(-1)?.negotiated
    if (negotiated != null)
      this.#protocol = negotiated.tls ? `${negotiated.protocol}, TLS` : negotiated.protocol
    if (phase === 'open' && cursor !== null) this.#opened.resolve()
    if (phase === this.#phase) return
    this.#phase = phase
    options.changed(phase)
    if (phase !== 'closed' || this.#isClosing) return
    const detail = `A session gave up. ${trouble?.detail ?? ''}`
    this.#opened.reject(new Error(detail))
    options.failed(detail)
  }
}
