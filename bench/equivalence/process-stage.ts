// A stage with the real server in a process of its own, on the log on disk: it can be killed, and started again on the same data.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeFetch } from '../../transports/fetch.node.ts'
import { readHistory } from '../../transports/history.ts'
import type { Fetch } from '../../transports/http.client.ts'
import type { Draft, Message } from '../../transports/message.ts'
import { decodePoll } from '../../transports/wire.ts'
import { scale } from './scale.ts'
import type { ServedOptions, ServedReport } from './served.ts'
import { clientsOn, openPath, type Stage, transportNames } from './stage.ts'

const program = fileURLToPath(new URL('served.ts', import.meta.url))
const readyMs = 20_000

type Ready = Extract<ServedReport, { kind: 'ready' }>

export async function openProcessStage(seed: number, heartbeatMs: number): Promise<Stage> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'parley-equivalence-'))
  // The server answers to the relays' names only, so they must be there first; they learn of its ports afterwards.
  const path = await openPath({ tls: 1, h2WebSocket: 1 }, seed)
  const origins = [path.base.origin, path.h2WebSocketUrl.origin]
  const served = new Served({ dataFolder, heartbeatMs, origins })
  const start = async (): Promise<void> => {
    await served.start()
    path.relays[0].retarget({ port: served.ports.tls })
    path.relays[1].retarget({ port: served.ports.h2WebSocket })
  }
  await start()
  const certificate = readFileSync(join(dataFolder, 'tls', 'server.pem'), 'utf8')
  const past = nodeFetch({ ca: certificate })
  const base = (): URL => new URL(`https://127.0.0.1:${served.ports.tls}`)
  return {
    path,
    transportNames,
    clients: () => clientsOn(path, certificate),
    async publish(room, drafts) {
      await Promise.all(
        drafts.map((draft) =>
          served.publish(past.fetch, () => new URL(`/rooms/${room}/messages`, base()), draft),
        ),
      )
    },
    history: (room) => historyOf(past.fetch, base(), room),
    queuedBytes: () => served.queuedBytes,
    subscribers: () => served.subscribers,
    async restart(how) {
      await served.end(how === 'kill' ? 'SIGKILL' : 'SIGTERM')
      // On other ports: somebody else may have taken the former ones meanwhile. Clients know the relays' only.
      await start()
    },
    replaceLog: () => Promise.reject(new Error('The log on disk is not replaced.')),
    async close() {
      await served.end('SIGKILL')
      past.close()
      await path.close()
      rmSync(dataFolder, { recursive: true, force: true })
    },
  }
}

class Served {
  readonly #options: ServedOptions
  #child: ChildProcess | null = null
  #running = Promise.withResolvers<void>()
  ports: Ready = { kind: 'ready', tls: 0, h2WebSocket: 0 }
  queuedBytes: number | null = null
  subscribers: number | null = null

  constructor(options: ServedOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [program, JSON.stringify(this.#options)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child = child
    this.ports = await new Promise<Ready>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('The server was not ready in time.')), readyMs)
      child.once('exit', (code) => reject(new Error(`The server ended with ${code} before it was ready.`)))
      child.on('message', (report: ServedReport) => {
        if (report.kind === 'ready') {
          clearTimeout(timer)
          resolve(report)
        } else {
          this.queuedBytes = report.queuedBytes
          this.subscribers = report.subscribers
        }
      })
    })
    this.#running.resolve()
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#child = null
    this.#running = Promise.withResolvers()
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
    this.queuedBytes = null
    this.subscribers = null
  }

  /** Sends a draft until it is stored: the server may be away meanwhile, and the id makes it safe. */
  async publish(fetch: Fetch, url: () => URL, draft: Draft): Promise<void> {
    for (;;) {
      await this.#running.promise
      try {
        const headers = { 'content-type': 'application/json' }
        const response = await fetch(url(), { method: 'POST', body: JSON.stringify(draft), headers })
        await response.text()
        if (response.ok) return
      } catch {
        // It was killed with the request under way: whether it was stored is found out by sending it again.
      }
      await new Promise((resolve) => setTimeout(resolve, scale.roundMs))
    }
  }
}

async function historyOf(fetch: Fetch, base: URL, room: string): Promise<readonly Message[]> {
  const newest = await fetch(new URL(`/rooms/${room}/messages?last=1`, base))
  let before = decodePoll(await newest.text()).head
  const log: Message[] = []
  while (before.offset > 0) {
    const page = await readHistory({ fetch, base, room, before, limit: 500 })
    if (page.kind !== 'messages') throw new Error(`The log answers ${page.kind}.`)
    log.unshift(...page.messages)
    before = page.after
  }
  return log
}
