// Where a lab serves WebSockets over HTTP/2, and how a browser is brought to open them so.
import { LinkError } from '../errors.ts'
import type { Fetch } from '../http.client.ts'
import type { OverHttp2 } from '../socket-client.ts'

/** For a client that speaks HTTP/2 there anyhow, as ours for Node: asks the server for its port, at each opening. */
export function http2Port(fetch: Fetch): OverHttp2 {
  return { prepare: (base, signal) => addressOn(fetch, base, signal) }
}

/**
 * For a page. A browser opens a WebSocket over HTTP/1.1 unless it holds an HTTP/2 connection to that very port on which the
 * server has announced extended CONNECT; so the page makes it open one first. What Chromium was seen to do is in
 * docs/decisions/0011.
 */
export function http2InBrowser(fetch: Fetch): OverHttp2 {
  return {
    async prepare(base, signal) {
      const address = await addressOn(fetch, base, signal)
      try {
        await fetch(new URL('/healthz', address), {
          // WebSockets may carry cookies, and a browser keeps connections that do apart from those that don't.
          credentials: 'include',
          // Another port is another origin, and of the answer nothing is needed.
          mode: 'no-cors',
          cache: 'no-store',
          signal,
        })
      } catch (error) {
        if (signal.aborted) throw error
        throw new LinkError('network', unreachablePort(address), { error })
      }
      return address
    },
  }
}

/** A browser does not tell a page why: a certificate that it refuses looks like a port where nobody listens (R10). */
function unreachablePort({ host, origin }: URL): string {
  return `Port ${host} cannot be reached. If the lab is running, your browser may want its certificate accepted for that port too: open ${origin} once.`
}

async function addressOn(fetch: Fetch, base: URL, signal: AbortSignal): Promise<URL> {
  const response = await fetch(new URL('/transports', base), { cache: 'no-store', signal })
  const port = response.ok ? portIn(await response.json().catch(() => null)) : null
  if (port === null) {
    throw new LinkError('refused', `What answers at ${base.host} names no port for WebSockets over HTTP/2.`, {
      retry: response.status >= 500,
    })
  }
  const address = new URL('/', base)
  address.protocol = 'https:'
  address.port = String(port)
  return address
}

function portIn(document: unknown): number | null {
  const { ports } = (document ?? {}) as { readonly ports?: { readonly h2WebSocket?: unknown } }
  const port = ports?.h2WebSocket
  return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536 ? port : null
}
