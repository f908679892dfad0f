// Capacity at an objective: doubling, then halving what is left, then fresh windows. Each load that is tried is a cell.
import { benchLimits } from '../limits.ts'
import { beginSearch, nextSearch, type Search } from '../load/capacity-search.ts'
import { judge } from '../load/objective.ts'
import type { CapacityCell } from '../measurement.ts'
import { watchedOf } from '../processes.ts'
import { randomStream } from '../random.ts'
import type { Settings } from '../settings.ts'
import { type Subject, subjectsOf, transportOf } from '../subjects.ts'
import { plainLoad } from './deliveries.ts'
import type { Scenario, Step } from './scenario.ts'

export const ramp: Scenario = {
  name: 'ramp',
  summary: `The largest rate to 50 subscribers with p99 up to ${benchLimits.objective.p99Ms} ms, all once and in order.`,
  usual: false,
  plan(settings) {
    const { transports, secure } = settings
    return (
      // Polling asks every 100 ms at most, so that its p99 is above the objective by itself.
      subjectsOf({ transports, secure, pollIntervalsMs: [] })
        .filter(({ isTwin }) => !isTwin)
        .flatMap((subject) => [warmUpOf(settings, subject), ...stepsOf(settings, subject)])
    )
  },
}

/** Carries the first load for a moment: a cold server is slower than any other. */
function warmUpOf(settings: Settings, subject: Subject): Step {
  const { startRate: start, resolution, confirmations, mostSteps } = settings.profile.ramp
  const { warmUpMs, leastRate: least } = benchLimits.objective
  return {
    scenario: 'ramp',
    load: nameOf(settings),
    subject: subject.name,
    block: 0,
    estimateMs: estimateMs(settings, 0) - settings.profile.ramp.searchWindowMs + warmUpMs,
    run: async (lab) => {
      const search = beginSearch({ start, least, resolution, confirmations, mostSteps })
      const order = await orderOf(lab, subject, search, 0)
      await (await lab.generator()).order({ ...order, windowMs: warmUpMs })
      return null
    },
  }
}

/** As many steps as a search may take; those behind its end do nothing. */
function stepsOf(settings: Settings, subject: Subject): readonly Step[] {
  const { ramp: profile } = settings.profile
  const { startRate: start, resolution, confirmations, mostSteps } = profile
  const { leastRate: least } = benchLimits.objective
  let search = beginSearch({ start, least, resolution, confirmations, mostSteps })
  const load = nameOf(settings)
  return Array.from({ length: mostSteps }, (_, index): Step => {
    const block = index + 1
    return {
      scenario: 'ramp',
      load,
      subject: subject.name,
      block,
      estimateMs: estimateMs(settings, index),
      run: async (lab) => {
        if (search.phase === 'done') return null
        const tried = search
        const startedMs = lab.elapsedMs
        try {
          const result = await (await lab.generator()).order(await orderOf(lab, subject, tried, block))
          const { verdict, reason } = judge(result)
          search = nextSearch(tried, verdict)
          const { epoch } = lab
          const { phase, offered } = tried
          return {
            ...result,
            kind: 'capacity',
            scenario: 'ramp',
            load,
            subject: subject.name,
            block,
            startedMs,
            epoch,
            axis: 'messages a second',
            offered,
            phase: phase === 'confirm' ? 'confirm' : 'search',
            holds: verdict === 'holds',
            reason,
            // What goes wrong under too much load is the result, not a fault of the measurement.
            problems: verdict === 'holds' ? result.problems : [],
          } satisfies CapacityCell
        } catch (error) {
          search = nextSearch(tried, 'fails')
          throw error
        }
      },
    }
  })
}

/** `50 subscribers, p99 up to 100 ms, windows of 5 s, confirmed in 3 of 20 s`. */
function nameOf({ profile }: Settings): string {
  const { subscribers, searchWindowMs, confirmWindowMs, confirmations } = profile.ramp
  const windows = `windows of ${searchWindowMs / 1000} s, confirmed in ${confirmations} of ${confirmWindowMs / 1000} s`
  return `${subscribers} subscribers, p99 up to ${benchLimits.objective.p99Ms} ms, ${windows}`
}

/** A search takes as many doublings as a rule, halves until its resolution is reached, and looks again. */
function estimateMs(settings: Settings, index: number): number {
  const { resolution, confirmations, searchWindowMs, confirmWindowMs, subscribers } = settings.profile.ramp
  const halvings = Math.ceil(Math.log2(1 / (resolution - 1)))
  const searching = benchLimits.objective.usualDoublings + halvings
  if (index >= searching + confirmations) return 0
  const { settleMs, publishAheadMs, openingMs } = benchLimits
  const windowMs = index < searching ? searchWindowMs : confirmWindowMs
  return windowMs + 2 * settleMs + 2 * publishAheadMs + subscribers * openingMs + 30
}

async function orderOf(
  lab: Parameters<Step['run']>[0],
  subject: Subject,
  { phase, offered }: Search,
  block: number,
) {
  const { settings } = lab
  const { subscribers, searchWindowMs, confirmWindowMs } = settings.profile.ramp
  const transport = transportOf(subject.transport)
  const server = await lab.server(transport.server)
  const { secure, seed } = settings
  return {
    kind: 'deliver',
    ...plainLoad(settings, { subscribers, ratePerSecond: offered }),
    ...watchedOf(server),
    transport: subject.transport,
    followUrl: secure ? server.secureUrl : server.plainUrl,
    publishUrl: server.publishUrl,
    roomNames: [lab.newRoom()],
    windowMs: phase === 'confirm' ? confirmWindowMs : searchWindowMs,
    intervalMs: subject.intervalMs,
    seed: Math.floor(randomStream(seed, `ramp ${block}`)() * 2 ** 31),
    protocol: secure ? transport.secure : (transport.plain ?? ''),
    stretches: benchLimits.objective.stretches,
  } as const
}
