// The comparison of WebSocket servers: its table, its counting and its arithmetic, and one tiny run of the whole.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { UsageError } from '../../transports/errors.ts'
import type { Environment } from '../measurement.ts'
import { clientFrame, FrameCounter, headerBytes, jsonPayload } from './frames.ts'
import { type Cell, type Comparison, planSteps } from './measure.ts'
import { type Options, parseOptions } from './options.ts'
import { comparisonJson, goalText, ratioText, renderComparison } from './report.ts'
import { summarizeComparison } from './summary.ts'
import { workloads } from './workloads.ts'

function options(...args: string[]): Options {
  const parsed = parseOptions(args)
  if (parsed === null) throw new Error('this is help')
  return parsed
}

/** A cell as if measured. */
function cell(server: Cell['server'], round: number, cost: number | null, workload = 'echo-16'): Cell {
  const load = { messages: 1000, wallMs: 2000, serverUtilisation: 0.9, generatorUtilisation: 0.5 }
  const result = cost === null ? null : { cost, ...load }
  return { workload, server, round, result, problem: cost === null ? 'it broke' : null }
}

describe('the workloads', () => {
  it('are the nine that are promised, each held against ws', () => {
    expect(workloads.map(({ name, goals }) => [name, goals.ws, goals.tcp])).toEqual([
      ['echo-1', 0.92, 1.1],
      ['echo-16', 0.14, 1.25],
      ['broadcast-1', 0.94, 1.08],
      ['broadcast-10', 0.11, 1.15],
      ['broadcast-1k-10', 0.12, 1.15],
      ['echo-1m', 0.6, undefined],
      ['echo-64k', 0.6, undefined],
      ['idle-9000', 0.75, 1.1],
      ['deflate-1k', 0.15, undefined],
    ])
  })
})

describe('planSteps', () => {
  it('interleaves the servers, backward in every second round', () => {
    const steps = planSteps(options('--only', 'echo-1,echo-1m', '--rounds', '2'))
    expect(steps.map(({ workload, server, round }) => `${workload.name} ${server} ${round}`)).toEqual([
      'echo-1 ours 1',
      'echo-1 ws 1',
      'echo-1 tcp 1',
      'echo-1 tcp 2',
      'echo-1 ws 2',
      'echo-1 ours 2',
      'echo-1m ours 1',
      'echo-1m ws 1',
      'echo-1m ws 2',
      'echo-1m ours 2',
    ])
  })
})

