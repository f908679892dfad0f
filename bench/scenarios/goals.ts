// The speeds that the project promises, each as a ratio to a bare server that does the same work, in one run.

import type { Lab } from '../lab.ts'
import { benchLimits } from '../limits.ts'
import type { CountResult, Order } from '../load/orders.ts'
import { text } from '../load/publisher.ts'
import type { GoalCell } from '../measurement.ts'
import { type RunningServer, runToEnd, watchedOf } from '../processes.ts'
import type { CommitRate } from '../servers/sqlite.ts'
import type { Settings } from '../settings.ts'
import type { Scenario, Step } from './scenario.ts'

type GoalName = 'goal-poll' | 'goal-push' | 'goal-send'

/** One side of a comparison. Every round starts its server anew: how well a process happens to be compiled and laid out is part of the error. */
interface Side {
  readonly subject: string
  measure(
    lab: Lab,
    settings: Settings,
  ): Promise<Omit<GoalCell, 'kind' | 'scenario' | 'load' | 'subject' | 'block'>>
}

const costOf = (result: CountResult) => ({ ...result, value: result.serverCpuUs / result.count })
const rateOf = (result: CountResult) => ({ ...result, value: (result.count / result.wallMs) * 1000 })

/** Starts a server, gives it the load, and stops it. */
async function against(
  starting: Promise<RunningServer>,
  lab: Lab,
  order: (server: RunningServer) => Extract<Order, { kind: 'polls' | 'push' | 'sends' }>,
): Promise<CountResult> {
  const server = await starting
  try {
    return await (await lab.generator()).order(order(server))
  } finally {
    await server.stop()
  }
}

const pollSides: readonly Side[] = [
  {
    subject: 'parley',
    measure: async (lab, { profile }) =>
      costOf(
        await against(lab.freshParley(), lab, (server) => ({
          kind: 'polls',
          subject: 'parley',
          url: server.plainUrl,
          ...watchedOf(server),
          ...profile.goals,
        })),
      ),
  },
  {
    subject: 'node:http',
    measure: async (lab, { profile }) =>
      costOf(
        await against(lab.freshControl('http.ts'), lab, (server) => ({
          kind: 'polls',
          subject: 'bare',
          url: server.plainUrl,
          ...watchedOf(server),
          ...profile.goals,
        })),
      ),
  },
]

const barePush = (subject: string, variant: string): Side => ({
  subject,
  measure: async (lab, { profile }) =>
    costOf(
      await against(lab.freshControl('http2.ts', variant), lab, (server) => ({
        kind: 'push',
        secureUrl: server.secureUrl,
        publish: { port: server.extraPort },
        ...watchedOf(server),
        ...profile.goals,
      })),
    ),
})

const pushSides: readonly Side[] = [
  {
    subject: 'parley',
    measure: async (lab, { profile }) =>
      costOf(
        await against(lab.freshParley(), lab, (server) => ({
          kind: 'push',
          secureUrl: server.secureUrl,
          publish: { webSocketUrl: server.plainUrl },
          ...watchedOf(server),
          ...profile.goals,
        })),
      ),
  },
  barePush('node:http2, joined', 'joined'),
  barePush('node:http2, each', 'each'),
]

const bareCommits = (subject: string, rooms: number): Side => ({
  subject,
  measure: async (lab, { profile }) => {
    const { warmUpMs, windowMs } = profile.goals
    const args = ['--warm-up-ms', warmUpMs, '--window-ms', windowMs, '--rooms', rooms, '--text', text].map(
      String,
    )
    const output = await runToEnd({
      script: 'bench/servers/sqlite.ts',
      args,
      core: lab.cores?.server ?? null,
    })
    const { messages, wallMs, cpuUs } = JSON.parse(output) as CommitRate
    const value = (messages / wallMs) * 1000
    return {
      value,
      count: messages,
      wallMs,
      serverUtilisation: cpuUs / 1000 / wallMs,
      generatorUtilisation: 0,
    }
  },
})

const sendSides: readonly Side[] = [
  {
    subject: 'parley',
    measure: async (lab, { profile }) =>
      rateOf(
        await against(lab.freshParley(), lab, (server) => ({
          kind: 'sends',
          url: server.plainUrl,
          ...watchedOf(server),
          ...profile.goals,
        })),
      ),
  },
  bareCommits('node:sqlite, 1 room', 1),
  bareCommits('node:sqlite, 100 rooms', benchLimits.sendGoal.connections),
]

const goals: Readonly<
  Record<GoalName, { readonly load: string; readonly summary: string; readonly sides: readonly Side[] }>
> = {
  'goal-poll': {
    load: 'unchanged polls, server CPU a request',
    summary: 'An unchanged poll against a bare node:http 304: at most 1.4 times the server CPU.',
    sides: pollSides,
  },
  'goal-push': {
    load: 'HTTP/2 push to 500 readers in bursts of 10, server CPU a delivery',
    summary: 'HTTP/2 push against a bare node:http2 that joins a burst: at most 1.15 times the server CPU.',
    sides: pushSides,
  },
  'goal-send': {
    load: 'durable, acknowledged sends, 100 WebSockets with 16 in flight each, messages a second',
    summary: 'Durable sends against what node:sqlite alone commits: at least 0.3 times the rate.',
    sides: sendSides,
  },
}

function stepsOf(name: GoalName, settings: Settings): readonly (readonly Step[])[] {
  const { sides, load } = goals[name]
  const { rounds, windowMs, warmUpMs } = settings.profile.goals
  return Array.from({ length: rounds }, (_, index) => {
    // Forward and backward by turns, so that a drift of the machine meets both sides alike.
    const ordered = index % 2 === 0 ? sides : [...sides].reverse()
    return ordered.map(
      ({ subject, measure }): Step => ({
        scenario: name,
        load,
        subject,
        block: index + 1,
        estimateMs: windowMs + warmUpMs + 900,
        run: async (lab): Promise<GoalCell> => {
          const measured = await measure(lab, settings)
          return { kind: 'goal', scenario: name, load, subject, block: index + 1, ...measured }
        },
      }),
    )
  })
}

/** Each goal alone. */
export const goalScenarios: readonly Scenario[] = (Object.keys(goals) as GoalName[]).map((name) => ({
  name,
  summary: goals[name].summary,
  usual: false,
  plan: (settings) => stepsOf(name, settings).flat(),
}))
