// Runs test files in a copy of the tree, within a time limit, and says how it went.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type SuiteResult =
  /** Tests ran, and all passed. */
  | { readonly kind: 'passed'; readonly tests: number; readonly durationMs: number }
  | {
      readonly kind: 'failed'
      /** The first test that failed, or what failed outside of any. */
      readonly test: string
      readonly message: string
      readonly durationMs: number
    }
  | { readonly kind: 'timed-out'; readonly durationMs: number }
  /** No test ran: the code could not even be loaded, which is no way of being wrong that counts. */
  | { readonly kind: 'broken'; readonly message: string; readonly durationMs: number }
  | { readonly kind: 'interrupted' }

export interface SuiteOrder {
  readonly folder: string
  readonly files: readonly string[]
  /** Only tests whose full name matches this regular expression. */
  readonly only?: string
  readonly limitMs: number
  readonly signal: AbortSignal
}

interface Report {
  readonly numTotalTests: number
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly message: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly fullName: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

/** Ends at the first test that fails. */
export async function runSuite(order: SuiteOrder): Promise<SuiteResult> {
  const startMs = performance.now()
  const outside = mkdtempSync(join(tmpdir(), 'parley-mutant-report-'))
  const file = join(outside, 'tests.json')
  try {
    const ended = await runVitest(order, file)
    const durationMs = performance.now() - startMs
    if (ended.how !== 'exit')
      return ended.how === 'limit' ? { kind: 'timed-out', durationMs } : { kind: 'interrupted' }
    return resultOf(file, ended.code, ended.said, durationMs)
  } finally {
    rmSync(outside, { recursive: true, force: true })
  }
}

interface Ended {
  readonly how: 'exit' | 'limit' | 'interrupt'
  readonly code: number | null
  /** The end of what it printed. */
  readonly said: string
}

function runVitest({ folder, files, only, limitMs, signal }: SuiteOrder, report: string): Promise<Ended> {
  const vitest = join(folder, 'node_modules', 'vitest', 'vitest.mjs')
  const filter = only === undefined ? [] : ['--testNamePattern', only]
  const args = [vitest, 'run', ...files, ...filter, '--bail=1', '--reporter=json', `--outputFile=${report}`]
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve({ how: 'interrupt', code: null, said: '' })
      return
    }
    // A group of its own: vitest's workers, and servers that tests start, end with it.
    const child = spawn(process.execPath, args, {
      cwd: folder,
      detached: true,
      env: { ...process.env, CI: 'true', NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let how: Ended['how'] = 'exit'
    let said = ''
    const stop = (why: Ended['how']) => {
      how = why
      endGroup(child.pid)
    }
    const interrupt = (): void => stop('interrupt')
    const timer = setTimeout(() => stop('limit'), limitMs)
    signal.addEventListener('abort', interrupt)
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4000)
      })
    }
    child.once('close', (code) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', interrupt)
      // Whatever a test that was bailed out of has left behind.
      endGroup(child.pid)
      resolve({ how, code, said })
    })
  })
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function resultOf(file: string, code: number | null, said: string, durationMs: number): SuiteResult {
  const report = readReport(file)
  const last = said.trim().split('\n').slice(-4).join(' | ')
  if (report === null) return { kind: 'broken', message: last, durationMs }
  const results = report.testResults.flatMap((one) => one.assertionResults)
  const failed = results.find((one) => one.status === 'failed')
  if (failed !== undefined) {
    const message = firstLine(failed.failureMessages[0] ?? '')
    return { kind: 'failed', test: failed.fullName.trim(), message, durationMs }
  }
  const ran = results.filter((one) => one.status === 'passed').length
  if (ran === 0) {
    const message = firstLine(report.testResults.find((one) => one.message !== '')?.message ?? last)
    return { kind: 'broken', message, durationMs }
  }
  if (code === 0) return { kind: 'passed', tests: ran, durationMs }
  // Such as an error that nobody caught: vitest fails for it without a test that does.
  const outside = report.testResults.find((one) => one.message !== '')?.message ?? last
  return { kind: 'failed', test: 'outside of any test', message: firstLine(outside), durationMs }
}

function readReport(file: string): Report | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report
  } catch {
    // It ended before it wrote one; the caller says what it printed.
    return null
  }
}

function firstLine(text: string): string {
  return (text.trim().split('\n')[0] ?? '').slice(0, 300)
}
