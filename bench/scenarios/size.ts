// Messages of several sizes, with TLS and without: what is paid for each message, and what for each byte.
import { deliverySteps, loadsOf } from './deliveries.ts'
import type { Scenario } from './scenario.ts'

export const size: Scenario = {
  name: 'size',
  summary: 'Texts of 32 bytes to 8 KiB, the longest that the server takes, with TLS and without.',
  usual: false,
  interleaved: true,
  plan(settings) {
    const { blocks, size: profile } = settings.profile
    const { textBytes: sizes, ...common } = profile
    // Without `--no-tls` both are measured; with it only what was asked for.
    const ways = settings.secure ? [true, false] : [false]
    const loads = ways.flatMap((secure) =>
      sizes.flatMap((textBytes) =>
        loadsOf(settings, 'size', common, { textBytes, secure }).map((load) => ({
          ...load,
          name: `${load.name}, ${textBytes.toLocaleString('en')} bytes, ${secure ? 'TLS' : 'no TLS'}`,
        })),
      ),
    )
    return deliverySteps(settings, loads, blocks)
  },
}
