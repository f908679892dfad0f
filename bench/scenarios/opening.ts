// From a session's start to its first message: each transport by itself, and the ladder where WebSockets pass, are refused, or are swallowed.
import { ladder } from '../../transports/catalogue.ts'
import { auto } from '../../transports/contract.ts'
import { benchLimits } from '../limits.ts'
import { socketUrlOf } from '../load/sockets.ts'
import type { OpeningCell } from '../measurement.ts'
import type { Network } from '../model/opening.ts'
import { watchedOf } from '../processes.ts'
import { randomStream, shuffled } from '../random.ts'
import type { Settings } from '../settings.ts'
import { reconnects, transportNames, transportOf } from '../subjects.ts'
import type { Scenario, Step } from './scenario.ts'

const networks: readonly Network[] = ['open', 'refused', 'swallowed']

interface Opener {
  /** `auto`, `auto (refused)`. */
  readonly subject: string
  readonly transport: string
  readonly network: Network
}

export const opening: Scenario = {
  name: 'opening',
  summary:
    'From start to first message over 20 ms of path: each transport, and auto where WebSockets are blocked.',
  usual: true,
  plan(settings) {
    // The fronts that block something end TLS to see it.
    if (!settings.secure) return []
    const { blocks, opens } = settings.profile.opening
    const openers = openersOf(settings)
    const rungs = ladderOf(settings)
    // Block 0 loads the code of every client half.
    return Array.from({ length: blocks + 1 }, (_, block) =>
      shuffled(randomStream(settings.seed, `opening ${block}`), openers).map((opener) =>
        stepOf({ opener, block, opens: block === 0 ? 1 : opens, rungs }),
      ),
    ).flat()
  },
}

/** The steps of the ladder that take part. */
function ladderOf({ transports }: Settings): readonly string[] {
  return ladder.filter((name) => transports.includes(name))
}

/** Everybody where all is open; the ladder in every network. */
function openersOf(settings: Settings): readonly Opener[] {
  const own = settings.transports.filter(reconnects)
  const alone = own.map((transport) => ({ subject: transport, transport, network: 'open' }) as const)
  const known = ladder.filter((name) => transportNames.includes(name))
  // A ladder with missing steps is not the one that people get.
  if (!known.every((name) => own.includes(name))) return alone
  const climbing = networks.map((network) => ({
    subject: network === 'open' ? auto : `${auto} (${network})`,
    transport: auto,
    network,
  }))
  return [...alone, ...climbing]
}

interface Plan {
  readonly opener: Opener
  readonly block: number
  readonly opens: number
  readonly rungs: readonly string[]
}

function stepOf({ opener, block, opens, rungs }: Plan): Step {
  const { subject, transport, network } = opener
  const { delayMs, betweenMs } = benchLimits.opening
  const load = `RTT ${2 * delayMs} ms, new connections each time`
  return {
    scenario: 'opening',
    load,
    subject,
    block,
    estimateMs: 10 + opens * (8 * delayMs + 15 + betweenMs + (network === 'swallowed' ? 300 : 0)),
    run: async (lab): Promise<OpeningCell | null> => {
      const startedMs = lab.elapsedMs
      const server = await lab.server('parley')
      const elsewhere = await socketUrlOf(new URL(server.secureUrl))
      const ports = await lab.networks(elsewhere.href)
      const result = await (await lab.generator()).order({
        kind: 'opening',
        ...watchedOf(server),
        transport,
        ladder: rungs,
        followUrl: server.secureUrl,
        publishUrl: server.publishUrl,
        room: lab.newRoom(),
        detours: [
          [Number(new URL(server.secureUrl).port), ports[network]],
          [Number(elsewhere.port), ports.elsewhere],
        ],
        opens,
        intervalMs: benchLimits.opening.pollIntervalMs,
        protocol: transport === auto ? null : transportOf(transport).secure,
      })
      if (block === 0) return null
      return {
        kind: 'opening',
        scenario: 'opening',
        load,
        subject,
        block,
        startedMs,
        epoch: lab.epoch,
        network,
        roundTripMs: 2 * delayMs,
        ...result,
        problems: [...result.problems, ...unblocked(opener, result.links)],
      }
    },
  }
}

/** Whoever has a WebSocket where none can be has not been where it says. */
function unblocked({ transport, network }: Opener, links: OpeningCell['links']): readonly string[] {
  if (transport !== auto || network === 'open') return []
  const passed = Object.keys(links).filter((link) => link.startsWith(`${ladder[0]},`))
  return passed.map((link) => `A link of ${link} opened where WebSockets are ${network}.`)
}
