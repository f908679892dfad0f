// Many messages in one tick: what joining them saves, and how late the last one is.
import { benchLimits } from '../limits.ts'
import { deliverySteps, loadsOf } from './deliveries.ts'
import type { Scenario } from './scenario.ts'

export const burst: Scenario = {
  name: 'burst',
  summary: `${benchLimits.burstMessages} messages in one tick to 50 subscribers, now and then.`,
  usual: true,
  interleaved: true,
  plan(settings) {
    const { blocks, burst: profile } = settings.profile
    const loads = loadsOf(settings, 'burst', profile, { burst: benchLimits.burstMessages })
    return deliverySteps(settings, loads, blocks)
  },
}
