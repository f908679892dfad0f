// A TCP relay on loopback that commits faults, by a standing profile and by acts at run time. It knows nothing of what it carries.
import type { Relay, RelayOptions } from './contract.ts'

/** Listens on 127.0.0.1. Rejects with a `UsageError` of one line when the port can't be had. */
export function startRelay(options: RelayOptions): Promise<Relay> {
  return Promise.reject(new Error(`not built yet: ${options.profile.name}`))
}
