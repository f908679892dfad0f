// Links that have nothing to do, in several numbers: CPU and bytes for each second, and the slope of the server's memory.
import { benchLimits } from '../limits.ts'
import type { IdleCell } from '../measurement.ts'
import { ownClockMs } from '../model/bytes.ts'
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
  // Whole periods, in each of which every link speaks once that goes by a clock of its own.
  const { windowMs: wishedMs } = settings.profile.idle
  const periodMs = intervalMs > 0 ? intervalMs : ownClockMs(transportOf(subject.transport).wire)
  const windowMs = periodMs > 0 ? Math.ceil(wishedMs / periodMs) * periodMs : wishedMs
  // Where memory is asked for, by several numbers of links: what an earlier cell needed would still be among what this one has.
  const ownServer = settings.profile.idle.connections.length > 1
  const seed = Math.floor(randomStream(settings.seed, `idle ${connections} ${block}`)() * 2 ** 31)
  return {
    scenario: 'idle',
    load,
    subject: subject.name,
    block,
    estimateMs:
      (ownServer ? benchLimits.idle.serverMs : 0) +
      benchLimits.idle.settleMs +
      intervalMs +
      windowMs +
      connections * benchLimits.openingMs,
    run: async (lab): Promise<IdleCell> => {
      const startedMs = lab.elapsedMs
      const transport = transportOf(subject.transport)
      const { secure } = settings
      const server = ownServer ? await lab.fresh(transport.server) : await lab.server(transport.server)
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
        if (ownServer) await server.stop()
      }
    },
  }
}
