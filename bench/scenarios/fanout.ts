// One busy room of several sizes: what a delivery costs as the room grows.
import { deliverySteps } from './deliveries.ts'
import type { Scenario } from './scenario.ts'

export const fanout: Scenario = {
  name: 'fanout',
  summary: 'One room, 20 messages a second, 10 to 1,000 subscribers.',
  usual: true,
  plan(settings) {
    const { blocks, subscribers: sizes, pollIntervalMs, ...load } = settings.profile.fanout
    const loads = sizes.map((subscribers) => ({
      scenario: 'fanout',
      subscribers,
      ...load,
      pollIntervalsMs: [pollIntervalMs],
    }))
    return deliverySteps(settings, loads, blocks)
  },
}
