// The server under test: the real entry point in a process of its own, killed and started again on the same ports and data.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../server/main.ts', import.meta.url))
/** A start takes half a second; a machine that is busy takes longer. */
const startLimitMs = 20_000
/** Its own deadline for a graceful end is 4.5 s. */
const stopLimitMs = 8000

export interface Ports {
  readonly plain: number
  readonly tls: number
  readonly h2WebSocket: number
}

export interface ServerOptions {
  readonly dataFolder: string
  /** Where its complaints go. */
  readonly logFile: string
  /** Addresses under which clients ask for it: their relays'. */
  readonly origins: readonly string[]
}

export class ServerProcess {
  readonly #options: ServerOptions
  #ports: Ports = { plain: 0, tls: 0, h2WebSocket: 0 }
  #child: ChildProcess | null = null
  /** Set while it is meant to end. */
  #isEnding = false
  /** Called when it ends by itself, which it must not. */
  onUnexpectedEnd: (detail: string) => void = () => undefined

  constructor(options: ServerOptions) {
    this.#options = options
  }

  get ports(): Ports {
    return this.#ports
  }

  /** Resolves when it is ready; the first start chooses the ports for all others. Rejects with what it complained of. */
  async start(heartbeatSeconds: number): Promise<void> {
    const { dataFolder, logFile, origins } = this.#options
    const { plain, tls, h2WebSocket } = this.#ports
    const values = {
      '--port': plain,
      '--tls-port': tls,
      '--h2-websocket-port': h2WebSocket,
      '--data': dataFolder,
      '--heartbeat': heartbeatSeconds,
      '--log-level': 'warn',
      '--origin': origins.join(','),
    }
    const args = Object.entries(values).flatMap(([name, value]) => [name, String(value)])
    const complaints = openSync(logFile, 'a')
    const child = spawn(process.execPath, [main, ...args, '--no-build'], {
      stdio: ['ignore', 'pipe', complaints],
      // Ctrl+C is for the harness alone.
      detached: true,
      env: cleanEnvironment(),
    })
    closeSync(complaints)
    this.#child = child
    this.#isEnding = false
    child.once('exit', (code, signal) => {
      if (this.#child === child && !this.#isEnding)
        this.onUnexpectedEnd(`The server ended by itself (${signal ?? code}). ${this.#lastWords()}`)
    })
    await this.#whenReady(child)
    if (h2WebSocket === 0) this.#ports = await askPorts(this.#ports)
  }

  /** Resolves when the process is gone. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** Asks it to end; rejects when it takes longer than it may. */
  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  /** At once, for the end of the harness itself. */
  killNow(): void {
    this.#isEnding = true
    this.#child?.kill('SIGKILL')
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    this.#isEnding = true
    const ended = once(child, 'exit')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs)
    await ended
    clearTimeout(timer)
    this.#child = null
    if (signal === 'SIGTERM' && child.signalCode === 'SIGKILL')
      throw new Error(`The server did not end within ${stopLimitMs} ms of SIGTERM. ${this.#lastWords()}`)
    if (signal === 'SIGTERM' && child.exitCode !== 0)
      throw new Error(`The server ended with ${child.exitCode} on SIGTERM. ${this.#lastWords()}`)
  }

  #whenReady(child: ChildProcess): Promise<void> {
    return new Promise((resolve, reject) => {
      let said = ''
      const fail = (what: string): void => {
        clearTimeout(timer)
        reject(new Error(`The server ${what}. ${this.#lastWords()}`))
      }
      const timer = setTimeout(() => fail(`was not ready within ${startLimitMs} ms`), startLimitMs)
      child.once('error', (error) => fail(`could not be started: ${error.message}`))
      child.once('exit', (code, signal) => fail(`ended before it was ready (${signal ?? code})`))
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        said += text
        const ready = /^ready http:\/\/[^:]+:(\d+)\/ https:\/\/[^:]+:(\d+)\//m.exec(said)
        if (ready === null) return
        clearTimeout(timer)
        this.#ports = { ...this.#ports, plain: Number(ready[1]), tls: Number(ready[2]) }
        resolve()
      })
    })
  }

  #lastWords(): string {
    return readFileSync(this.#options.logFile, 'utf8').trim().split('\n').slice(-3).join(' | ')
  }
}

/** Its options are those given here, whatever the person who starts the harness has set for a lab of their own. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('PARLEY_'))
  return { ...Object.fromEntries(own), NODE_ENV: 'production' }
}

async function askPorts(known: Ports): Promise<Ports> {
  const answer = await fetch(`http://127.0.0.1:${known.plain}/transports`)
  const { ports } = (await answer.json()) as { readonly ports: Ports }
  return { ...known, h2WebSocket: ports.h2WebSocket }
}

export function dataFolderOf(folder: string): string {
  return join(folder, 'data')
}
