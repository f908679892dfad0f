// Everybody is reset at the same moment: whether a server is run over by those that come back (R33).
import { recoverySteps } from './recoveries.ts'
import type { Scenario } from './scenario.ts'

export const storm: Scenario = {
  name: 'storm',
  summary: 'Hundreds of clients with a session are reset at once: time until 95 % and 100 % are live.',
  usual: false,
  plan(settings) {
    const { storm: profile } = settings.profile
    const { clients, ratePerSecond } = profile
    return recoverySteps(settings, 'storm', profile, `${clients} clients cut at once, ${ratePerSecond} msg/s`)
  },
}
