// Every requirement of docs/requirements.md has a test that is named after it, so that a reader finds what shows it.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const sources = ['transports', 'server', 'client', 'bench'].flatMap((folder) =>
  readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !file.includes('dist/'))
    .map((file) => ({ name: `${folder}/${file}`, text: readFileSync(`${root}${folder}/${file}`, 'utf8') })),
)
const tests = sources.filter(({ name }) => /\.(?:test|suite)\.ts$/.test(name))

/** The numbers that titles of tests name: `test('R25: …')`, `describe('… (R31, R32)')`. */
const named = new Set(
  tests.flatMap(({ text }) =>
    [
      ...text.matchAll(
        /^\s*(?:test|it|describe)(?:\.\w+)*\((?:\w+\)\(|[\s\S]{0,2000}?\]\s*(?:as [^)]*)?\)\()?\s*['"`]([^\n]*?\bR\d+\b[^\n]*)/gm,
      ),
    ].flatMap(([, title = '']) => [...title.matchAll(/\bR(\d+)\b/g)].map(([, number]) => Number(number))),
  ),
)

/** `R13–R21` is nine requirements, `R6, R7` are two. */
function numbersIn(cell: string): readonly number[] {
  const range = /^R(\d+)–R(\d+)$/.exec(cell)
  if (range === null) return [...cell.matchAll(/R(\d+)/g)].map(([, number]) => Number(number))
  const [first, last] = [Number(range[1]), Number(range[2])]
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

const required = readFileSync(`${root}docs/requirements.md`, 'utf8')
  .split('\n')
  .flatMap((line) => numbersIn(/^\| (R[^|]*?) \|/.exec(line)?.[1] ?? ''))

test('the page lists all forty', () => {
  expect(required).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
})

test.each(required)('R%i is named by a test', (number) => {
  expect(named.has(number)).toBe(true)
})

test('R6, R7: nothing streams a request body or uses PUSH_PROMISE', () => {
  const offenders = sources.filter(
    ({ name, text }) =>
      name !== 'transports/requirements.test.ts' &&
      /duplex: *['"]half|\.pushStream\(|enablePush: *true/.test(text),
  )
  expect(offenders.map(({ name }) => name)).toEqual([])
})
