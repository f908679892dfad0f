// What a run has at hand while it measures: its servers and its generator, started when first asked for.
import { fronted } from './fronts.ts'
import { benchLimits } from './limits.ts'
import type { ServerKind } from './measurement.ts'
import {
  type Generator,
  type ParleyServer,
  type Relays,
  type RunningServer,
  type SlowReaders,
  spareCore,
  startControl,
  startGenerator,
  startParley,
  startRelays,
  startScript,
  startSlowReaders,
} from './processes.ts'
import { type Certificate, makeCertificate } from './servers/certificate.ts'
import type { NetworkPorts } from './servers/networks.ts'
import type { Settings } from './settings.ts'

export interface Cores {
  readonly server: number
  readonly generator: number
}

export class Lab {
  readonly settings: Settings
  readonly cores: Cores | null
  readonly #certificate: Certificate
  readonly #servers = new Map<ServerKind, RunningServer>()
  #generator: Generator | null = null
  #networks: { readonly said: string; stop(): Promise<void> } | null = null
  readonly #startMs = performance.now()
  #rooms = 0
  #epoch = 0
  #ended = false
  /** Whose servers come from another folder, and everything else from here. */
  readonly #others = new Map<string, Lab>()
  #root: string | null = null
  #parent: Lab | null = null

  private constructor(settings: Settings, cores: Cores | null, certificate: Certificate) {
    this.settings = settings
    this.cores = cores
    this.#certificate = certificate
  }

  static async open(settings: Settings, cores: Cores | null): Promise<Lab> {
    return new Lab(settings, cores, await makeCertificate())
  }

  /** Which of the run's sets of processes this is, from 1. */
  get epoch(): number {
    return this.#parent?.epoch ?? this.#epoch + 1
  }

  /** Since the run began, ms. */
  get elapsedMs(): number {
    return this.#parent?.elapsedMs ?? performance.now() - this.#startMs
  }

  /** The server of this kind, kept until `renew`. */
  async server(kind: ServerKind): Promise<RunningServer> {
    const running = this.#servers.get(kind)
    if (running !== undefined) return running
    const started = kind === 'parley' ? await this.freshParley() : await this.freshControl(`${kind}.ts`)
    this.#servers.set(kind, started)
    return started
  }

  /** A real server of the caller's own, which the caller stops. */
  freshParley(): Promise<RunningServer> {
    return this.#alive(this.#startParley())
  }

  async #startParley(): Promise<RunningServer> {
    const common = { core: this.#serverCore, certificate: this.#certificate }
    const started = await startParley(this.#root === null ? common : { ...common, root: this.#root })
    return fronted(started, { ...common, fault: this.settings.fault })
  }

  /**
   * The same lab, whose real server is that of another folder with Parley's sources. It lives beside this one's and is renewed and
   * closed with it; generator, rooms and certificate are shared.
   */
  withServerOf(folder: string): Lab {
    const known = this.#others.get(folder)
    if (known !== undefined) return known
    const other = new Lab(this.settings, this.cores, this.#certificate)
    other.#root = folder
    other.#parent = this
    this.#others.set(folder, other)
    return other
  }

  /** The same, whose memory can be asked for. */
  watchedParley(): Promise<ParleyServer> {
    const options = { core: this.#serverCore, certificate: this.#certificate, watched: true }
    return this.#alive(startParley(options))
  }

  /** A server of any kind, of the caller's own, which the caller stops. */
  fresh(kind: ServerKind): Promise<RunningServer> {
    return kind === 'parley' ? this.freshParley() : this.freshControl(`${kind}.ts`)
  }

  /** Readers that stop, of the caller's own. They take no processor from server and generator, if there is another one. */
  slowReaders(): Promise<SlowReaders> {
    return this.#alive(startSlowReaders(spareCore(this.cores)))
  }

  /** Relays of the caller's own. They take no processor from server and generator, if there is another one. */
  relays(): Promise<Relays> {
    return this.#alive(startRelays(spareCore(this.cores)))
  }

  /**
   * Paths to the real server, with a delay: ports by network. `elsewhereUrl`: its other address, which has one too. They stand as long as the
   * server does.
   */
  async networks(elsewhereUrl: string): Promise<NetworkPorts> {
    const { secureUrl } = await this.server('parley')
    const { certFile, keyFile } = this.#certificate
    this.#networks ??= await this.#alive(
      startScript({
        script: 'bench/servers/networks.ts',
        args: [
          ...['--cert', certFile, '--key', keyFile, '--target', secureUrl, '--elsewhere', elsewhereUrl],
          ...['--delay-ms', String(benchLimits.opening.delayMs)],
        ],
        core: spareCore(this.cores),
        read: (text) => /^\{.*\}$/m.exec(text)?.[0] ?? null,
      }),
    )
    return JSON.parse(this.#networks.said) as NetworkPorts
  }

  /** A control of the caller's own, which the caller stops. */
  freshControl(script: string, variant?: string): Promise<RunningServer> {
    const { fault } = this.settings
    const common = { script, core: this.#serverCore, certificate: this.#certificate, fault }
    return this.#alive(startControl(variant === undefined ? common : { ...common, variant }))
  }

  async generator(): Promise<Generator> {
    if (this.#parent !== null) return this.#parent.generator()
    this.#generator ??= await startGenerator(this.cores?.generator ?? null)
    return this.#generator
  }

  /** Ends servers and generator; the next steps get new ones. */
  async renew(): Promise<void> {
    const alone = [this.#generator, this.#networks].filter((one) => one !== null)
    const ending = [...this.#servers.values(), ...alone]
    if (ending.length > 0) this.#epoch += 1
    this.#servers.clear()
    this.#generator = null
    this.#networks = null
    const others = [...this.#others.values()].map((other) => other.renew())
    await Promise.all([...ending.map((one) => one.stop()), ...others])
  }

  /** A room that nobody has used. */
  newRoom(): string {
    if (this.#parent !== null) return this.#parent.newRoom()
    this.#rooms += 1
    return `bench-${this.#rooms}`
  }

  get #serverCore(): number | null {
    return this.cores?.server ?? null
  }

  async close(): Promise<void> {
    this.#ended = true
    for (const other of this.#others.values()) other.#ended = true
    await this.renew()
    this.#certificate.remove()
  }

  /** What starts while the lab closes is ended at once. */
  async #alive<Started extends { stop(): Promise<void> }>(starting: Promise<Started>): Promise<Started> {
    const started = await starting
    if (!this.#ended) return started
    await started.stop()
    throw new Error('The run has ended.')
  }
}
