// Carries the comparison out: every cell a fresh server on one core and a fresh generator on another, by turns. Prints nothing.
import { describeEnvironment } from '../environment.ts'
import type { Progress } from '../measure.ts'
import type { Environment } from '../measurement.ts'
import { chooseCores, runToEnd, startScript } from '../processes.ts'
import type { LoadOrder, LoadResult } from './load.ts'
import type { Options } from './options.ts'
import { type Mode, type ServerName, serversOf, type Workload, workloads } from './workloads.ts'

/** One server under one load in one round. */
export interface Cell {
  readonly workload: string
  readonly server: ServerName
  readonly round: number
  /** Null when it failed; then `problem` says why. */
  readonly result: LoadResult | null
  readonly problem: string | null
}

export interface Comparison {
  readonly environment: Environment
  readonly cells: readonly Cell[]
  readonly interrupted: boolean
  readonly durationMs: number
}

interface Step {
  readonly workload: Workload
  readonly server: ServerName
  readonly round: number
}

/** Starting, connecting and settling, before the first cell has said how long that takes. */
const overheadMs = 1200
/** Between the server's first line and the load: what it still compiles is not to be measured. */
const settleMs = 300

/** The cells in order: forward and backward by turns, so that a drift of the machine meets all servers alike. */
export function planSteps(options: Options): readonly Step[] {
  return workloads
    .filter(({ name }) => options.only.includes(name))
    .flatMap((workload) => {
      const servers = serversOf(workload, options.servers)
      return Array.from({ length: options.rounds }, (_, index) =>
        (index % 2 === 0 ? servers : [...servers].reverse()).map((server) => ({
          workload,
          server,
          round: index + 1,
        })),
      ).flat()
    })
}

/** Measures all cells. When `signal` is aborted it stops after ending what it has started, and gives what there is. */
export async function compare(
  options: Options,
  progress: (now: Progress) => void,
  signal: AbortSignal,
): Promise<Comparison> {
  const startMs = performance.now()
  const cores = options.pin ? chooseCores(options.cores) : null
  const environment = describeEnvironment(cores)
  const steps = planSteps(options)
  const cells: Cell[] = []
  const aborted = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null)))
  for (const [index, step] of steps.entries()) {
    if (signal.aborted) break
    const elapsedMs = performance.now() - startMs
    const eachMs = index === 0 ? overheadMs + options.warmUpMs + options.windowMs : elapsedMs / index
    progress({
      scenario: step.workload.name,
      subject: step.server,
      block: step.round,
      doneSteps: index,
      allSteps: steps.length,
      elapsedMs,
      remainingMs: (steps.length - index) * eachMs,
    })
    const cell = await measureCell(step, options, cores, aborted)
    if (cell !== null) cells.push(cell)
  }
  return { environment, cells, interrupted: signal.aborted, durationMs: performance.now() - startMs }
}

async function measureCell(
  { workload, server, round }: Step,
  options: Options,
  cores: { readonly server: number; readonly generator: number } | null,
  aborted: Promise<null>,
): Promise<Cell | null> {
  const named = { workload: workload.name, server, round }
  try {
    const { script, args } = commandOf(server, workload.mode)
    const read = (text: string): number | null =>
      Number(/ws:\/\/127\.0\.0\.1:(\d+)\/\n/.exec(text)?.[1] ?? 0) || null
    const running = await startScript({ script, args, core: cores?.server ?? null, read })
    try {
      await new Promise((resolve) => setTimeout(resolve, settleMs))
      const { warmUpMs, windowMs } = options
      const order: LoadOrder = { ...workload, port: running.said, serverPid: running.pid, warmUpMs, windowMs }
      const load = runToEnd({
        script: 'bench/websocket/load.ts',
        args: [JSON.stringify(order)],
        core: cores?.generator ?? null,
      })
      const output = await Promise.race([load, aborted])
      if (output === null) {
        // The generator ends by itself when its server is gone.
        load.catch(() => null)
        return null
      }
      return { ...named, result: JSON.parse(output) as LoadResult, problem: null }
    } finally {
      await running.stop()
    }
  } catch (error) {
    return { ...named, result: null, problem: error instanceof Error ? error.message : String(error) }
  }
}

function commandOf(
  server: ServerName,
  mode: Mode,
): { readonly script: string; readonly args: readonly string[] } {
  const broadcast = mode === 'broadcast' || mode === 'compressed'
  if (server === 'ours') {
    const args = [
      '--port',
      '0',
      ...(broadcast ? ['--broadcast'] : []),
      ...(mode === 'compressed' ? ['--compress'] : []),
    ]
    return { script: 'transports/websocket/echo.node.ts', args }
  }
  return { script: `bench/websocket/servers/${server}.ts`, args: ['--mode', mode === 'idle' ? 'echo' : mode] }
}
