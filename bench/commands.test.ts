// The commands from end to end: report, compare, ab, list, and what happens on a signal.
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { start, tiny } from './cli.harness.ts'
import { readDocument, renderJson } from './document.ts'

const folder = mkdtempSync(join(tmpdir(), 'parley-bench-commands-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const root = fileURLToPath(new URL('..', import.meta.url))
const isRepository = existsSync(join(root, '.git'))

function worktrees(): string {
  return execFileSync('git', ['worktree', 'list'], { cwd: root, encoding: 'utf8' })
}

function oldFolders(): readonly string[] {
  return readdirSync(realpathSync(tmpdir())).filter((name) => name.startsWith('parley-bench-old-'))
}

// One after the other: each looks for what the other might have left.
describe.runIf(isRepository)('ab', { timeout: 60_000 }, () => {
  it('measures both builds and removes the old one', { retry: 2 }, async () => {
    const file = join(folder, 'ab.json')
    const args = ['ab', '--old', 'HEAD', ...tiny({}), '--json', file]
    const { code, output, complaints } = await start(args).finished
    expect([0, 3], output + complaints).toContain(code)
    const { run } = JSON.parse(readFileSync(file, 'utf8'))
    const subjects = new Set(run.measurements.map(({ subject }: { subject: string }) => subject))
    expect([...subjects]).toEqual(expect.arrayContaining(['websocket', 'websocket (old)']))
    expect(output).toContain('(old)')
    expect(worktrees()).not.toContain('parley-bench-old-')
  })

  it('removes the old build when it is interrupted', async () => {
    const before = oldFolders()
    const { child, finished } = start(['ab', '--old', 'HEAD', '--full', '--no-pin'])
    child.stderr?.on('data', (chunk: string) => {
      if (/^1\//m.test(chunk)) child.kill('SIGINT')
    })
    const { code, output, complaints } = await finished
    expect(code, output + complaints).toBe(130)
    expect(oldFolders().filter((name) => !before.includes(name))).toHaveLength(0)
  })
})

describe.concurrent('the commands of the bench', { timeout: 60_000 }, () => {
  it('report and compare read what run wrote, and refuse what cannot be compared', async () => {
    const file = join(folder, 'run.json')
    const html = join(folder, 'run.html')
    const args = [...tiny({}), '--no-results', '--transports', 'tcp,ws', '--json', file]
    await start(args).finished
    const shown = await start(['report', file, '--html', html]).finished
    expect(shown.output).toContain('fanout')
    expect(readFileSync(html, 'utf8')).toMatch(/^<!doctype html>/)
    const document = readDocument(file)
    const elsewhere = join(folder, 'elsewhere.json')
    const environment = { ...document.environment, host: 'another' }
    writeFileSync(elsewhere, renderJson({ ...document, environment }))
    const refused = await start(['compare', file, elsewhere]).finished
    expect(refused.code).toBe(2)
    expect(refused.complaints.trim()).toMatch(/^These runs can't be compared\. [^\n]*two machines[^\n]*$/)
    const invalid = join(folder, 'invalid.json')
    writeFileSync(invalid, renderJson({ ...document, problems: ['Something was wrong.'] }))
    const judged = await start(['compare', invalid, file]).finished
    expect(judged.code, judged.output + judged.complaints).toBe(3)
    expect(judged.output).toContain('Something was wrong.')
    const stopped = join(folder, 'stopped.json')
    writeFileSync(stopped, renderJson({ ...document, interrupted: true }))
    const partial = await start(['compare', file, stopped]).finished
    expect(partial.code).toBe(2)
    expect(partial.complaints).toMatch(/^[^\n]*stopped\.json was interrupted[^\n]*\n$/)
  })

  it('tells a crash from a regression: 3, one line, and the stack for whoever asks', async () => {
    const broken = { TMPDIR: join(folder, 'no-such-folder'), PARLEY_BENCH_STACK: '1' }
    const { code, complaints } = await start([...tiny({}), '--no-results'], broken).finished
    expect(code, complaints).toBe(3)
    expect(complaints).toMatch(
      /^The bench itself failed: [^\n]+PARLEY_BENCH_STACK=1[^\n]+\nError: .*\n(.*\n)* +at /m,
    )
  })

  it.each([
    [['ab', '--old', 'no-such-commit'], /no-such-commit/],
    [['ab'], /--old REF/],
    [['compare', 'one.json'], /two files/],
    [['report', join(tmpdir(), 'no-such-file.json')], /can't be read/],
    [['calibrate', '--seed', 'x'], /--seed/],
    [['list', '--nothing'], /--nothing/],
    [['comapre'], /Did you mean compare\?/],
  ])('%j is refused in one line', async (args, words) => {
    const { code, complaints } = await start(args).finished
    expect(code).toBe(2)
    expect(complaints.trim().split('\n')).toHaveLength(1)
    expect(complaints).toMatch(words)
  })

  it.each(['run', 'compare', 'ab', 'report', 'calibrate', 'list'])('%s explains itself', async (name) => {
    const { code, output } = await start([name, '--help']).finished
    expect(code).toBe(0)
    expect(output).toContain('Exit: ')
    expect(output).toMatch(/Examples:\n( {2}npm run bench -- [^\n]+\n){2}/)
  })
})
