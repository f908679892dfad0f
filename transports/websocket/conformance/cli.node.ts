// `npm run conformance`: judges a WebSocket server or client by the RFCs, case by case.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../../errors.ts'
import { UsageError } from '../protocol/errors.ts'
import type { Role } from './case.ts'
import { select } from './catalogue.ts'
import type { Target } from './fuzzing-client.node.ts'
import { isFine, type Result } from './judge.ts'
import { type Options, readOptions, usage } from './options.node.ts'
import { isAllFine, progressText, type Report, reportJson, reportText } from './report.ts'
import { testClient, testServer } from './run.node.ts'
import { defaultSettings } from './settings.ts'

const exitCodes = { fine: 0, wrong: 1, usage: 2 } as const
const firstProgressMs = 2000
/** Where there is no terminal to write over a line on. */
const lineEveryMs = 5000

const children = new Set<ChildProcess>()

/** Starts a program of ours in a process of its own, so that it doesn't share the fuzzer's event loop. */
function start(file: string, ...args: readonly string[]): ChildProcess {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.add(child)
  child.once('close', () => children.delete(child))
  return child
}

/** Says how far it is, from the third second on. */
function progress(role: Role): (result: Result, done: number, count: number) => void {
  const { stderr } = process
  const startMs = performance.now()
  let nextMs = startMs + firstProgressMs
  let notFine = 0
  return (result, done, count) => {
    if (!isFine(result)) notFine++
    const nowMs = performance.now()
    if (nowMs < nextMs && (done < count || !stderr.isTTY)) return
    nextMs = nowMs + (stderr.isTTY ? 0 : lineEveryMs)
    const text = progressText(role, result, done, count, (nowMs - startMs) / 1000, notFine)
    stderr.write(stderr.isTTY ? `\r\u001b[2K${done < count ? text : ''}` : `${text}\n`)
  }
}

async function test(role: Role, options: Options): Promise<Report> {
  const { connections, messages, patienceMs, target, listenOn } = options
  const groups = select(role, options.patterns)
  const settings = { ...defaultSettings, messages, patienceMs, failFastMs: patienceMs }
  const run = { groups, settings, connections, judged: progress(role) }
  const startMs = performance.now()
  const seconds = (): number => (performance.now() - startMs) / 1000
  if (role === 'server') {
    const server = target ?? (await startEcho())
    await requireListener(server)
    const results = await testServer(server, run)
    const of =
      target === null ? 'npm run echo -- --compress' : `ws://${server.host}:${server.port}${server.path}`
    return { role, of, groups, results, seconds: seconds() }
  }
  const results = await testClient(listenOn ?? 0, (port) => visitor(port, options), run)
  const of = listenOn === null ? 'dial, with a handler that echoes' : 'the client that came'
  return { role, of, groups, results, seconds: seconds() }
}

/** One line instead of hundreds of cases that all fail for the same reason. */
async function requireListener({ host, port }: Target): Promise<void> {
  const socket = connect(port, host)
  try {
    await once(socket, 'connect')
  } catch (error) {
    throw new UsageError(`nothing listens there: start the server first (${messageOf(error)})`)
  } finally {
    socket.destroy()
  }
}

/** Fails before the cases are played, not after. */
async function requireWritable(file: string): Promise<void> {
  try {
    await (await open(file, 'a')).close()
  } catch (error) {
    throw new UsageError(`the results can't be written: ${messageOf(error)}`)
  }
}

async function startEcho(): Promise<Target> {
  const child = start('../echo.node.ts', '--port', '0', '--compress')
  const [line] = child.stdout === null ? [''] : await once(child.stdout, 'data')
  return { host: '127.0.0.1', port: Number(new URL(String(line).trim()).port), path: '/' }
}

/** Our own client, which comes and goes, or nothing: an outside one will come. */
async function visitor(port: number, { listenOn, connections }: Options): Promise<void> {
  const url = `ws://127.0.0.1:${port}`
  if (listenOn !== null) {
    process.stderr.write(`waiting for a client on ${url}\n`)
    return
  }
  const child = start('echo-client.node.ts', url, String(connections))
  const [status] = await once(child, 'close')
  if (status !== 0) throw new Error(`the client has ended with ${status}`)
}

async function main(options: Options): Promise<number> {
  if (options.json !== null) await requireWritable(options.json)
  const reports: Report[] = []
  try {
    for (const role of options.roles) {
      const report = await test(role, options)
      process.stdout.write(`${reportText(report)}\n`)
      reports.push(report)
    }
  } finally {
    for (const child of children) child.kill()
  }
  if (options.json !== null) await writeFile(options.json, reportJson(reports, options.messages))
  const fine = reports.every(isAllFine)
  process.stdout.write(fine ? 'Everything is OK or INFORMATIONAL.\n' : 'Not everything is OK.\n')
  return fine ? exitCodes.fine : exitCodes.wrong
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === null) process.stdout.write(usage)
  else process.exitCode = await main(options)
} catch (error) {
  const isUsage = error instanceof UsageError || (error as NodeJS.ErrnoException).syscall === 'listen'
  if (!isUsage) throw error
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = exitCodes.usage
}
