// A quiet room: what it costs to be there, and how late polling is.
import { deliverySteps } from './deliveries.ts'
import type { Scenario } from './scenario.ts'

export const trickle: Scenario = {
  name: 'trickle',
  summary: 'A quiet room: 10 subscribers, 2 messages a second, polling at several intervals.',
  usual: true,
  plan(settings) {
    const { blocks, ...load } = settings.profile.trickle
    return deliverySteps(settings, [{ scenario: 'trickle', ...load }], blocks)
  },
}
