// Clients whose connections are reset at moments of their own: what is lost, and how long it takes to be back.
import { recoverySteps } from './recoveries.ts'
import type { Scenario } from './scenario.ts'

export const cut: Scenario = {
  name: 'cut',
  summary: 'Clients with a session, each reset once by a relay while messages flow: time until it is back.',
  usual: true,
  leftOutOf: 'quick',
  plan(settings) {
    const { cut: profile } = settings.profile
    const { clients, ratePerSecond } = profile
    return recoverySteps(
      settings,
      'cut',
      profile,
      `${clients} clients, each cut once, ${ratePerSecond} msg/s`,
    )
  },
}
