// Sets the mutants on the checks: first the checks as they are, which must pass, then one mutant at a time in each copy.
import { type Check, checkOrder, checks as realChecks } from './checks.ts'
import { copyTree, type TreeCopy } from './copy.ts'
import type { CheckName, Mutant } from './mutant.ts'
import { runSuite, type SuiteResult } from './suite.ts'

export interface MutantsOptions {
  readonly mutants: readonly Mutant[]
  /** How many run at a time. */
  readonly jobs: number
  /** Another set of checks, for the tests of this tool. */
  readonly checks?: Readonly<Record<CheckName, Check>>
  progress(now: MutantsProgress): void
  readonly signal: AbortSignal
}

export interface MutantsProgress {
  readonly done: number
  readonly all: number
  /** What has just ended, in a line. */
  readonly what: string
  readonly elapsedMs: number
  readonly remainingMs: number
}

/** A check as it ran without any mutant. */
export interface Control {
  readonly check: CheckName
  readonly only: string | null
  readonly result: SuiteResult
}

export type Verdict = 'caught' | 'survived' | 'broken' | 'not-run'

export interface MutantResult {
  readonly mutant: Mutant
  readonly verdict: Verdict
  /** The check that caught it. */
  readonly check: CheckName | null
  /** The test that failed, or how else it was noticed. */
  readonly test: string
  readonly message: string
  readonly durationMs: number
}

export interface MutantsRun {
  readonly controls: readonly Control[]
  readonly results: readonly MutantResult[]
  readonly interrupted: boolean
  readonly durationMs: number
}

/** A check may take so many times what it took without a mutant, and this much at least, before it counts as hanging. */
const limitFactor = 4
const leastLimitMs = 60_000
const controlLimitMs = 300_000

/** One part of a check: the whole of it, or the tests of a name. */
interface Part {
  readonly check: CheckName
  readonly only: string | null
}

export async function runMutants(options: MutantsOptions): Promise<MutantsRun> {
  const { mutants, jobs, signal } = options
  const startMs = performance.now()
  const parts = distinct(mutants.map(expectedPart))
  const copies = Array.from({ length: Math.max(1, Math.min(jobs, mutants.length)) }, copyTree)
  const all = parts.length + mutants.length
  let done = 0
  const tell = (what: string): void => {
    done += 1
    const elapsedMs = performance.now() - startMs
    options.progress({ done, all, what, elapsedMs, remainingMs: (elapsedMs / done) * (all - done) })
  }
  try {
    const controls = await inTurns(copies, parts, async (copy, part) => {
      const result = await run(copy, part, controlLimitMs, options)
      tell(`control ${nameOf(part)}: ${result.kind}`)
      return { ...part, result }
    })
    const held = controls.every(({ result }) => result.kind === 'passed')
    const results = held
      ? await inTurns(copies, mutants, async (copy, mutant) => {
          const result = await judge(copy, mutant, controls, options)
          tell(`${mutant.name}: ${result.verdict}`)
          return result
        })
      : []
    return { controls, results, interrupted: signal.aborted, durationMs: performance.now() - startMs }
  } finally {
    for (const copy of copies) copy.remove()
  }
}

/** Each copy takes the next item when it is done with its last. Results come in the order of the items. */
async function inTurns<Item, Result>(
  copies: readonly TreeCopy[],
  items: readonly Item[],
  work: (copy: TreeCopy, item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  let next = 0
  const takeTurns = async (copy: TreeCopy): Promise<void> => {
    for (let index = next++; index < items.length; index = next++)
      results[index] = await work(copy, items[index] as Item)
  }
  await Promise.all(copies.map(takeTurns))
  return results
}

function run(copy: TreeCopy, part: Part, limitMs: number, options: MutantsOptions): Promise<SuiteResult> {
  const { files } = (options.checks ?? realChecks)[part.check]
  const only = part.only === null ? {} : { only: part.only }
  return runSuite({ folder: copy.folder, files, ...only, limitMs, signal: options.signal })
}

/** Tries the part that should catch it, then, if need be, every other check. */
async function judge(
  copy: TreeCopy,
  mutant: Mutant,
  controls: readonly Control[],
  options: MutantsOptions,
): Promise<MutantResult> {
  const startMs = performance.now()
  const expected = expectedPart(mutant)
  const others = checkOrder
    .filter((check) => check !== expected.check || expected.only !== null)
    .map((check) => ({ check, only: null }))
  const restore = copy.apply(mutant)
  try {
    for (const part of [expected, ...(options.checks === undefined ? others : [])]) {
      const control = controls.find((one) => one.check === part.check && one.only === part.only)
      const usualMs = control !== undefined && 'durationMs' in control.result ? control.result.durationMs : 0
      const limitMs = control === undefined ? controlLimitMs : Math.max(leastLimitMs, usualMs * limitFactor)
      const result = await run(copy, part, limitMs, options)
      const found = verdictOf(mutant, part, result, usualMs)
      if (found !== null) return { ...found, durationMs: performance.now() - startMs }
    }
  } finally {
    restore()
  }
  const message = 'Every check passed.'
  return {
    mutant,
    verdict: 'survived',
    check: null,
    test: '',
    message,
    durationMs: performance.now() - startMs,
  }
}

/** Null: this part of the checks has noticed nothing. */
function verdictOf(
  mutant: Mutant,
  { check }: Part,
  result: SuiteResult,
  usualMs: number,
): Omit<MutantResult, 'durationMs'> | null {
  switch (result.kind) {
    case 'passed':
      return null
    case 'failed':
      return { mutant, verdict: 'caught', check, test: result.test, message: result.message }
    case 'timed-out': {
      const times = `${Math.round(result.durationMs / 1000)} s`
      // Without a quick control, nothing tells a hang from a slow machine.
      if (usualMs === 0 || result.durationMs < usualMs * limitFactor * 0.99) return null
      const usual = `${Math.round(usualMs / 1000)} s`
      return {
        mutant,
        verdict: 'caught',
        check,
        test: 'time-out',
        message: `Hangs: ${times}, without it ${usual}.`,
      }
    }
    case 'broken':
      return { mutant, verdict: 'broken', check: null, test: '', message: result.message }
    case 'interrupted':
      return { mutant, verdict: 'not-run', check: null, test: '', message: 'Interrupted.' }
  }
}

function expectedPart(mutant: Mutant): Part {
  return { check: mutant.caughtBy, only: mutant.only ?? null }
}

export function nameOf({ check, only }: Part): string {
  return only === null ? check : `${check} (${only})`
}

function distinct(parts: readonly Part[]): readonly Part[] {
  return [...new Map(parts.map((part) => [nameOf(part), part])).values()]
}
