// Readers behind a relay: delays, jitter, a narrow path and stalls. What is published doesn't go through it.
import type { Lab } from '../lab.ts'
import { benchLimits } from '../limits.ts'
import type { Measurement } from '../measurement.ts'
import { type Profile, profiles } from '../relay/profile.ts'
import { transportOf } from '../subjects.ts'
import { deliverySteps, loadsOf } from './deliveries.ts'
import type { Scenario, Step } from './scenario.ts'

interface NetworkPath {
  /** In words, and the end of the table's name. */
  readonly name: string
  readonly profile: Profile
  /** About what the path holds a delivery up beyond its delay, ms: for the estimate. */
  readonly textBytes: number
}

/** `delayMs` one way. */
function path(
  name: string,
  delayMs: number,
  changes: Partial<Profile> = {},
  textBytes?: number,
): NetworkPath {
  const profile = {
    ...profiles.none,
    name,
    summary: name,
    delayUpMs: delayMs,
    delayDownMs: delayMs,
    ...changes,
  }
  return { name, profile, textBytes: textBytes ?? benchLimits.textBytes }
}

const { jitterMs, narrowBytesPerSecond, narrowTextBytes, stalls } = benchLimits.network
const paths: readonly NetworkPath[] = [
  path('RTT 0 ms', 0),
  path('RTT 20 ms', 10),
  path('RTT 100 ms', 50),
  path('RTT 300 ms', 150),
  path(`RTT 100 ms, jitter up to ${jitterMs} ms`, 50, { jitterMs }),
  path(
    `RTT 20 ms, 1 Mbit/s each, ${narrowTextBytes.toLocaleString('en')} bytes`,
    10,
    { upBytesPerSecond: narrowBytesPerSecond, downBytesPerSecond: narrowBytesPerSecond },
    narrowTextBytes,
  ),
  path(`RTT 20 ms, stalls of ${stalls.longestMs} ms`, 10, { stalls }),
]

export const network: Scenario = {
  name: 'network',
  summary:
    'Delays of 0 to 300 ms there and back, jitter, 1 Mbit/s and stalls, by a relay in front of the readers.',
  usual: false,
  interleaved: true,
  plan(settings) {
    // Without TLS some open their connections themselves, past the relay.
    if (!settings.secure) return []
    const { blocks, network: common } = settings.profile
    const loads = paths.flatMap(({ name, profile, textBytes }) =>
      loadsOf(settings, 'network', common, {
        textBytes,
        delayUpMs: profile.delayUpMs,
        delayDownMs: profile.delayDownMs,
      }).map((load) => ({ profile, load: { ...load, name: `${load.name}, ${name}` } })),
    )
    const profileOf = new Map(loads.map(({ load, profile }) => [load.name, profile]))
    const relays = new CellRelays(settings.seed)
    return deliverySteps(
      settings,
      loads.map(({ load }) => load),
      blocks,
    ).map((step) => relays.around(step, profileOf.get(step.load) ?? profiles.none))
  },
}

/** Puts relays between the generator and each cell's server. Their process is started with the first cell. */
class CellRelays {
  readonly #seed: number

  constructor(seed: number) {
    this.#seed = seed
  }

  around(step: Step, profile: Profile): Step {
    const roundTripMs = profile.delayUpMs + profile.delayDownMs
    return {
      ...step,
      estimateMs: step.estimateMs + benchLimits.network.relayMs + 5 * roundTripMs,
      run: (lab) => this.#run(lab, step, profile),
    }
  }

  async #run(lab: Lab, step: Step, profile: Profile): Promise<Measurement | null> {
    const generator = await lab.generator()
    const relays = await lab.relays()
    try {
      const ports = await portsOf(lab, step.subject)
      const opened = await relays.order({ kind: 'open', ports, profile, seed: this.#seed + step.block })
      await generator.order({
        kind: 'detour',
        ports: ports.map((port, place) => [port, opened.ports[place] ?? port] as const),
      })
      const measured = await step.run(lab)
      const { latency } = await relays.order({ kind: 'close' })
      return measured?.kind === 'delivery' ? { ...measured, relay: latency } : measured
    } finally {
      // What comes after goes straight again.
      await generator.order({ kind: 'detour', ports: [] })
      await relays.stop()
    }
  }
}

/** The ports at which this subject's server takes readers. */
async function portsOf(lab: Lab, subject: string): Promise<readonly number[]> {
  const name = subject.split(' ')[0] ?? ''
  const { server: kind, elsewhere } = transportOf(name)
  const { secureUrl } = await lab.server(kind)
  const base = new URL(secureUrl)
  const urls = elsewhere === null ? [base] : [base, await elsewhere(base)]
  return urls.map(({ port }) => Number(port))
}
