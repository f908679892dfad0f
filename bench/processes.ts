// Child processes of a run: the servers and the generator, pinned where that is possible, and ended with it.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { UsageError } from '../transports/errors.ts'
import { benchLimits } from './limits.ts'
import type { Answer, Order, ResultOf } from './load/orders.ts'
import type { RelayAnswer, RelayOrder } from './load/relays.ts'
import type { SlowAnswer, SlowOrder, SlowReport } from './load/slow-orders.ts'
import type { Watched } from './load/window.ts'
import type { Certificate } from './servers/certificate.ts'
import type { ControlReady } from './servers/control.ts'
import type { Memory } from './servers/memory.ts'
import { probeVariable } from './servers/probe.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * The cores for server and generator: those asked for, else the last two that this process may use. Null without `taskset` or a second core.
 * Throws a `UsageError` for cores that can't be had, or one twice, unless they are `sharing` one on purpose.
 */
export function chooseCores(
  asked: readonly [number, number] | null,
  sharing = false,
): { readonly server: number; readonly generator: number } | null {
  const allowed = coresOrNone()
  if (allowed === null) return null
  if (asked !== null && !sharing) checkCores(asked, allowed)
  const [server, generator] = asked ?? [allowed.at(-2), allowed.at(-1)]
  return server === undefined || generator === undefined ? null : { server, generator }
}

/** Throws a `UsageError` for cores that this process may not use, and for one core twice. */
export function checkCores([server, generator]: readonly [number, number], allowed: readonly number[]): void {
  if (server === generator)
    throw new UsageError(`--cores names core ${server} twice: server and generator need one each.`)
  const missing = [server, generator].filter((core) => !allowed.includes(core))
  if (missing.length === 0) return
  throw new UsageError(
    `--cores: this process may use the cores ${allowed.join(', ')}, not ${missing.join(' and ')}.`,
  )
}

/** Null where `taskset` can't tell. */
function coresOrNone(): readonly number[] | null {
  try {
    return allowedCores()
  } catch {
    return null
  }
}

