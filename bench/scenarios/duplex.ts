// Both ways over one link: the subscribers themselves send, each over the transport that is measured.
import { transportOf } from '../subjects.ts'
import { deliverySteps, loadsOf } from './deliveries.ts'
import type { Scenario } from './scenario.ts'

export const duplex: Scenario = {
  name: 'duplex',
  summary: 'One room, 20 messages a second, sent by the subscribers over the link under test.',
  usual: false,
  interleaved: true,
  plan(settings) {
    const { blocks, duplex: profile } = settings.profile
    const loads = loadsOf(settings, 'duplex', profile, { upLink: 'native' }).map((load) => ({
      ...load,
      takesPart: (transport: string) => transportOf(transport).sends,
    }))
    return deliverySteps(settings, loads, blocks)
  },
}
