// That every mutant still applies, and that the tool tells one that is caught from one that is not.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../transports/errors.ts'
import { mutants } from './catalogue/all.ts'
import type { Check } from './checks.ts'
import { root } from './copy.ts'
import { type CheckName, type Mutant, mutated, StaleMutantError } from './mutant.ts'
import { parseOptions } from './options.ts'
import { renderRun } from './report.ts'
import { runMutants } from './run.ts'

describe('the catalogue', () => {
  test.each(mutants.map((mutant) => [mutant.name, mutant] as const))('%s applies', (_name, mutant) => {
    const source = readFileSync(join(root, mutant.file), 'utf8')
    expect(mutated(mutant, source)).not.toBe(source)
  })

  test('names are unique and plain, and each says what it breaks', () => {
    const names = mutants.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const { name, breaks } of mutants) {
      expect(name).toMatch(/^[a-z0-9-]+$/)
      expect(breaks.length).toBeGreaterThan(10)
    }
  })

  test('there are twelve of them or more, and every check has some to catch', () => {
    expect(mutants.length).toBeGreaterThanOrEqual(12)
    expect(new Set(mutants.map(({ caughtBy }) => caughtBy)).size).toBe(4)
  })
})

test('a text that is gone, or is there twice, makes a mutant stale', () => {
  const stale = (find: string) => () =>
    mutated({ name: 'stale', file: 'a.ts', edits: [{ find, replace: 'x' }] }, 'one two two')
  expect(stale('three')).toThrow(StaleMutantError)
  expect(stale('two')).toThrow('is there 2 times')
  expect(stale('one')()).toBe('x two two')
})

test('the options: names, jobs, and what is wrong, in one line', () => {
  const some = parseOptions(['outbox-'], 8)
  if (some.kind !== 'run') throw new Error('it is to run')
  expect(some.jobs).toBe(2)
  expect(some.mutants.length).toBeGreaterThan(1)
  expect(some.mutants.every(({ name }) => name.startsWith('outbox-'))).toBe(true)
  expect(parseOptions(['--list'])).toMatchObject({ kind: 'text' })
  for (const wrong of [['nobody'], ['--jobs', '0'], ['--job', '1']])
    expect(() => parseOptions(wrong)).toThrow(UsageError)
})

describe('the machinery, on one small file of tests', () => {
  const check: Check = { name: 'small', files: ['transports/cursor.test.ts'], what: 'cursors' }
  const checks: Record<CheckName, Check> = { storm: check, contract: check, crash: check, equivalence: check }
  const mutant = (name: string, find: string, replace: string): Mutant => ({
    name,
    file: 'transports/cursor.ts',
    edits: [{ find, replace }],
    breaks: 'for a test',
    caughtBy: 'storm',
  })
  const run = (list: readonly Mutant[], more: { checks?: Record<CheckName, Check> } = {}) =>
    runMutants({
      mutants: list,
      jobs: 3,
      checks,
      progress: () => undefined,
      signal: new AbortController().signal,
      ...more,
    })

  test('tells caught, survived and broken apart, and names the test', { timeout: 60_000 }, async () => {
    const found = await run([
      mutant(
        'harmless',
        'export function formatCursor(',
        '// Nothing is wrong.\nexport function formatCursor(',
      ),
      mutant(
        'harmful',
        'export function sameCursor(',
        'export function sameCursor(..._: unknown[]) { return true }\nfunction unused(',
      ),
      mutant('nonsense', 'export function formatCursor(', 'export function function formatCursor('),
    ])
    expect(found.results.map(({ verdict }) => verdict)).toEqual(['survived', 'caught', 'broken'])
    expect(found.results[1]?.test).not.toBe('')
    const text = renderRun(found)
    expect(text).toContain(found.results[1]?.test.slice(0, 40))
    expect(text).toContain('1 of 3 mutants caught')
  })

  test('says nothing of mutants when the check fails without any', { timeout: 60_000 }, async () => {
    const nothing: Check = { name: 'nothing', files: ['no/such/file.test.ts'], what: 'nothing' }
    const found = await run(
      [mutant('harmless', 'export function formatCursor(', 'export function formatCursor(')],
      {
        checks: { ...checks, storm: nothing },
      },
    )
    expect(found.results).toEqual([])
    expect(renderRun(found)).toContain('nothing can be said of mutants')
  })
})
