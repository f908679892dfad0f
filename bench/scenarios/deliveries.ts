// What the delivery scenarios share: blocks in which every subject carries the same load once, in a random order.
import type { Lab } from '../lab.ts'
import { benchLimits, type DeliveryProfile } from '../limits.ts'
import type { DeliverOrder } from '../load/deliver.ts'
import type { DeliveryCell, Load } from '../measurement.ts'
import { watchedOf } from '../processes.ts'
import { randomStream, shuffled } from '../random.ts'
import type { Settings } from '../settings.ts'
import { type Subject, subjectsOf, transportOf } from '../subjects.ts'
import type { Step } from './scenario.ts'

/** One table: a load, who carries it, and for how long. */
export interface DeliveryLoad {
  readonly scenario: string
  /** In words, and the table's name. */
  readonly name: string
  readonly windowMs: number
  readonly load: Load
  readonly pollIntervalsMs: readonly number[]
  readonly rarePollIntervalsMs?: readonly number[]
  /** Where readers connect instead of the server itself, as through a relay. */
  readonly followUrl?: (lab: Lab, serverUrl: string) => Promise<string>
  /** Which of the chosen transports take part; all of them without it. */
  readonly takesPart?: (transport: string) => boolean
}

/** A load with what most of them have in common. */
export function plainLoad(settings: Settings, changes: Partial<Load>): Load {
  return {
    subscribers: 1,
    rooms: 1,
    ratePerSecond: 1,
    burst: 1,
    textBytes: benchLimits.textBytes,
    secure: settings.secure,
    upLink: 'publisher',
    delayUpMs: 0,
    delayDownMs: 0,
    ...changes,
  }
}

/** The tables of a profile's entry: one for each number of subscribers. */
export function loadsOf(
  settings: Settings,
  scenario: string,
  profile: DeliveryProfile,
  changes: Partial<Load> = {},
): readonly DeliveryLoad[] {
  const { subscribers: sizes, rooms, ratePerSecond, ...rest } = profile
  return sizes.map((subscribers) => {
    const load = plainLoad(settings, { subscribers, rooms, ratePerSecond, ...changes })
    return { scenario, name: loadName(load), load, ...rest }
  })
}

/** `10 subscribers, 2 msg/s`. */
export function loadName({ subscribers, rooms, ratePerSecond, burst }: Load): string {
  const people = `${subscribers.toLocaleString('en')} subscriber${subscribers === 1 ? '' : 's'}`
  const where = rooms === 1 ? '' : ` in ${rooms} rooms`
  const what = burst === 1 ? `${ratePerSecond} msg/s` : `bursts of ${burst}, ${ratePerSecond / burst}/s`
  return `${people}${where}, ${what}`
}

/** The steps of several loads. A block is one pass over all loads and subjects. */
export function deliverySteps(
  settings: Settings,
  loads: readonly DeliveryLoad[],
  blocks: number,
): readonly Step[] {
  const steps: Step[] = []
  for (let block = 1; block <= blocks; block++) {
    for (const load of loads) {
      const label = `${load.scenario} ${load.name} ${block}`
      const random = randomStream(settings.seed, `order ${label}`)
      const seed = Math.floor(randomStream(settings.seed, label)() * 2 ** 31)
      // All subjects of a block get the same schedule.
      for (const subject of shuffled(random, subjectsIn(settings, load, block)))
        steps.push(cellStep(load, subject, block, seed))
    }
  }
  return steps
}

function subjectsIn(settings: Settings, load: DeliveryLoad, block: number): readonly Subject[] {
  const { pollIntervalsMs, rarePollIntervalsMs = [], takesPart = () => true } = load
  const rare = (block - 1) % benchLimits.rareEvery === 0 ? rarePollIntervalsMs : []
  return subjectsOf({
    transports: settings.transports.filter(takesPart),
    secure: load.load.secure,
    pollIntervalsMs: [...pollIntervalsMs, ...rare],
  })
}

/** The first steps of new servers: every subject is warmed up, and then measured with one subscriber alone. */
export function openingSteps(settings: Settings, epoch: number): readonly Step[] {
  const { warmUp, base } = benchLimits
  const of = (scenario: string, name: string, chosen: typeof warmUp | typeof base): DeliveryLoad => ({
    scenario,
    name,
    windowMs: chosen.windowMs,
    load: plainLoad(settings, {
      subscribers: chosen.subscribers,
      ratePerSecond: chosen.ratePerSecond,
    }),
    pollIntervalsMs: [chosen.pollIntervalMs],
  })
  const warm = of('warm-up', 'warm-up', warmUp)
  const alone = of('base', 'one subscriber', base)
  const seed = Math.floor(randomStream(settings.seed, `opening ${epoch}`)() * 2 ** 31)
  return subjectsIn(settings, warm, 2)
    .filter((subject) => !subject.isTwin)
    .flatMap((subject, index) => [
      { ...cellStep(warm, subject, 0, seed), renews: index === 0 },
      cellStep(alone, subject, epoch, seed),
    ])
}

function cellStep(load: DeliveryLoad, subject: Subject, block: number, seed: number): Step {
  const { scenario, name, windowMs } = load
  const { intervalMs } = subject
  const { subscribers } = load.load
  const { settleMs, lingerMs, publishAheadMs, openingMs } = benchLimits
  return {
    scenario,
    load: name,
    subject: subject.name,
    block,
    estimateMs:
      settleMs + lingerMs + 2 * publishAheadMs + subscribers * openingMs + windowMs + 1.9 * intervalMs + 30,
    run: async (lab) => {
      const startedMs = lab.elapsedMs
      const order = await orderOf(lab, load, subject, seed)
      const result = await (await lab.generator()).order(order)
      if (block === 0) return null
      return {
        kind: 'delivery',
        scenario,
        load: name,
        subject: subject.name,
        block,
        startedMs,
        epoch: lab.epoch,
        ...result,
      } satisfies DeliveryCell
    },
  }
}

async function orderOf(lab: Lab, load: DeliveryLoad, subject: Subject, seed: number): Promise<DeliverOrder> {
  const transport = transportOf(subject.transport)
  const server = await lab.server(transport.server)
  const { secure, rooms } = load.load
  const own = secure ? server.secureUrl : server.plainUrl
  return {
    kind: 'deliver',
    ...load.load,
    ...watchedOf(server),
    transport: subject.transport,
    followUrl: (await load.followUrl?.(lab, own)) ?? own,
    publishUrl: server.publishUrl,
    roomNames: Array.from({ length: rooms }, () => lab.newRoom()),
    windowMs: load.windowMs,
    intervalMs: subject.intervalMs,
    seed,
    protocol: secure ? transport.secure : (transport.plain ?? ''),
  }
}
