// The bench end to end, on loopback, in a second or two each: that it measures every transport, and that it notices servers that are wrong on purpose.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { deliver } from './load/deliver.ts'
import { startControl, watchedOf } from './processes.ts'
import { makeCertificate } from './servers/certificate.ts'
import { transportNames } from './subjects.ts'

const cli = fileURLToPath(new URL('cli.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'parley-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const tiny = [
  'fanout',
  '--subscribers',
  '4',
  '--rate',
  '40',
  '--window-ms',
  '400',
  '--blocks',
  '1',
  '--seed',
  '11',
  '--no-pin',
]

interface Finished {
  readonly code: number | null
  readonly output: string
  readonly complaints: string
}

function start(args: readonly string[]): {
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
} {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
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

describe.concurrent('npm run bench', { timeout: 30_000 }, () => {
  it('measures every transport and delivers everything once', async () => {
    const file = join(folder, 'fine.json')
    const { code, output, complaints } = await start([...tiny, '--quick', '--json', file]).finished
    expect(code, output + complaints).toBe(0)
    const document = JSON.parse(readFileSync(file, 'utf8'))
    expect(document).toMatchObject({ schema: 'parley-bench/1', valid: true, interrupted: false })
    const rows: {
      subject: string
      tally: { expected: number; delivered: number }
      cpuUsPerDelivery: number
    }[] = document.tables[0].rows
    for (const name of transportNames) {
      const row = rows.find(({ subject }) => subject.split(' ')[0] === name)
      expect(row?.tally.delivered, name).toBe(row?.tally.expected)
      expect(row?.tally.delivered, name).toBeGreaterThan(0)
      expect(row?.cpuUsPerDelivery, name).toBeGreaterThan(0)
      expect(output).toContain(name)
    }
    expect(complaints).toMatch(/^1\/\d+ · fanout/)
  })

  it.each([
    ['drop=7', 'lost'],
    ['double=7', 'doubled'],
  ])('exits with 3 when the server commits %s', async (fault, word) => {
    const { code, output } = await start([...tiny, '--transports', 'tcp', '--fault', fault]).finished
    expect(code, output).toBe(3)
    expect(output).toContain('INVALID')
    expect(output).toContain(word)
  })

  it('keeps what it has when it is interrupted, and exits with 130', async () => {
    const file = join(folder, 'interrupted.json')
    const args = [
      'fanout',
      '--transports',
      'tcp',
      '--subscribers',
      '2',
      '--rate',
      '40',
      '--window-ms',
      '200',
      '--blocks',
      '500',
      '--no-pin',
      '--json',
      file,
    ]
    const { child, finished } = start(args)
    // A line of progress comes every five seconds: on a slow machine the first block may last for some of them.
    child.stderr?.on('data', (chunk: string) => {
      if (Number(/block (\d+)/.exec(chunk)?.[1] ?? 0) >= 2) child.kill('SIGINT')
    })
    const { code, output } = await finished
    expect(code, output).toBe(130)
    const document = JSON.parse(readFileSync(file, 'utf8'))
    expect(document).toMatchObject({ valid: false, interrupted: true })
    expect(document.measurements.length).toBeGreaterThan(0)
  })

  it('refuses what it does not know with one line and 2', async () => {
    const { code, complaints } = await start(['--scenario', 'nothing']).finished
    expect(code).toBe(2)
    expect(complaints.trim().split('\n')).toHaveLength(1)
  })
})

describe('a cell', () => {
  it('is worthless when its links speak another protocol than its label says', async () => {
    const certificate = await makeCertificate()
    const server = await startControl({ script: 'tcp.ts', core: null, certificate })
    try {
      const result = await deliver({
        kind: 'deliver',
        transport: 'tcp',
        followUrl: server.plainUrl,
        publishUrl: server.publishUrl,
        ...watchedOf(server),
        roomNames: ['mislabelled'],
        subscribers: 2,
        rooms: 1,
        ratePerSecond: 50,
        burst: 1,
        textBytes: 64,
        secure: false,
        upLink: 'publisher',
        delayUpMs: 0,
        delayDownMs: 0,
        windowMs: 200,
        intervalMs: 0,
        seed: 3,
        protocol: 'bare, TLS',
      })
      expect(result.problems).toEqual(['A link speaks bare where bare, TLS is measured.'])
      expect(result.tally).toMatchObject({ lost: 0, duplicated: 0, reordered: 0, foreign: 0 })
    } finally {
      await server.stop()
      certificate.remove()
    }
  })
})
