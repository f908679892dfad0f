// What trickle and fanout share: blocks in which every subject carries the same load once, in a random order.

import type { Lab } from '../lab.ts'
import { benchLimits } from '../limits.ts'
import type { DeliverOrder } from '../load/deliver.ts'
import type { DeliveryCell } from '../measurement.ts'
import { randomStream, shuffled } from '../random.ts'
import type { Settings } from '../settings.ts'
import { type Subject, subjectsOf, transportOf } from '../subjects.ts'
import type { Step } from './scenario.ts'

export interface DeliveryLoad {
  readonly scenario: string
  readonly subscribers: number
  readonly ratePerSecond: number
  readonly windowMs: number
  readonly pollIntervalsMs: readonly number[]
}

/** The steps of several loads: warm-ups first, then the blocks. A block is one pass over all loads and subjects. */
export function deliverySteps(
  settings: Settings,
  loads: readonly DeliveryLoad[],
  blocks: number,
): readonly Step[] {
  const steps: Step[] = [...warmUps(settings, loads[0])]
  for (let block = 1; block <= blocks; block++) {
    for (const load of loads) {
      const label = `${load.scenario} ${load.subscribers} ${block}`
      const random = randomStream(settings.seed, `order ${label}`)
      const seed = Math.floor(randomStream(settings.seed, label)() * 2 ** 31)
      const subjects = subjectsOf({ ...settings, pollIntervalsMs: load.pollIntervalsMs })
      // All subjects of a block get the same schedule.
      for (const subject of shuffled(random, subjects))
        steps.push(cellStep(settings, load, subject, block, seed))
    }
  }
  return steps
}

/** `10 subscribers, 2 msg/s`. */
export function loadName(load: DeliveryLoad): string {
  return `${load.subscribers.toLocaleString('en')} subscribers, ${load.ratePerSecond} msg/s`
}

function warmUps(settings: Settings, load: DeliveryLoad | undefined): readonly Step[] {
  if (load === undefined) return []
  const warm = { ...load, ...benchLimits.warmUp, pollIntervalsMs: load.pollIntervalsMs.slice(0, 1) }
  return subjectsOf({ ...settings, pollIntervalsMs: warm.pollIntervalsMs }).map((subject) => ({
    ...cellStep(
      settings,
      warm,
      { ...subject, intervalMs: Math.min(subject.intervalMs, 250) },
      0,
      settings.seed,
    ),
    load: 'warm-up',
  }))
}

function cellStep(
  settings: Settings,
  load: DeliveryLoad,
  subject: Subject,
  block: number,
  seed: number,
): Step {
  const { scenario, subscribers, windowMs } = load
  const { intervalMs } = subject
  const name = loadName(load)
  return {
    scenario,
    load: name,
    subject: subject.name,
    block,
    estimateMs: 2 * benchLimits.settleMs + 50 + subscribers * 1.5 + windowMs + 2.5 * intervalMs,
    run: async (lab) => {
      const result = await (await lab.generator()).order(await orderOf(lab, settings, load, subject, seed))
      if (block === 0) return null
      return {
        kind: 'delivery',
        scenario,
        load: name,
        subject: subject.name,
        block,
        ...result,
      } satisfies DeliveryCell
    },
  }
}

async function orderOf(
  lab: Lab,
  settings: Settings,
  load: DeliveryLoad,
  subject: Subject,
  seed: number,
): Promise<DeliverOrder> {
  const transport = transportOf(subject.transport)
  const server = await lab.server(transport.server)
  const { subscribers, ratePerSecond, windowMs } = load
  return {
    kind: 'deliver',
    transport: subject.transport,
    followUrl: settings.secure ? server.secureUrl : server.plainUrl,
    publishUrl: server.publishUrl,
    serverPid: server.pid,
    room: lab.newRoom(),
    subscribers,
    ratePerSecond,
    windowMs,
    intervalMs: subject.intervalMs,
    seed,
    protocol: settings.secure ? transport.secure : (transport.plain ?? ''),
  }
}
