// A server for tests: the real one, on free ports of the loopback, and clients that may behave badly.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type IncomingHttpHeaders, request } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { request as requestTls } from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serverLimits } from '../transports/limits.ts'
import type { Problem } from '../transports/problem.ts'
import { keepForever } from './keep.ts'
import { createLogger } from './logger.ts'
import { type RunningServer, type StartOptions, startServer } from './start.ts'

export interface TestServer extends RunningServer {
  readonly dataFolder: string
  /** Stops the server and removes its data. */
  end(): Promise<void>
}

export async function startTestServer(options: Partial<StartOptions> = {}): Promise<TestServer> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'parley-server-'))
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    tlsPort: 0,
    h2WebSocketPorts: [0],
    dataFolder,
    log: 'memory',
    keep: keepForever,
    heartbeatMs: serverLimits.heartbeatMs,
    certificate: null,
    origins: [],
    synchronous: 'full',
    logLevel: 'silent',
    build: false,
    logger: createLogger('silent', false),
    pageFolder: join(dataFolder, 'page'),
    ...options,
  })
  return {
    ...server,
    dataFolder,
    async end() {
      await server.stop()
      rmSync(dataFolder, { recursive: true, force: true })
    },
  }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface AskOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** One HTTP/1.1 request on a connection of its own. The path is sent as it is, however wrong. */
export async function ask(base: URL, path: string, options: AskOptions = {}): Promise<Answer> {
  const send = base.protocol === 'https:' ? requestTls : request
  const sent = send({
    host: '127.0.0.1',
    port: base.port,
    path,
    method: options.method ?? 'GET',
    headers: { host: base.host, ...options.headers },
    agent: false,
    rejectUnauthorized: false,
  })
  sent.end(options.body)
  const [response] = await once(sent, 'response')
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += chunk
  return { status: response.statusCode, headers: response.headers, body }
}

/** One HTTP/2 request on a session of its own. */
export async function askHttp2(base: URL, path: string, options: AskOptions = {}): Promise<Answer> {
  const session = connectHttp2(base.origin, { rejectUnauthorized: false })
  try {
    const stream = session.request({ ':path': path, ':method': options.method ?? 'GET', ...options.headers })
    stream.end(options.body)
    const [headers] = await once(stream, 'response')
    let body = ''
    for await (const chunk of stream.setEncoding('utf8')) body += chunk
    return { status: headers[':status'], headers, body }
  } finally {
    session.close()
  }
}

/** The body of an answer that must be a problem. */
export function problemOf(answer: Answer): Problem {
  const type = answer.headers['content-type'] ?? ''
  if (!type.startsWith('application/problem+json'))
    throw new Error(`This is no problem: ${type} ${answer.body}`)
  return JSON.parse(answer.body) as Problem
}

/** A TCP connection, once it is open. Its errors are part of the game. */
export async function dialTcp(base: URL): Promise<Socket> {
  const socket = connect(Number(base.port), '127.0.0.1')
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Sends bytes and gives all that comes back until the server ends the connection. */
export async function sayRaw(base: URL, bytes: string): Promise<string> {
  const socket = await dialTcp(base)
  socket.write(bytes)
  let said = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await once(socket, 'close')
  return said
}
