// Links that have nothing to do, in several numbers: CPU and bytes for each second, and the slope of the server's memory.
import { benchLimits } from '../limits.ts'
import type { IdleCell } from '../measurement.ts'
import { watchedOf } from '../processes.ts'
import { randomStream, shuffled } from '../random.ts'
import type { Settings } from '../settings.ts'
import { type Subject, subjectsOf, transportOf } from '../subjects.ts'
import type { Scenario, Step } from './scenario.ts'

const load = 'a silent room'

export const idle: Scenario = {
  name: 'idle',
  summary: 'Links in a silent room, up to 2,000: CPU and bytes a connection-second, memory a connection.',
  usual: true,
  everyProtocol: true,
  leftOutOf: 'quick',
  plan(settings) {
    const { blocks, connections: sizes, pollIntervalsMs } = settings.profile.idle
    const { transports, secure } = settings
    const subjects = subjectsOf({ transports, secure, pollIntervalsMs }).filter(({ isTwin }) => !isTwin)
    return Array.from({ length: blocks }, (_, index) => {
      const block = index + 1
      const cells = sizes.flatMap((connections) => subjects.map((subject) => ({ connections, subject })))
      return shuffled(randomStream(settings.seed, `idle ${block}`), cells).map(({ connections, subject }) =>
        stepOf(settings, subject, connections, block),
      )
    }).flat()
  },
}

function stepOf(settings: Settings, subject: Subject, connections: number, block: number): Step {
  const { intervalMs } = subject
  // Whole intervals, in each of which every poller asks about once.
  const { windowMs: wishedMs } = settings.profile.idle
  const windowMs = intervalMs > 0 ? Math.ceil(wishedMs / intervalMs) * intervalMs : wishedMs
  const seed = Math.floor(randomStream(settings.seed, `idle ${connections} ${block}`)() * 2 ** 31)
  return {
    scenario: 'idle',
    load,
    subject: subject.name,
    block,
    estimateMs:
      benchLimits.idle.serverMs +
      benchLimits.idle.settleMs +
      intervalMs +
      windowMs +
      connections * benchLimits.openingMs,
    run: async (lab): Promise<IdleCell> => {
      const startedMs = lab.elapsedMs
      const transport = transportOf(subject.transport)
      const { secure } = settings
      // A server of its own: what an earlier cell needed would still be among what this one has.
      const server = await lab.fresh(transport.server)
      try {
        const result = await (await lab.generator()).order({
          kind: 'idle',
          ...watchedOf(server),
          transport: subject.transport,
          followUrl: secure ? server.secureUrl : server.plainUrl,
          room: lab.newRoom(),
          connections,
          intervalMs,
          windowMs,
          seed,
          protocol: secure ? transport.secure : (transport.plain ?? ''),
        })
        const { epoch } = lab
        return {
          kind: 'idle',
          scenario: 'idle',
          load,
          subject: subject.name,
          block,
          startedMs,
          epoch,
          ...result,
        }
      } finally {
        await server.stop()
      }
    },
  }
}
