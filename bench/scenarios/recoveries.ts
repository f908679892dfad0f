// What a cut and a storm share: rounds in which every transport with a session has its clients reset once, in a random order.
import { firstRetrySpreadMs } from '../../transports/retry.ts'
import type { Lab } from '../lab.ts'
import { benchLimits, type RecoveryProfile } from '../limits.ts'
import type { RecoverOrder } from '../load/recover.ts'
import type { RecoveryCell } from '../measurement.ts'
import { watchedOf } from '../processes.ts'
import { randomStream, shuffled } from '../random.ts'
import type { Settings } from '../settings.ts'
import { reconnects, type Subject, subjectsOf, transportOf } from '../subjects.ts'
import type { Step } from './scenario.ts'

export function recoverySteps(
  settings: Settings,
  scenario: string,
  profile: RecoveryProfile,
  load: string,
): readonly Step[] {
  const subjects = subjectsOf({
    // Without TLS a WebSocket opens its connection itself, past the relay: only what asks anew can be compared then.
    transports: settings.transports.filter(
      (name) => reconnects(name) && (settings.secure || transportOf(name).polls),
    ),
    secure: settings.secure,
    pollIntervalsMs: [profile.pollIntervalMs],
  }).filter((subject) => !subject.isTwin)
  return Array.from({ length: profile.rounds }, (_, round) => {
    const block = round + 1
    const seed = Math.floor(randomStream(settings.seed, `${scenario} ${block}`)() * 2 ** 31)
    return shuffled(randomStream(settings.seed, `order ${scenario} ${block}`), subjects).map((subject) =>
      stepOf({ scenario, profile, load, subject, block, seed }),
    )
  }).flat()
}

interface Plan {
  readonly scenario: string
  readonly profile: RecoveryProfile
  readonly load: string
  readonly subject: Subject
  readonly block: number
  readonly seed: number
}

function stepOf(plan: Plan): Step {
  const { scenario, profile, load, subject, block, seed } = plan
  const { settleMs, openingMs, recovery } = benchLimits
  const { clients, spreadMs } = profile
  const { intervalMs } = subject
  return {
    scenario,
    load,
    subject: subject.name,
    block,
    estimateMs:
      2 * settleMs +
      recovery.leadMs +
      clients * openingMs +
      spreadMs +
      // A poller is back with its next question; the last of n first waits is over after n ÷ (n + 1) of their range.
      (intervalMs > 0 ? 2.4 * intervalMs : (firstRetrySpreadMs * clients) / (clients + 1) + 100),
    run: async (lab): Promise<RecoveryCell> => {
      const startedMs = lab.elapsedMs
      const order = await orderOf(lab, profile, subject, seed)
      const result = await (await lab.generator()).order(order)
      return {
        kind: 'recovery',
        scenario,
        load,
        subject: subject.name,
        block,
        startedMs,
        epoch: lab.epoch,
        ...result,
      }
    },
  }
}

async function orderOf(
  lab: Lab,
  profile: RecoveryProfile,
  subject: Subject,
  seed: number,
): Promise<RecoverOrder> {
  const { secure } = lab.settings
  const transport = transportOf(subject.transport)
  const server = await lab.server(transport.server)
  const followUrl = secure ? server.secureUrl : server.plainUrl
  return {
    kind: 'recover',
    ...watchedOf(server),
    transport: subject.transport,
    followUrl,
    elsewhereUrl: (await transport.elsewhere?.(new URL(followUrl)))?.href ?? null,
    publishUrl: server.publishUrl,
    room: lab.newRoom(),
    clients: profile.clients,
    spreadMs: profile.spreadMs,
    ratePerSecond: profile.ratePerSecond,
    intervalMs: subject.intervalMs,
    seed,
    protocol: secure ? transport.secure : (transport.plain ?? ''),
  }
}
