// What a run of mutants came to, as a table and as JSON. Pure.
import { renderTable } from '../report/table.ts'
import { type MutantResult, type MutantsRun, nameOf } from './run.ts'

const columns = ['mutant', 'verdict', 'check', 'seconds', 'the test that failed'].map((title) => ({
  title,
  align: title === 'seconds' ? ('right' as const) : ('left' as const),
}))

export function renderRun(run: MutantsRun): string {
  const lines: string[] = []
  for (const { check, only, result } of run.controls) {
    const seconds = 'durationMs' in result ? `${(result.durationMs / 1000).toFixed(1)} s` : ''
    const what =
      result.kind === 'passed'
        ? `${result.tests} tests passed, ${seconds}`
        : `FAILS WITHOUT A MUTANT (${result.kind}) ${'test' in result ? result.test : ''} ${'message' in result ? result.message : ''}`
    lines.push(`control ${nameOf({ check, only })}: ${what}`)
  }
  if (run.results.length > 0) lines.push('', ...renderTable(columns, run.results.map(row)))
  const wrong = run.results.filter(({ verdict }) => verdict !== 'caught')
  for (const { mutant, verdict, message } of wrong)
    lines.push('', `${mutant.name} (${verdict}): ${mutant.breaks}`, `  ${message}`)
  lines.push('', lastLine(run))
  return `${lines.join('\n')}\n`
}

function row({ mutant, verdict, check, durationMs, test }: MutantResult): readonly string[] {
  const elsewhere = check !== null && check !== mutant.caughtBy ? `, not by ${mutant.caughtBy}` : ''
  return [
    mutant.name,
    verdict,
    `${check ?? '–'}${elsewhere}`,
    (durationMs / 1000).toFixed(1),
    test.slice(0, 110),
  ]
}

function lastLine({ results, interrupted, durationMs, controls }: MutantsRun): string {
  const seconds = `${Math.round(durationMs / 1000)} s`
  if (interrupted) return `Interrupted after ${seconds}.`
  if (controls.some(({ result }) => result.kind !== 'passed'))
    return 'A check fails without any mutant: nothing can be said of mutants.'
  const caught = results.filter(({ verdict }) => verdict === 'caught').length
  return `${caught} of ${results.length} mutants caught, in ${seconds}.`
}

export function runJson(run: MutantsRun): string {
  const results = run.results.map(({ mutant, ...rest }) => ({
    name: mutant.name,
    file: mutant.file,
    breaks: mutant.breaks,
    expected: mutant.caughtBy,
    ...rest,
  }))
  return `${JSON.stringify({ schema: 'parley-mutants/1', ...run, results }, null, 2)}\n`
}
