// A quiet room: what it costs to be there, and how late polling is.
import { deliverySteps, loadsOf } from './deliveries.ts'
import type { Scenario } from './scenario.ts'

export const trickle: Scenario = {
  name: 'trickle',
  summary: 'A quiet room: 10 subscribers, 2 messages a second, polling at several intervals.',
  usual: true,
  everyProtocol: true,
  interleaved: true,
  plan(settings) {
    const { blocks, trickle: profile } = settings.profile
    return deliverySteps(settings, loadsOf(settings, 'trickle', profile), blocks)
  },
}
