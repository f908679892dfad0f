// The page's own routes: static files with their caching, and the headers that a page needs.
import { join } from 'node:path'
import helmet from '@fastify/helmet'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import type { Ports } from './app.ts'
import { makeFolder } from './folder.ts'

export interface PageOptions {
  /** The built page: `index.html` and `assets/`. */
  readonly folder: string
  /** Known once all ports are open, which is before anybody can ask. */
  ports(): Ports
  readonly origins: readonly string[]
}

/** Serves the page. Its headers cost three times a poll, so that they stay in this scope. */
export async function mountPage(app: FastifyInstance, options: PageOptions): Promise<void> {
  // It may be built while the ports open already.
  makeFolder(options.folder)
  await app.register(async (scope) => {
    await scope.register(helmet, {
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'self'"],
          connectSrc: [
            "'self'",
            (request) => connectSources(request.headers.host ?? request.headers[':authority'], options),
          ],
          imgSrc: ["'self'", 'data:'],
          objectSrc: ["'none'"],
          baseUri: ["'none'"],
          formAction: ["'none'"],
          frameAncestors: ["'none'"],
        },
      },
      // It would bind every port of this machine's localhost to TLS.
      strictTransportSecurity: false,
      xFrameOptions: { action: 'deny' },
      referrerPolicy: { policy: 'no-referrer' },
    })
    await scope.register(fastifyStatic, {
      root: options.folder,
      // The page may be built, or built again, while the server runs.
      wildcard: true,
      index: 'index.html',
      cacheControl: false,
      dotfiles: 'ignore',
      setHeaders(reply, path) {
        // The build names each asset by its content.
        const isNamedByContent = path.startsWith(join(options.folder, 'assets'))
        reply.header('cache-control', isNamedByContent ? 'public, max-age=31536000, immutable' : 'no-cache')
      },
    })
  })
}

/** Where the page may connect to, besides its own address: its sockets, and the lab's other ports under the same name. */
function connectSources(host: unknown, options: PageOptions): string {
  const { plain, tls, h2WebSocket } = options.ports()
  const name = hostnameOf(host)
  const own =
    name === ''
      ? []
      : [
          `http://${name}:${plain}`,
          `ws://${name}:${plain}`,
          ...[tls, h2WebSocket].flatMap((port) => [`https://${name}:${port}`, `wss://${name}:${port}`]),
        ]
  const others = options.origins.flatMap((origin) => [origin, origin.replace(/^http/, 'ws')])
  return [...own, ...others].join(' ')
}

/** The name that a request asked for; '' for one that isn't fit to be repeated. */
function hostnameOf(host: unknown): string {
  return typeof host === 'string' ? (/^([a-z0-9.-]+)(?::[0-9]+)?$/i.exec(host)?.[1] ?? '') : ''
}

/** What a person sees who opens the port that has no page: to accept its certificate, say. */
export function mountSignpost(app: FastifyInstance, tlsPort: () => number): Promise<void> {
  app.get('/', (request, reply) => {
    const name = hostnameOf(request.headers.host ?? request.headers[':authority'])
    const page = `https://${name === '' ? 'localhost' : name}:${tlsPort()}/`
    return reply
      .type('text/plain; charset=utf-8')
      .send(`This port carries WebSockets over HTTP/2, and answers. The page is at ${page}\n`)
  })
  return Promise.resolve()
}
