// A program: the real server on the log on disk, with scaled heartbeats, that says every moment what it holds for its fullest connection.
import type { Server } from 'node:net'
import { keepForever } from '../../server/keep.ts'
import { createLogger } from '../../server/logger.ts'
import { startServer } from '../../server/start.ts'
import { QueueWatch } from './queued.ts'

/** The first argument, as JSON. */
export interface ServedOptions {
  readonly dataFolder: string
  readonly heartbeatMs: number
  /** The relays' addresses: what clients call the server. */
  readonly origins: readonly string[]
}

export type ServedReport =
  | {
      readonly kind: 'ready'
      readonly tls: number
      readonly h2WebSocket: number
    }
  | { readonly kind: 'sample'; readonly queuedBytes: number; readonly subscribers: number }

const sampleMs = 20

function report(value: ServedReport): void {
  // The parent may be gone, and with it all that this is for.
  if (process.connected) process.send?.(value)
}

const options = JSON.parse(process.argv[2] ?? '') as ServedOptions
const server = await startServer({
  host: '127.0.0.1',
  port: 0,
  tlsPort: 0,
  h2WebSocketPorts: [0],
  dataFolder: options.dataFolder,
  log: 'sqlite',
  keep: keepForever,
  certificate: null,
  origins: options.origins,
  synchronous: 'full',
  logLevel: 'silent',
  build: false,
  logger: createLogger('silent', false),
  heartbeatMs: options.heartbeatMs,
})
const queues = new QueueWatch(server.apps.map((app) => app.server as Server))
setInterval(() => {
  report({ kind: 'sample', queuedBytes: queues.mostBytes, subscribers: server.hub.stats().subscribers })
}, sampleMs).unref()
process.once('SIGTERM', () => {
  server.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  )
})
// Nobody is left to end it.
process.once('disconnect', () => process.exit(0))
report({
  kind: 'ready',
  tls: Number(server.tlsUrl.port),
  h2WebSocket: Number(server.h2WebSocketUrl.port),
})
