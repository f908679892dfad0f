// Many small rooms: the chat number. What a message costs when few hear it, and most of those that are connected don't.
import { deliverySteps, loadsOf } from './deliveries.ts'
import type { Scenario } from './scenario.ts'

export const rooms: Scenario = {
  name: 'rooms',
  summary: '100 rooms of 10 subscribers each, a message a second in each.',
  usual: false,
  interleaved: true,
  plan(settings) {
    const { blocks, rooms: profile } = settings.profile
    return deliverySteps(settings, loadsOf(settings, 'rooms', profile), blocks)
  },
}
