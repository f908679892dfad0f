// The process of the relays: apart from server and generator, so that what it costs is not theirs. Takes orders over IPC.
import type { OwnLatency, Relay } from '../relay/contract.ts'
import type { Profile } from '../relay/profile.ts'
import { startRelay } from '../relay/relay.ts'
import { together } from './recover.ts'

export type RelayOrder =
  /** Opens a relay to each of these ports of loopback, in the place of those that are open. */
  | {
      readonly kind: 'open'
      readonly ports: readonly number[]
      readonly profile: Profile
      readonly seed: number
    }
  /** Closes them, and says what they added of their own. */
  | { readonly kind: 'close' }

export type RelayAnswer =
  | { readonly ok: true; readonly ports: readonly number[]; readonly latency: OwnLatency }
  | { readonly ok: false; readonly message: string }

let relays: Relay[] = []

async function carryOut(order: RelayOrder): Promise<RelayAnswer> {
  const latency = together(relays.map((relay) => relay.ownLatency()))
  await Promise.all(relays.map((relay) => relay.close()))
  relays = []
  if (order.kind === 'open') {
    const { profile, seed } = order
    for (const port of order.ports) relays.push(await startRelay({ target: { port }, profile, seed }))
  }
  return { ok: true, ports: relays.map(({ port }) => port), latency }
}

process.on('message', (order: RelayOrder) => {
  carryOut(order)
    .catch(
      (error: unknown): RelayAnswer => ({
        ok: false,
        message: error instanceof Error ? error.message : String(error),
      }),
    )
    .then((answer) => process.send?.(answer))
})
process.on('disconnect', () => process.exit(0))
// The orchestrator decides when to end.
process.on('SIGINT', () => undefined)
process.stdout.write('ready\n')
