// Bursts to readers of HTTP/2 streams. The readers only look at the position at the end of what came, so that reading costs little;
// one of them reads every message. The next burst leaves when everyone has the last one.
import http2, { type ClientHttp2Session } from 'node:http2'
import { openWindow, pause, type WindowResult } from './window.ts'

export interface PushOptions {
  readonly origin: string
  readonly path: string
  readonly readers: number
  readonly burstMessages: number
  readonly serverPid: number
  readonly warmUpMs: number
  readonly windowMs: number
  /** Sends one burst on its way. */
  publish(): void
  readonly timeoutMs: number
}

export interface PushResult extends WindowResult {
  /** Deliveries within the window: messages × readers. */
  readonly count: number
  readonly bytesPerDelivery: number
}

/** How much of a chunk's end the position is looked for in: `….123456"}\n`. */
const tailBytes = 40
const positionAtEnd = /\.(\d+)"\}\n$/

/** Opens the readers, each on a connection of its own as people have, and counts deliveries. Rejects when a stream ends or a burst does not arrive in time. */
export async function measurePush(options: PushOptions): Promise<PushResult> {
  const failure = Promise.withResolvers<never>()
  const positions = new Float64Array(options.readers)
  let bytes = 0
  let arrived = Promise.withResolvers<void>()
  let target = 0
  let missing = 0
  const moved = (reader: number, position: number): void => {
    const before = positions[reader] ?? 0
    positions[reader] = position
    if (before < target && position >= target) {
      missing -= 1
      if (missing === 0) arrived.resolve()
    }
  }
  const sessions: ClientHttp2Session[] = []
  const count = (chunk: Buffer): void => {
    bytes += chunk.length
  }
  for (let reader = 0; reader < options.readers; reader += openAtOnce) {
    const several = Array.from({ length: Math.min(openAtOnce, options.readers - reader) }, (_, index) =>
      openReader(options, (position) => moved(reader + index, position), count, failure.reject),
    )
    sessions.push(...(await Promise.race([Promise.all(several), failure.promise])))
  }
  const burst = async (): Promise<void> => {
    target += options.burstMessages
    missing = options.readers
    arrived = Promise.withResolvers()
    options.publish()
    await Promise.race([arrived.promise, failure.promise])
  }
  const watchdog = setTimeout(
    () => failure.reject(new Error(`${missing} of ${options.readers} readers wait for offset ${target}.`)),
    options.timeoutMs + options.warmUpMs + options.windowMs,
  )
  try {
    const warmUntilMs = performance.now() + options.warmUpMs
    while (performance.now() < warmUntilMs) await burst()
    const close = openWindow(options.serverPid)
    const before = { target, bytes }
    const untilMs = performance.now() + options.windowMs
    while (performance.now() < untilMs) await burst()
    const result = close()
    const deliveries = (target - before.target) * options.readers
    return { ...result, count: deliveries, bytesPerDelivery: (bytes - before.bytes) / deliveries }
  } finally {
    clearTimeout(watchdog)
    failure.promise.catch(() => undefined)
    for (const session of sessions) session.removeAllListeners('close').destroy()
    await pause(0)
  }
}

/** Handshakes under way at a time. */
const openAtOnce = 32

function openReader(
  options: PushOptions,
  moved: (position: number) => void,
  count: (chunk: Buffer) => void,
  fail: (error: Error) => void,
): Promise<ClientHttp2Session> {
  return new Promise((resolve) => {
    const session = http2.connect(options.origin, { rejectUnauthorized: false })
    session.on('error', fail)
    session.on('close', () => fail(new Error('The server closed a connection during the load.')))
    const stream = session.request({ ':path': options.path, accept: 'application/x-ndjson' })
    stream.on('error', fail)
    stream.on('response', (headers) => {
      if (headers[':status'] !== 200) fail(new Error(`A stream was answered with ${headers[':status']}.`))
    })
    let tail = Buffer.alloc(0)
    let open = false
    stream.on('data', (chunk: Buffer) => {
      count(chunk)
      if (!open) {
        open = true
        resolve(session)
      }
      tail = chunk.length >= tailBytes ? chunk.subarray(-tailBytes) : Buffer.concat([tail, chunk]).subarray(-tailBytes)
      const position = positionAtEnd.exec(tail.latin1Slice())
      if (position !== null) moved(Number(position[1]))
    })
  })
}
