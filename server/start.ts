// Starts the lab in this process: certificate, log, hub, and the three applications on their ports. Stops it again.
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { ServerTransport } from '../transports/contract.server.ts'
import { messageOf, UsageError } from '../transports/errors.ts'
import { RoomHub } from '../transports/hub/hub.ts'
import type { Log } from '../transports/hub/log.ts'
import { MemoryLog } from '../transports/hub/memory-log.ts'
import { serverLimits } from '../transports/limits.ts'
import { problem } from '../transports/problem.ts'
import { sumUp, together } from '../transports/queued.server.ts'
import { type App, createApp, type Ports } from './app.ts'
import { EventLoop } from './event-loop.ts'
import { createGuard } from './guard.ts'
import { openSqliteLog } from './log/sqlite.ts'
import { withoutChildren } from './logger.ts'
import { type ConnectionCounts, Metrics } from './metrics.ts'
import type { ServerOptions } from './options.ts'
import { mountPage, mountSignpost } from './page.ts'
import { builtPageFolder } from './page-source.ts'
import type { Identity } from './tls/certificate.ts'
import { dateProblem, givenIdentity, ownIdentity } from './tls.ts'
import { serverTransports } from './transports.ts'

/** Messages of a room that the log in memory keeps when `--keep` doesn't say. */
const memoryMessages = 100_000
/** How often the certificate's files are looked at: a renewed one is used without a restart. */
const identityCheckMs = 30_000

export interface StartOptions extends ServerOptions {
  readonly logger: Logger
  readonly transports?: readonly ServerTransport[]
  readonly headMs?: number
  readonly identityCheckMs?: number
  /** The built page. */
  readonly pageFolder?: string
  /** Adds the page's routes in place of the built page: for development. */
  readonly page?: (app: FastifyInstance) => Promise<void>
  /** What else must be done before the lab is ready, once its ports are its own. */
  readonly prepare?: () => Promise<void>
}

export interface RunningServer {
  /** `http://localhost:8080` or what stands for it. */
  readonly plainUrl: URL
  readonly tlsUrl: URL
  /** WebSockets over HTTP/2. */
  readonly h2WebSocketUrl: URL
  readonly hub: RoomHub
  readonly apps: readonly FastifyInstance[]
  /** Says goodbye to everybody, closes the ports and stores what is queued. Idempotent; ends within about a second. */
  stop(): Promise<void>
}

/**
 * Resolves when all ports answer and the log takes messages.
 * Throws a `UsageError` with one line when a port, the data folder or a certificate can't be used; nothing is left open then.
 */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { logger } = options
  const readIdentity = identityReader(options)
  const identity = await readIdentity()
  const outdated = dateProblem(identity, new Date())
  if (outdated !== null) options.logger.warn(outdated)
  const log = openLog(options)
  const hub = new RoomHub(log)
  const eventLoop = new EventLoop()
  const metrics = new Metrics(eventLoop)
  const ports = { plain: options.port, tls: options.tlsPort, h2WebSocket: 0 }
  const transports = options.transports ?? serverTransports
  const apps: App[] = []
  let isReady = false
  // The ports are known once they are open; until then nobody may come in.
  let guard = createGuardOfNobody()
  const build = async (own: Identity | null, connects = false): Promise<App> => {
    const app = await createApp({
      hub,
      guard: (request) => guard(request),
      transports: transports.filter(({ byExtendedConnect = false }) => byExtendedConnect === connects),
      offered: transports.map(({ name }) => name),
      heartbeatMs: options.heartbeatMs,
      headMs: options.headMs ?? serverLimits.headSeconds * 1000,
      logger: withoutChildren(logger),
      identity: own,
      ports: () => ports,
      isReady: () => isReady,
      isOverloaded: () => eventLoop.isOverloaded,
      metrics: () => metrics.text(hub.stats(), hub.queues(), countConnections(apps)),
      page: connects
        ? (fastify) => mountSignpost(fastify, () => ports.tls)
        : (options.page ?? ((fastify) => builtPage(fastify, options, ports))),
    })
    apps.push(app)
    return app
  }
  let stopping: Promise<void> | undefined
  let renewal: Renewal | undefined
  const stop = (): Promise<void> => {
    isReady = false
    stopping ??= closeAll(apps, log, eventLoop, renewal)
    return stopping
  }
  try {
    ports.plain = await listen((await build(null)).fastify, options.host, options.port, '--port')
    const secure = await build(identity)
    ports.tls = await listen(secure.fastify, options.host, options.tlsPort, '--tls-port')
    const sockets = await build(identity, true)
    ports.h2WebSocket = await listenOnFirst(sockets.fastify, options)
    renewal = keepRenewed([secure.fastify, sockets.fastify], identity, readIdentity, options)
    await options.prepare?.()
  } catch (error) {
    await stop()
    throw error
  }
  guard = createGuard({
    host: options.host,
    port: ports.plain,
    tlsPort: ports.tls,
    h2WebSocketPort: ports.h2WebSocket,
    origins: options.origins,
  })
  isReady = true
  logger.info({ ports }, 'The lab is open.')
  return {
    plainUrl: new URL(`http://localhost:${ports.plain}`),
    tlsUrl: new URL(`https://localhost:${ports.tls}`),
    h2WebSocketUrl: new URL(`https://localhost:${ports.h2WebSocket}`),
    hub,
    apps: apps.map(({ fastify }) => fastify),
    stop,
  }
}

