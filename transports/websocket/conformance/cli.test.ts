// The command: what it prints and how it ends.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { listen } from '../testing.node.ts'
import { select } from './catalogue.ts'
import { echoTo } from './echo-client.node.ts'
import { createFaultyServer } from './faulty.harness.ts'
import type { Result } from './judge.ts'
import { readOptions } from './options.node.ts'
import { isAllFine, progressText, reportText } from './report.ts'

const clean: (() => unknown)[] = []
afterEach(async () => {
  for (const each of clean.splice(0)) await each()
})

function start(...args: string[]) {
  const file = fileURLToPath(new URL('cli.node.ts', import.meta.url))
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  clean.push(() => child.kill())
  let out = ''
  let error = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    error += text
  })
  const ended = once(child, 'close').then(([status]) => ({ out, error, status: status as number }))
  return { child, ended }
}

const run = (...args: string[]) => start(...args).ended

describe('npm run conformance', { timeout: 30_000 }, () => {
  it('tests both roles of ours by itself, and ends with 0 when all is right', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'conformance-'))
    clean.push(() => rm(folder, { recursive: true }))
    const file = join(folder, 'results.json')
    const { out, error, status } = await run(
      '--cases',
      '1.1,7.13.1,12.3.1',
      '--messages',
      '3',
      '--json',
      file,
    )
    expect({ error, status }).toEqual({ error: '', status: 0 })
    expect(out).toMatch(/^server: npm run echo -- --compress · .* s · 3 messages came back compressed$/m)
    expect(out).toMatch(/^client: dial, with a handler that echoes/m)
    expect(out).toMatch(/^ {2}1 {5}framing +8 +8$/m)
    expect(out).toMatch(/^ {2}7 {5}closing +1 +0 {2}1 INFORMATIONAL$/m)
    expect(out).toMatch(/^ {2}7\.13\.1 +INFORMATIONAL +close with 5000, .*: came nothing, close 1002/m)
    expect(out.trimEnd().endsWith('Everything is OK or INFORMATIONAL.')).toBe(true)
    const { messages, reports } = JSON.parse(await readFile(file, 'utf8'))
    expect(messages).toBe(3)
    expect(
      reports.map(({ role, results }: { role: string; results: readonly Result[] }) => [
        role,
        results.length,
      ]),
    ).toEqual([
      ['server', 10],
      ['client', 10],
    ])
  })

  it('tests a server that runs already, and ends with 1 when something is wrong', async () => {
    const server = createFaultyServer('answers 1001')
    clean.push(() => server.close())
    const url = `ws://127.0.0.1:${await listen(server)}/echo`
    const { out, status } = await run('--url', url, '--cases', '7.3.3,7.7.2')
    expect(status).toBe(1)
    expect(out).toContain(`server: ${url} · `)
    expect(out).toMatch(/^ {2}7 {5}closing +2 +1 {2}1 CLOSE WRONG CODE$/m)
    expect(out).toMatch(/^ {2}7\.3\.3 +CLOSE WRONG CODE close with a code: expected close 1000, came 1001$/m)
    expect(out.trimEnd().endsWith('Not everything is OK.')).toBe(true)
  })

  it('waits for a client from outside', async () => {
    const free = createFaultyServer('none')
    const port = await listen(free)
    free.close()
    const { child, ended } = start('--role', 'client', '--port', String(port), '--cases', '2')
    await once(child.stderr, 'data')
    await echoTo(`ws://127.0.0.1:${port}`, 2)
    const { out, status, error } = await ended
    expect(error).toBe(`waiting for a client on ws://127.0.0.1:${port}\n`)
    expect(out).toMatch(/^client: the client that came[\s\S]* {2}2 +pings and pongs +11 +11$/m)
    expect(status).toBe(0)
  })

  it('says how it is used, and in one line with 2 what is wrong', async () => {
    expect(await run('--help')).toMatchObject({ status: 0, error: '' })
    const { out, error, status } = await run('--loud')
    expect({ out, status }).toEqual({ out: '', status: 2 })
    expect(error.trimEnd().split('\n')).toHaveLength(1)
    const busy = createFaultyServer('none')
    const port = await listen(busy)
    clean.push(() => busy.close())
    const wrong = [
      [['--role', 'client', '--port', String(port)], /EADDRINUSE/],
      [
        ['--cases', '1.1.1', '--json', join(tmpdir(), 'no such folder', 'results.json')],
        /can't be written.*ENOENT/,
      ],
      // Reserved (RFC 6335 §6): nobody listens there.
      [['--port', '1023'], /nothing listens there.*ECONNREFUSED/],
    ] as const
    for (const [args, line] of wrong) {
      const refused = await run(...args)
      expect(refused, args.join(' ')).toMatchObject({
        out: '',
        status: 2,
        error: expect.stringMatching(line),
      })
      expect(refused.error.trimEnd().split('\n')).toHaveLength(1)
    }
    for (const args of [
      ['--url', 'http://x'],
      ['--url', 'x'],
      ['--url', 'ws://x', '--port', '1'],
      ['--url', 'ws://x', '--role', 'client'],
      ['--port', '0'],
      ['--port', '65536'],
      ['--role', 'both'],
      ['--cases', '8'],
      ['--cases', '1,20.9'],
      ['--messages', '0'],
      ['--connections', 'x'],
      ['--patience-ms', '0'],
    ]) {
      expect(() => readOptions(args), args.join(' ')).toThrow(expect.objectContaining({ name: 'UsageError' }))
    }
  })
})

describe('the report', () => {
  const result: Result = {
    ...{ number: '1.1.1', title: 'text of 0 bytes', verdict: 'OK', closeVerdict: 'OK' },
    ...{ remark: '', durationMs: 1, compressedMessages: 1200 },
  }

  it('is not fine while a case has not been played', () => {
    const groups = select('server', ['1.1.1', '1.1.2'])
    const report = { role: 'server', of: 'x', groups, results: [result], seconds: 1 } as const
    expect(isAllFine(report)).toBe(false)
    expect(reportText(report)).toMatch(/framing +2 +1 {2}1 not played$/m)
    expect(isAllFine({ ...report, groups: select('server', ['1.1.1']) })).toBe(true)
  })

  it('says how far it is', () => {
    expect(progressText('server', result, 1200, 2000, 61.4, 0)).toBe(
      'server: 1,200 of 2,000 · 1.1.1 · 61 s · all fine so far',
    )
    expect(progressText('client', result, 1, 2, 3, 1)).toBe('client: 1 of 2 · 1.1.1 · 3 s · 1 not fine')
  })
})