/** `0-2,5` is 0, 1, 2, 5. */
export function expandCores(list: string): readonly number[] {
  return list.split(',').flatMap((part) => {
    const [first = Number.NaN, last = first] = part.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}

/** A core beside the two, for what should not disturb them; null where there is none or nothing is pinned. */
export function spareCore(
  taken: { readonly server: number; readonly generator: number } | null,
): number | null {
  if (taken === null) return null
  const others = allowedCores().filter((core) => core !== taken.server && core !== taken.generator)
  return others.at(-1) ?? null
}

function allowedCores(): readonly number[] {
  const mask = execFileSync('taskset', ['-pc', String(process.pid)], { encoding: 'utf8', stdio: 'pipe' })
  return expandCores(mask.split(':').at(-1) ?? '')
}

function start(
  script: string,
  args: readonly string[],
  core: number | null,
  nodeArgs: readonly string[] = [],
  variables: Readonly<Record<string, string>> = {},
): ChildProcess {
  // An absolute path stays what it is.
  const command = [process.execPath, ...nodeArgs, resolve(root, script), ...args]
  const pinned = core === null ? command : ['taskset', '-c', String(core), ...command]
  const child = spawn(pinned[0] ?? '', pinned.slice(1), {
    cwd: root,
    // An add-on of the machine's must not make a peer faster here than elsewhere.
    env: {
      ...process.env,
      NODE_ENV: 'production',
      WS_NO_BUFFER_UTIL: '1',
      WS_NO_UTF_8_VALIDATE: '1',
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced',
  })
  running.add(child)
  child.once('close', () => running.delete(child))
  return child
}

const running = new Set<ChildProcess>()

/** Kills every child without waiting, for a process that ends at once. */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Every server carries a probe, so that none has an advantage by not being asked. */
function startServer(
  script: string,
  args: readonly string[],
  core: number | null,
  nodeArgs: readonly string[] = [],
): { readonly child: ChildProcess; readonly probe: string } {
  const probe = join(tmpdir(), `parley-bench-probe-${randomBytes(9).toString('base64url')}`)
  const loaded = ['--expose-gc', '--import', pathToFileURL(join(root, 'bench/servers/probe.ts')).href]
  return {
    child: start(script, args, core, [...nodeArgs, ...loaded], { [probeVariable]: probe }),
    probe,
  }
}

/** A server under test or a control. */
export interface RunningServer {
  readonly pid: number
  /** The path of the socket on which its probe is asked. */
  readonly probe: string
  readonly plainUrl: string
  readonly secureUrl: string
  /** Where `POST /rooms/:room/messages` goes. */
  readonly publishUrl: string
  /** A control's further port; 0 elsewhere. */
  readonly extraPort: number
  stop(): Promise<void>
}

/** What a window over this server watches. */
export function watchedOf({ pid, probe }: RunningServer): Watched {
  return { serverPid: pid, serverProbe: probe }
}

/** The real server. */
export interface ParleyServer extends RunningServer {
  /** Its memory after a forced garbage collection, where it was started to be watched; without that it never answers. */
  memory(): Promise<Memory>
}

/** Starts a control from `servers/` and waits until it is ready. */
export async function startControl(options: {
  readonly script: string
  readonly core: number | null
  readonly certificate: Certificate
  readonly variant?: string
  readonly fault?: string | null
}): Promise<RunningServer> {
  const { script, core, certificate, variant, fault } = options
  const args = ['--cert', certificate.certFile, '--key', certificate.keyFile]
  if (variant !== undefined) args.push('--variant', variant)
  if (fault !== undefined && fault !== null) args.push('--fault', fault)
  const { child, probe } = startServer(`bench/servers/${script}`, args, core)
  const ready = await whenSaid(child, (text) => /^\{.*\}$/m.exec(text)?.[0] ?? null)
  const { plain, secure, publish, extraPort } = JSON.parse(ready) as ControlReady
  const urls = { plainUrl: plain, secureUrl: secure, publishUrl: publish, extraPort }
  return { pid: child.pid ?? 0, probe, ...urls, stop: () => end(child) }
}

/** Starts the real server with its defaults, on free ports, with a data folder of its own. */
export async function startParley(options: {
  readonly core: number | null
  readonly certificate: Certificate
  /** Whether `memory` is to be asked for. */
  readonly watched?: boolean
  /** A folder with the sources of another Parley; this one's without it. */
  readonly root?: string
}): Promise<ParleyServer> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-data-'))
  const { certFile, keyFile } = options.certificate
  // Its defaults, but for what a run must not share, and without building the page first.
  const ports = ['--port', '0', '--tls-port', '0', '--h2-websocket-port', '0']
  const own = [...ports, '--data', folder, '--cert', certFile, '--key', keyFile]
  const args = [...own, '--no-build']
  const watched = ['--import', pathToFileURL(join(root, 'bench/servers/memory.ts')).href]
  const { child, probe } = startServer(
    join(options.root ?? root, 'server/main.ts'),
    args,
    options.core,
    options.watched === true ? watched : [],
  )
  const stop = async (): Promise<void> => {
    await end(child)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const [plainUrl, secureUrl] = await whenSaid(child, addresses)
    const memory = (): Promise<Memory> => ask<string, Memory>(child, 'memory', () => 'The server ended.')
    return {
      pid: child.pid ?? 0,
      probe,
      plainUrl,
      secureUrl,
      publishUrl: plainUrl,
      extraPort: 0,
      memory,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Both addresses in what a server prints, as loopback's own. */
function addresses(text: string): [string, string] | null {
  const plain = /http:\/\/[\w.-]+:(\d+)/.exec(text)?.[1]
  const secure = /https:\/\/[\w.-]+:(\d+)/.exec(text)?.[1]
  if (plain === undefined || secure === undefined) return null
  return [`http://127.0.0.1:${plain}`, `https://127.0.0.1:${secure}`]
}

/** Starts any script and waits until `read` finds in what it prints what it is waited for. */
export async function startScript<T>(options: {
  readonly script: string
  readonly args: readonly string[]
  readonly core: number | null
  readonly read: (text: string) => T | null
}): Promise<{ readonly pid: number; readonly said: T; stop(): Promise<void> }> {
  const child = start(options.script, options.args, options.core)
  const said = await whenSaid(child, options.read)
  return { pid: child.pid ?? 0, said, stop: () => end(child) }
}

/** Runs a script to its end and gives what it printed. */
export async function runToEnd(options: {
  readonly script: string
  readonly args: readonly string[]
  readonly core: number | null
}): Promise<string> {
  const child = start(options.script, options.args, options.core)
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const complaints = collect(child.stderr)
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`${options.script} ended with ${code}. ${lastLine(complaints())}`)
  return text
}

/** The process that publishes and subscribes: one clock for both. */
export interface Generator {
  order<O extends Order>(order: O): Promise<ResultOf<O>>
  stop(): Promise<void>
}

export async function startGenerator(core: number | null): Promise<Generator> {
  const child = start('bench/load/generator.ts', [], core, ['--expose-gc'])
  const complaints = collect(child.stderr)
  await whenSaid(child, (text) => (text.includes('ready') ? text : null))
  return {
    order: async <O extends Order>(order: O) => {
      const ended = (): string => `The generator ended. ${lastLine(complaints())}`
      const answer = await ask<Order, Answer>(child, order, ended)
      if (!answer.ok) throw new Error(answer.message)
      return answer.result as ResultOf<O>
    },
    stop: () => end(child),
  }
}

/** The process of the relays. */
export interface Relays {
  order(order: RelayOrder): Promise<RelayAnswer & { readonly ok: true }>
  stop(): Promise<void>
}

export async function startRelays(core: number | null): Promise<Relays> {
  const child = start('bench/load/relays.ts', [], core)
  const complaints = collect(child.stderr)
  await whenSaid(child, (text) => (text.includes('ready') ? text : null))
  return {
    order: async (order) => {
      const ended = (): string => `The relays ended. ${lastLine(complaints())}`
      const answer = await ask<RelayOrder, RelayAnswer>(child, order, ended)
      if (!answer.ok) throw new Error(answer.message)
      return answer
    },
    stop: () => end(child),
  }
}

/** The process of readers that stop. */
export interface SlowReaders {
  order(order: SlowOrder): Promise<SlowReport>
  /** Stops the process itself, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  stop(): Promise<void>
}

export async function startSlowReaders(core: number | null): Promise<SlowReaders> {
  const child = start('bench/load/slow-readers.ts', [], core)
  const complaints = collect(child.stderr)
  await whenSaid(child, (text) => (text.includes('ready') ? text : null))
  return {
    order: async (order) => {
      const ended = (): string => `The slow readers ended. ${lastLine(complaints())}`
      const answer = await ask<SlowOrder, SlowAnswer>(child, order, ended)
      if (!answer.ok) throw new Error(answer.message)
      return answer.report
    },
    signal: (signal) => child.kill(signal),
    stop: () => {
      child.kill('SIGCONT')
      return end(child)
    },
  }
}

/** Sends one message over IPC and gives the answer; one at a time. */
function ask<Question extends object | string, Reply>(
  child: ChildProcess,
  question: Question,
  complaint: () => string,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error(complaint()))
    child.once('close', ended)
    child.once('message', (answer) => {
      child.off('close', ended)
      resolve(answer as Reply)
    })
    child.send(question)
  })
}

/** Waits until what a child prints makes sense to `read`. Rejects when it ends before that, or takes too long. */
function whenSaid<T>(child: ChildProcess, read: (text: string) => T | null): Promise<T> {
  return new Promise((resolve, reject) => {
    let text = ''
    const complaints = collect(child.stderr)
    const fail = (what: string): void => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      reject(new Error(`${child.spawnargs.slice(-12).join(' ')}: ${what} ${lastLine(complaints() || text)}`))
    }
    const timer = setTimeout(() => fail('not ready in time.'), benchLimits.startMs)
    child.once('error', (error) => fail(error.message))
    child.once('close', (code) => fail(`ended with ${code}.`))
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      const found = read(text)
      if (found === null) return
      clearTimeout(timer)
      child.removeAllListeners('close')
      child.stdout?.removeAllListeners('data').resume()
      resolve(found)
    })
  })
}

/** Keeps the end of what a child complains about. */
function collect(stream: ChildProcess['stderr']): () => string {
  let text = ''
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-4000)
  })
  return () => text
}

function lastLine(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ')
}

/** Asks a child to end, and makes it after a while. */
function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), benchLimits.stopMs)
    child.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
    child.kill('SIGTERM')
  })
}