function createGuardOfNobody(): ReturnType<typeof createGuard> {
  return () => problem('overloaded', 'The server is starting.', { retryAfterMs: 1000 })
}

function identityReader({ certificate, dataFolder }: ServerOptions): () => Promise<Identity> {
  return certificate === null
    ? () => ownIdentity(dataFolder, new Date())
    : async () => givenIdentity(certificate.certificateFile, certificate.keyFile)
}

interface SecureServer {
  setSecureContext(context: { cert: string; key: string }): void
}

interface Renewal {
  /** Resolves when nothing is made or written any more. */
  stop(): Promise<void>
}

/** Shows new connections the renewed certificate, when there is one. Looks again only when the last look has ended. */
function keepRenewed(
  apps: readonly FastifyInstance[],
  first: Identity,
  read: () => Promise<Identity>,
  options: StartOptions,
): Renewal {
  const { logger } = options
  const servers = apps.map((app) => app.server as unknown as SecureServer)
  let shown = first
  const look = async (): Promise<void> => {
    try {
      const found = await read()
      if (found.certificate === shown.certificate) return
      for (const server of servers) server.setSecureContext({ cert: found.certificate, key: found.key })
      shown = found
      logger.info('The certificate was renewed.')
    } catch (error) {
      logger.error({ err: error }, 'The certificate could not be renewed; the former one stays.')
    }
  }
  let looking: Promise<void> | null = null
  const timer = setInterval(() => {
    looking ??= look().finally(() => {
      looking = null
    })
  }, options.identityCheckMs ?? identityCheckMs).unref()
  return {
    async stop() {
      clearInterval(timer)
      await looking
    },
  }
}

function openLog({ log, keep, dataFolder, synchronous, logger }: StartOptions): Log {
  if (log === 'memory') {
    const epoch = randomBytes(9).toString('base64url')
    return new MemoryLog({ epoch, unixMs: Date.now, keepMessages: keep.messages ?? memoryMessages })
  }
  const failed = (error: unknown): void => {
    logger.error({ err: error }, 'Messages could not be stored.')
  }
  return openSqliteLog(dataFolder, { keep, synchronous, failed })
}

function builtPage(app: FastifyInstance, options: StartOptions, ports: Ports): Promise<void> {
  const folder = options.pageFolder ?? builtPageFolder
  return mountPage(app, { folder, ports: () => ports, origins: options.origins })
}

async function listen(app: FastifyInstance, host: string, port: number, option: string): Promise<number> {
  try {
    // For this name Fastify opens a second listener, which doesn't forward every event.
    await app.listen({ host: host === 'localhost' ? '127.0.0.1' : host, port })
  } catch (error) {
    throw new UsageError(cannotListen(error, host, port, option), { cause: error })
  }
  return (app.server.address() as AddressInfo).port
}

/** Opens the port of WebSockets over HTTP/2: the first that is free. */
async function listenOnFirst(app: FastifyInstance, options: StartOptions): Promise<number> {
  const [port = 0, ...others] = options.h2WebSocketPorts
  try {
    return await listen(app, options.host, port, '--h2-websocket-port')
  } catch (error) {
    const inUse = ((error as Error).cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
    if (!inUse || others.length === 0) throw error
    options.logger.info(`Port ${port} is in use: WebSockets over HTTP/2 get another one.`)
    return listenOnFirst(app, { ...options, h2WebSocketPorts: others })
  }
}

function cannotListen(error: unknown, host: string, port: number, option: string): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return `Port ${port} is in use. Stop what uses it, or choose another one with ${option}.`
    case 'EACCES':
      return `Port ${port} is not for this user. Choose one from 1024 on with ${option}.`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `This machine has no address ${host}. Choose another with --host.`
    default:
      return `Port ${port} of ${host} can't be opened (${messageOf(error)}). Choose others with --host and ${option}.`
  }
}

function countConnections(apps: readonly App[]): ConnectionCounts {
  let sockets = 0
  let http2Sessions = 0
  for (const { connections } of apps) {
    sockets += connections.socketCount
    http2Sessions += connections.sessionCount
  }
  const queued = together(apps.map(({ connections }) => sumUp(connections.queuedBytes())))
  return { sockets, http2Sessions, queued }
}

async function closeAll(
  apps: readonly App[],
  log: Log,
  eventLoop: EventLoop,
  renewal: Renewal | undefined,
): Promise<void> {
  try {
    await Promise.all([renewal?.stop(), ...apps.map(({ fastify }) => fastify.close())])
  } finally {
    eventLoop.close()
    await log.close()
  }
}
