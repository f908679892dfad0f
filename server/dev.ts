// `npm run dev`: the lab with the page served from its sources. The server starts again when server/ or transports/ change;
// the page follows what is saved. Both stay one origin: nothing stands between the page and the transports (R8).
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { createServer, type ViteDevServer } from 'vite'
import { projectFolder } from './page-source.ts'
import { run } from './run.ts'

/** Vite's own socket has a port of its own: on the lab's ports every upgrade belongs to a transport. */
const reloadPort = 24_678

let started: Promise<ViteDevServer> | null = null

/** Started when the first port asks for it, so that `--help` and a wrong option start nothing. */
function viteServer(): Promise<ViteDevServer> {
  started ??= createServer({
    configFile: join(projectFolder, 'client', 'vite.config.ts'),
    appType: 'spa',
    server: {
      middlewareMode: true,
      host: '127.0.0.1',
      // A page on the TLS port may use it too: browsers trust addresses of this machine without TLS.
      hmr: { port: reloadPort, host: 'localhost', protocol: 'ws' },
    },
  })
  return started
}

await run({
  async page(app: FastifyInstance) {
    const vite = await viteServer()
    app.get('/*', (request, reply) => {
      reply.hijack()
      vite.middlewares(request.raw, reply.raw, () => {
        reply.raw.writeHead(404).end()
      })
    })
    app.addHook('onClose', () => vite.close())
  },
})
