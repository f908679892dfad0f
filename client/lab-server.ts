// What the lab's server says of itself at /transports: where else it listens, and what it serves there.
import { messageOf } from '../transports/errors.ts'

/** The ports that the page may point to; null for those that are not served. */
export interface LabServer {
  /** The address that serves everything, HTTP/2 included. */
  readonly tls: URL | null
  readonly plain: URL | null
  /** The transports that this server mounts, by name. */
  readonly transports: readonly string[]
}

/** Asks the server. Rejects with an `Error` whose message is a sentence for a person. */
export async function askServer(base: URL, fetch: typeof globalThis.fetch): Promise<LabServer> {
  const response = await fetch(new URL('/transports', base), { cache: 'no-store' }).catch(
    (error: unknown) => {
      throw new Error(`The lab’s server at ${base.host} does not answer (${messageOf(error)}).`, {
        cause: error,
      })
    },
  )
  if (!response.ok)
    throw new Error(`The server at ${base.host} answered ${response.status} where the lab would answer 200.`)
  const document: unknown = await response.json().catch((error: unknown) => {
    throw new Error(`What answers at ${base.host} is not the lab.`, { cause: error })
  })
  return readDescription(document, base)
}

/** Reads the answer; whatever is not as expected is left out. */
export function readDescription(document: unknown, base: URL): LabServer {
  const fields = asFields(document)
  const ports = asFields(fields.ports)
  const list = Array.isArray(fields.transports) ? fields.transports : []
  return {
    tls: onPort(base, 'https:', ports.tls),
    plain: onPort(base, 'http:', ports.plain),
    transports: list.filter((name) => typeof name === 'string'),
  }
}

function onPort(base: URL, protocol: string, port: unknown): URL | null {
  if (typeof port !== 'number' || !Number.isInteger(port) || port <= 0) return null
  const address = new URL('/', base)
  address.protocol = protocol
  address.port = String(port)
  return address
}

function asFields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}
