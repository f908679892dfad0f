// Starts the real command line for tests of it from end to end.
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(new URL('cli.ts', import.meta.url))

export interface Finished {
  readonly code: number | null
  readonly output: string
  readonly complaints: string
}

export function start(
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): {
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
} {
  const child = spawn(process.execPath, [cli, ...args], {
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let complaints = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaints += chunk
  })
  const finished = new Promise<Finished>((resolve) => {
    child.once('close', (code) => resolve({ code, output, complaints }))
  })
  return { child, finished }
}

/** A run of about a second and little load, which writes nothing beside what is asked for, on a machine that is busy with other tests. */
export function tiny(options: {
  readonly subscribers?: number
  readonly rate?: number
  readonly windowMs?: number
  readonly pinned?: boolean
}): string[] {
  const { subscribers = 4, rate = 40, windowMs = 400, pinned = false } = options
  const load = ['--subscribers', String(subscribers), '--rate', String(rate), '--window-ms', String(windowMs)]
  const whole = ['fanout', ...load, '--blocks', '1', '--seed', '11', '--quick', '--keep-disturbed']
  return pinned ? whole : [...whole, '--no-pin']
}
