// One busy room of several sizes: what a delivery costs as the room grows.
import { deliverySteps, loadsOf } from './deliveries.ts'
import type { Scenario } from './scenario.ts'

export const fanout: Scenario = {
  name: 'fanout',
  summary: 'One room, 20 messages a second, 10 to 2,000 subscribers.',
  usual: true,
  interleaved: true,
  plan(settings) {
    const { blocks, fanout: profile } = settings.profile
    return deliverySteps(settings, loadsOf(settings, 'fanout', profile), blocks)
  },
}