describe('frames', () => {
  it.each([0, 125, 126, 65_535, 65_536])('a client’s of %d bytes is masked and whole', (bytes) => {
    const payload = Buffer.alloc(bytes, 'xyz')
    const frame = clientFrame('binary', payload)
    const start = headerBytes(bytes)
    expect(frame).toHaveLength(start + 4 + bytes)
    expect([frame[0], (frame[1] ?? 0) & 0x80]).toEqual([0x82, 0x80])
    const key = frame.subarray(start, start + 4)
    const unmasked = frame.subarray(start + 4).map((byte, index) => byte ^ (key[index & 3] ?? 0))
    expect(Buffer.compare(unmasked, payload)).toBe(0)
  })

  it('are counted at every split', () => {
    const server = (bytes: number): Buffer => {
      const frame = clientFrame('text', Buffer.alloc(bytes))
      const start = headerBytes(bytes)
      frame[1] = (frame[1] ?? 0) & 0x7f
      return Buffer.concat([frame.subarray(0, start), frame.subarray(start + 4)])
    }
    const bytes = Buffer.concat([0, 5, 125, 126, 300, 0, 65_536, 1].map(server))
    for (const size of [1, 2, 7, 1000, bytes.length]) {
      const counter = new FrameCounter()
      let count = 0
      for (let at = 0; at < bytes.length; at += size) count += counter.push(bytes.subarray(at, at + size))
      expect(count, `in pieces of ${size}`).toBe(8)
    }
  })

  it('of JSON are as long as asked, and the same each time', () => {
    expect(jsonPayload(1024)).toHaveLength(1024)
    expect(jsonPayload(1024).equals(jsonPayload(1024))).toBe(true)
    expect(jsonPayload(1024).toString()).toMatch(/^\{"messages":\[\{"id":/)
  })
})

describe('summarizeComparison', () => {
  const cells = [1, 2, 3].flatMap((round) => [
    cell('ours', round, round),
    cell('ws', round, 10 * round),
    cell('tcp', round, 0.5 * round),
  ])

  it('pairs the servers of one round, and holds the ratios against the goals', () => {
    const [summary, ...others] = summarizeComparison(cells, 1)
    expect(others).toEqual([])
    expect(summary?.costs.map(({ server, median, low, high }) => [server, median, low, high])).toEqual([
      ['ours', 2, 1, 3],
      ['ws', 20, 10, 30],
      ['tcp', 1, 0.5, 1.5],
    ])
    const [ws, tcp] = summary?.ratios ?? []
    expect(ws).toMatchObject({ base: 'ws', goal: 0.14, met: true, clear: true })
    expect(ws?.estimate.ratio).toBeCloseTo(0.1, 12)
    expect(tcp).toMatchObject({ base: 'tcp', goal: 1.25, met: false, clear: true })
    expect(tcp?.estimate.ratio).toBeCloseTo(2, 12)
  })

  it('leaves out rounds that failed, and tells them', () => {
    const broken = [...cells.slice(0, 6), cell('ours', 3, 3), cell('ws', 3, null)]
    const [summary] = summarizeComparison(broken, 1)
    expect(summary?.problems).toEqual(['echo-16, ws, round 3: it broke'])
    expect(summary?.ratios.map(({ estimate }) => estimate.pairs)).toEqual([2, 2])
  })

  it('has no ratio without ours', () => {
    expect(summarizeComparison([cell('ws', 1, 5)], 1)[0]?.ratios).toEqual([])
  })

  it('is printed with the goals beside, and kept as JSON', () => {
    const comparison: Comparison = { environment, cells, interrupted: false, durationMs: 61_000 }
    const summaries = summarizeComparison(cells, 1)
    const chosen = options('--rounds', '3')
    const text = renderComparison(comparison, summaries, chosen)
    expect(text).toMatch(
      /^echo-16 +2\.00 +20\.0 +1\.00 +µs a message +0\.100 \[0\.100, 0\.100\] +≤ 0\.14 met +2\.000 \[2\.000, 2\.000\] +≤ 1\.25 SHORT$/m,
    )
    expect(text).toContain('fewer than 12 rounds: not citable')
    const document = JSON.parse(comparisonJson(comparison, summaries, chosen))
    expect(document).toMatchObject({ schema: 'parley-bench-websocket/1', valid: true, citable: false })
    expect(document.cells).toHaveLength(9)
  })

  it('says when an interval leaves a goal open', () => {
    const open = {
      base: 'ws',
      goal: 1,
      met: true,
      clear: false,
      estimate: { ratio: 0.99, low: 0.9, high: 1.1, pairs: 5 },
    } as const
    expect(goalText(open)).toBe('≤ 1 met?')
    expect(ratioText(open.estimate)).toBe('0.990 [0.900, 1.100]')
    expect(ratioText({ ratio: 0.5, low: 0, high: Number.POSITIVE_INFINITY, pairs: 1 })).toBe('0.500')
  })
})

describe('parseOptions', () => {
  it('has twelve rounds of two seconds of everything by default', () => {
    expect(options()).toMatchObject({
      rounds: 12,
      windowMs: 2000,
      warmUpMs: 1000,
      servers: ['ours', 'ws', 'tcp'],
      pin: true,
    })
    expect(options().only).toHaveLength(9)
    expect(options('--cores', '2,3', '--seconds', '0.5', '--servers', 'tcp,ours')).toMatchObject({
      cores: [2, 3],
      windowMs: 500,
      servers: ['ours', 'tcp'],
    })
    expect(parseOptions(['--help'])).toBeNull()
  })

  it.each([
    [['--rounds', '0']],
    [['--rounds', '1.5']],
    [['--seconds', 'x']],
    [['--seconds', '0']],
    [['--only', 'nothing']],
    [['--servers', 'uws']],
    [['--cores', '2']],
    [['--loud']],
    [['stray']],
  ])('refuses %j', (args) => {
    expect(() => parseOptions(args)).toThrow(UsageError)
  })
})

const environment: Environment = {
  cpuModel: 'a CPU',
  cores: 4,
  memoryBytes: 1,
  platform: 'linux',
  node: 'v26.0.0',
  commit: 'abc',
  startedAt: '2026-01-01T00:00:00.000Z',
  pinned: { server: 2, generator: 3 },
  cpuSource: 'schedstat',
  host: 'host',
  packages: {},
  clockStepNs: 40,
}

describe('npm run bench:websocket', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-websocket-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** Runs the command; interrupts it at its first word of progress if asked to. */
  async function run(
    args: readonly string[],
    interrupt = false,
  ): Promise<{ code: unknown; out: string; error: string }> {
    const cli = fileURLToPath(new URL('cli.ts', import.meta.url))
    const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let error = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      error += text
      if (interrupt) child.kill('SIGINT')
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    return { code, out, error }
  }

  it('measures all three servers', async () => {
    const file = join(folder, 'fine.json')
    const tiny = ['--rounds', '1', '--seconds', '0.2', '--warm-up', '0.1', '--only', 'echo-16', '--no-pin']
    const { code, out, error } = await run([...tiny, '--json', file])
    // A run this short says nothing of the goals.
    expect([0, 1], out + error).toContain(code)
    const document = JSON.parse(readFileSync(file, 'utf8'))
    expect(document).toMatchObject({ valid: true, interrupted: false, problems: [] })
    expect(document.cells.map((one: Cell) => one.server)).toEqual(['ours', 'ws', 'tcp'])
    for (const { result } of document.cells as Cell[]) {
      expect(result?.messages).toBeGreaterThan(100)
      expect(result?.cost).toBeGreaterThan(0)
    }
    expect(out).toMatch(/^echo-16 /m)
    expect(error).toMatch(/^1\/3 · echo-16 · ours/)
  })

  it('keeps what it has when it is interrupted', async () => {
    const file = join(folder, 'interrupted.json')
    const { code } = await run(['--only', 'echo-1', '--rounds', '50', '--no-pin', '--json', file], true)
    expect(code).toBe(130)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ valid: false, interrupted: true })
  })

  it('says in one line with 2 what is wrong', async () => {
    const { code, out, error } = await run(['--json', join(folder, 'no', 'such', 'folder.json')])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(error.trimEnd().split('\n')).toHaveLength(1)
  })
})
