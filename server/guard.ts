// Who may talk to the rooms: requests that name this lab as their host, and pages of its own origins (R23).
import type { Guard } from '../transports/contract.server.ts'
import { problem } from '../transports/problem.ts'

export interface GuardOptions {
  /** The address that the lab listens on, as given: it may be asked for by that name too. */
  readonly host: string
  readonly port: number
  readonly tlsPort: number
  /** WebSockets over HTTP/2: no pages come from there, but the pages' sockets ask for it. */
  readonly h2WebSocketPort: number
  /** Other addresses under which people open the lab, as browsers write origins. */
  readonly origins: readonly string[]
}

const localNames = ['localhost', '127.0.0.1', '[::1]'] as const
/** Addresses that stand for all of them: nobody asks for these. */
const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '::', ''])

/**
 * Makes the check of `Host` and `Origin`. A page of another site can send requests here, but a browser makes it say where it
 * comes from; and a name that is made to point here (DNS rebinding) shows in `Host`. Programs that name no origin may pass.
 */
export function createGuard(options: GuardOptions): Guard {
  const origins = new Set([...ownOrigins(options), ...options.origins])
  const hosts = new Set(
    [...origins].flatMap((origin) => {
      const { host, hostname } = new URL(origin)
      return [host, new URL(`https://${hostname}:${options.h2WebSocketPort}`).host]
    }),
  )
  return ({ host, origin }) => {
    // The spelling that everybody uses is found at once; the rest of the world is compared in lower case.
    if (host === undefined || !(hosts.has(host) || hosts.has(host.toLowerCase()))) {
      return problem(
        'forbidden-host',
        `This lab answers to ${[...hosts][0]}; start it with --origin for other names.`,
      )
    }
    if (origin !== undefined && !origins.has(origin)) {
      return problem('forbidden-origin', 'Pages of other sites may not talk to this lab; see --origin.')
    }
    return null
  }
}

/** Every origin that the lab itself serves its page from. */
export function ownOrigins(options: Pick<GuardOptions, 'host' | 'port' | 'tlsPort'>): readonly string[] {
  const { host, port, tlsPort } = options
  const names = new Set<string>(localNames)
  if (!wildcards.has(host)) names.add(host.includes(':') && !host.startsWith('[') ? `[${host}]` : host)
  // The URL class leaves out default ports and writes names as browsers do.
  return [...names].flatMap((name) => [
    new URL(`http://${name}:${port}`).origin,
    new URL(`https://${name}:${tlsPort}`).origin,
  ])
}
