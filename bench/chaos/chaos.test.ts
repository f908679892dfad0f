// Half a minute of chaos on every transport, and that the same evidence, tampered with, is found out.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { historyFile, judge } from './evidence.ts'
import type { HistoryLine } from './history.ts'
import { chaosTransports } from './options.ts'

const cli = fileURLToPath(new URL('cli.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'parley-chaos-test-'))
const seed = 20_261
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Finished {
  readonly code: number | null
  readonly output: string
  readonly complaints: string
}

function start(...args: string[]): { readonly child: ChildProcess; readonly finished: Promise<Finished> } {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let complaints = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  return { child, finished: once(child, 'close').then(([code]) => ({ code, output, complaints })) }
}

describe('npm run chaos', () => {
  const kept = join(folder, 'kept')
  const clients = Array.from({ length: 3 * chaosTransports.length }, (_, index) => `client-${index + 1}`)

  test('30 s on every transport: nothing lost, nothing doubled, nothing out of order', {
    timeout: 150_000,
  }, async () => {
    const file = join(folder, 'run.json')
    const args = ['--seconds', '30', '--seed', String(seed), '--json', file, '--keep-data', kept]
    const { code, output, complaints } = await start(...args).finished
    expect(complaints).toContain(`Seed ${seed}.`)
    expect(code, `${complaints}\n${output}`).toBe(0)
    const document = JSON.parse(readFileSync(file, 'utf8'))
    expect(document).toMatchObject({
      schema: 'parley-chaos/1',
      seed,
      passed: true,
      lost: 0,
      duplicated: 0,
      reordered: 0,
    })
    expect(document.acknowledged).toBeGreaterThan(600)
    // Everybody has read everything.
    expect(document.delivered).toBe(clients.length * document.stored)
    expect(document.recoveryMillis.max).toBeGreaterThan(0)
    expect(output).toContain('Passed')
  })

  /** Judges a copy of the evidence in which one client's history was changed. */
  function judgeTampered(tamper: (lines: HistoryLine[]) => void): ReturnType<typeof judge> {
    const copy = mkdtempSync(join(folder, 'tampered-'))
    cpSync(kept, copy, { recursive: true })
    const file = historyFile(copy, 'client-1')
    const lines = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as HistoryLine)
    tamper(lines)
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    return judge(copy, join(copy, 'data'), 'chaos', clients)
  }

  function lastDelivery(lines: readonly HistoryLine[]): number {
    return lines.findLastIndex(({ kind }) => kind === 'messages')
  }

  test('the evidence as it is has nothing wrong; a delivery taken out, put in twice or altered is found', () => {
    expect(judgeTampered(() => undefined).violations).toEqual([])
    const removed = judgeTampered((lines) => lines.splice(lastDelivery(lines), 1))
    expect(removed.lost).toBeGreaterThan(0)
    expect(removed.violations[0]).toMatchObject({ verdict: 'lost', client: 'client-1' })
    const doubled = judgeTampered((lines) => lines.push(lines[lastDelivery(lines)] as HistoryLine))
    expect([doubled.duplicated > 0, doubled.lost]).toEqual([true, 0])
    const swapped = judgeTampered((lines) => {
      const [taken] = lines.splice(lastDelivery(lines), 1)
      if (taken !== undefined) lines.splice(lastDelivery(lines), 0, taken)
    })
    expect([swapped.reordered > 0, swapped.lost, swapped.duplicated]).toEqual([true, 0, 0])
    const invented = judgeTampered((lines) =>
      lines.push(
        { kind: 'sent', id: 'no-such-id', text: 'x' },
        { kind: 'acknowledged', id: 'no-such-id', offset: 1, created: true },
      ),
    )
    expect(invented.lost).toBe(1)
  })

  test('an interrupt keeps what was found, and says 130', { timeout: 90_000 }, async () => {
    const file = join(folder, 'interrupted.json')
    const args = ['--seconds', '600', '--seed', '3', '--clients', '4', '--json', file]
    const { child, finished } = start(...args)
    await new Promise<void>((resolve) =>
      child.stderr?.on('data', (text: string) => {
        if (/ s of 600 /.test(text)) resolve()
      }),
    )
    child.kill('SIGINT')
    const { code, output } = await finished
    expect(code).toBe(130)
    expect(output).toContain('Interrupted')
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      interrupted: true,
      passed: false,
      lost: 0,
    })
  })

  test('a harness that cannot do its work says so, and does not pass', { timeout: 30_000 }, async () => {
    const env = { ...process.env, TMPDIR: join(folder, 'missing') }
    const child = spawn(process.execPath, [cli, '--seconds', '5'], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let complaints = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaints += text
    })
    const [code] = await once(child, 'close')
    expect([code, complaints]).toEqual([3, expect.stringContaining('This is no proof:')])
  })

  test('too short a run to have seen anything fails in plain sentences; a mistake is one line', {
    timeout: 90_000,
  }, async () => {
    const short = await start('--seconds', '5', '--clients', '1', '--seed', '1', '--transports', 'websocket')
      .finished
    expect(short.code).toBe(1)
    expect(short.output).toMatch(/Too little: websocket saw [\w-]+ 0 times; it takes 1\./)
    expect(short.output).toContain('--seed 1')
    const wrong = await start('--transports', 'smoke').finished
    expect([wrong.code, wrong.complaints.split('\n').length]).toEqual([2, 2])
    const again = await start('--keep-data', kept).finished
    expect([again.code, again.complaints]).toEqual([2, expect.stringContaining('new or empty')])
  })
})
