// The bench end to end, on loopback, in a second or two each: that it measures every transport, and that it notices servers that are wrong on purpose.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { start, tiny } from './cli.harness.ts'
import { readDocument } from './document.ts'
import { deliver } from './load/deliver.ts'
import { startControl, watchedOf } from './processes.ts'
import { transportsOf } from './scenarios/all.ts'
import { makeCertificate } from './servers/certificate.ts'

const folder = mkdtempSync(join(tmpdir(), 'parley-bench-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.concurrent('npm run bench', { timeout: 60_000 }, () => {
  it('measures every transport and delivers everything once', { retry: 2 }, async () => {
    const file = join(folder, 'fine.json')
    const { code, output, complaints } = await start([...tiny({}), '--no-results', '--json', file]).finished
    expect(code, output + complaints).toBe(0)
    const document = readDocument(file)
    expect(document).toMatchObject({ schema: 'parley-bench/2', valid: true, interrupted: false })
    const table = document.tables[0]
    const rows = table?.kind === 'delivery' ? table.rows : []
    for (const name of transportsOf('quick')) {
      const row = rows.find(({ subject }) => subject.split(' ')[0] === name)
      expect(row?.tally.delivered, name).toBe(row?.tally.expected)
      expect(row?.tally.delivered, name).toBeGreaterThan(0)
      expect(row?.cpuUsPerDelivery, name).toBeGreaterThan(0)
      expect(output).toContain(name)
    }
    expect(complaints).toMatch(/^1\/\d+ · /)
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
      '--no-results',
      '--json',
      file,
    ]
    const { child, finished } = start(args)
    // A line of progress comes every five seconds: on a slow machine the first block may last for some of them.
    let sent = false
    child.stderr?.on('data', (chunk: string) => {
      if (sent || Number(/block (\d+)/.exec(chunk)?.[1] ?? 0) < 2) return
      sent = true
      child.kill('SIGINT')
    })
    const { code, output } = await finished
    expect(code, output).toBe(130)
    const document = readDocument(file)
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
