// The polling routes in a closed loop: how many requests a core answers, and how long each takes then.
import type { SaturateOrder } from '../load/orders.ts'
import type { ServiceCell } from '../measurement.ts'
import { watchedOf } from '../processes.ts'
import { randomStream, shuffled } from '../random.ts'
import type { Scenario } from './scenario.ts'

const routes: Readonly<Record<SaturateOrder['route'], string>> = {
  unchanged: 'GET, unchanged: 304',
  page: 'GET, 10 messages: 200',
  post: 'POST, one message: 201',
}

export const saturate: Scenario = {
  name: 'saturate',
  summary: 'The polling routes in a closed loop (autocannon, HTTP/1.1): service time and requests a second.',
  usual: false,
  plan(settings) {
    const { blocks, windowMs, connections } = settings.profile.saturate
    const load = `${connections} connections, HTTP/1.1, no pipelining`
    const names = Object.keys(routes) as SaturateOrder['route'][]
    // Block 0 warms the routes up.
    return Array.from({ length: blocks + 1 }, (_, block) =>
      shuffled(randomStream(settings.seed, `saturate ${block}`), names).map((route) => ({
        scenario: 'saturate',
        load,
        subject: routes[route],
        block,
        estimateMs: windowMs + 100,
        run: async (lab: Parameters<ReturnType<Scenario['plan']>[number]['run']>[0]) => {
          const server = await lab.server('parley')
          const order = {
            kind: 'saturate',
            route,
            url: server.plainUrl,
            ...watchedOf(server),
            room: lab.newRoom(),
            connections,
            windowMs,
          } as const
          const result = await (await lab.generator()).order(order)
          if (block === 0) return null
          return {
            kind: 'service',
            scenario: 'saturate',
            load,
            subject: routes[route],
            block,
            protocol: 'http/1.1',
            ...result,
          } satisfies ServiceCell
        },
      })),
    ).flat()
  },
}
