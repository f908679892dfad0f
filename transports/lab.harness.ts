// A small lab for tests: the real transports on real ports of the loopback, over a hub and a log in memory.
import { type AddressInfo, isIP } from 'node:net'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import Fastify, { type FastifyInstance } from 'fastify'
import type { ServerTransport } from './contract.server.ts'
import { nodeFetch } from './fetch.node.ts'
import type { Fetch } from './http.client.ts'
import { RoomHub } from './hub/hub.ts'
import type { Log } from './hub/log.ts'
import { MemoryLog } from './hub/memory-log.ts'
import { mountTransports } from './mount.server.ts'
import { problem } from './problem.ts'

export interface LabOptions {
  readonly transports: readonly ServerTransport[]
  readonly log?: Log
  readonly keepMessages?: number
  readonly heartbeatMs?: number
  /** Called with each application before it listens: the plain one, the TLS one, and the one of extended CONNECT. */
  begin?(app: FastifyInstance): void
}

export interface Lab {
  readonly hub: RoomHub
  readonly log: Log
  /** The plain port. */
  readonly http: URL
  /** The TLS port: HTTP/2 and HTTP/1.1. */
  readonly https: URL
  /** The port that announces extended CONNECT, for the transports that need it; over TLS too. */
  readonly h2WebSocket: URL
  readonly apps: readonly FastifyInstance[]
  /** Speaks HTTP/2 where the server does, and trusts this lab's certificate alone. */
  readonly fetch: Fetch
  /** The certificate, for clients that are to trust it. */
  readonly certificate: string
  /** Ends as a server does: says goodbye, then closes. */
  close(): Promise<void>
}

/** The origin that the guard of this lab refuses. */
export const foreignOrigin = 'https://elsewhere.example'

let pair: Promise<{ key: string; cert: string }> | undefined

/** A certificate for localhost and 127.0.0.1, made once for each test process. */
export function testCertificate(): Promise<{ key: string; cert: string }> {
  pair ??= makeCertificate()
  return pair
}

async function makeCertificate(): Promise<{ key: string; cert: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const names = ['localhost', '127.0.0.1'].map(
    (value) => ({ type: isIP(value) ? 'ip' : 'dns', value }) as const,
  )
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Parley test',
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 86_400_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.SubjectAlternativeNameExtension([...names])],
  })
  const key = new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey))
  return { key: x509.PemConverter.encode(key, 'PRIVATE KEY'), cert: certificate.toString('pem') }
}

export async function startLab(options: LabOptions): Promise<Lab> {
  const { keepMessages = 100_000, heartbeatMs = 10_000, transports } = options
  const log = options.log ?? new MemoryLog({ epoch: 'test', unixMs: Date.now, keepMessages })
  const hub = new RoomHub(log)
  const { key, cert } = await testCertificate()
  const plain = Fastify({ forceCloseConnections: true })
  const secure = Fastify({ http2: true, https: { allowHTTP1: true, key, cert }, forceCloseConnections: true })
  const connects = Fastify({
    http2: true,
    https: { allowHTTP1: true, key, cert, settings: { enableConnectProtocol: true } } as object,
    forceCloseConnections: true,
  } as object)
  const apps = [plain, secure, connects] as unknown as FastifyInstance[]
  const endings: (() => void)[] = []
  for (const app of apps) {
    const guard = ({ origin }: { readonly origin: string | undefined }) =>
      origin === foreignOrigin ? problem('forbidden-origin', 'Not from there.') : null
    const mounted = transports.filter((one) => (one.byExtendedConnect === true) === (app === apps[2]))
    await mountTransports(app, { hub, guard, transports: mounted, heartbeatMs })
    options.begin?.(app)
    endings.push(trackConnections(app))
    await app.listen({ host: '127.0.0.1', port: 0 })
  }
  const client = nodeFetch({ ca: cert })
  return {
    hub,
    log,
    http: addressOf(plain, 'http'),
    https: addressOf(apps[1] ?? plain, 'https'),
    h2WebSocket: addressOf(apps[2] ?? plain, 'https'),
    apps,
    fetch: client.fetch,
    certificate: cert,
    async close() {
      await hub.drain()
      for (const end of endings) end()
      await Promise.all(apps.map((app) => app.close()))
      client.close()
      await log.close()
    },
  }
}

/** Gives the way to cut what is still connected: an HTTP/2 session outlives its streams. */
function trackConnections(app: FastifyInstance): () => void {
  const sockets = new Set<{ destroy(): void }>()
  app.server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  return () => {
    for (const socket of sockets) socket.destroy()
  }
}

function addressOf(app: FastifyInstance, scheme: string): URL {
  return new URL(`${scheme}://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
}
