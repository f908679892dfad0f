// Two runs and two builds: what is refused, what counts as a change, and that one commit twice seldom does.
import { describe, expect, it } from 'vitest'
import type { DeliveryCell } from '../measurement.ts'
import { type Random, randomStream } from '../random.ts'
import { deliveryCell, environment } from './cells.harness.ts'
import { type ComparedRun, compareBuilds, compareRuns, refusals } from './compare.ts'

const settings = { seed: 1, scenarios: ['fanout'], profile: { blocks: 12 } }
const subjects = ['tcp', 'ws', 'websocket', 'websocket (A/A)', 'http2-push']

function normal(random: Random): number {
  let sum = -6
  for (let one = 0; one < 12; one++) sum += random()
  return sum
}

interface Made {
  readonly random: Random
  /** Of single cells, and of a subject throughout a server's life, as standard deviations of the logarithm. */
  readonly noise?: number
  readonly serverNoise?: number
  /** What the whole machine is slower by, and one subject. */
  readonly machine?: number
  readonly slower?: number
  readonly names?: readonly string[]
}

function cellsOf({
  random,
  noise = 0.04,
  serverNoise = 0.01,
  machine = 1,
  slower = 1,
  names = subjects,
}: Made) {
  const servers = new Map<string, number>()
  const cells: DeliveryCell[] = []
  for (let block = 1; block <= 12; block++) {
    const shared = Math.exp(0.1 * normal(random))
    for (const subject of names) {
      const epoch = Math.floor((block - 1) / 5)
      const key = `${epoch} ${subject.replace(' (A/A)', '')}`
      servers.set(key, servers.get(key) ?? Math.exp(serverNoise * normal(random)))
      const factor = machine * shared * (servers.get(key) ?? 1) * (subject === 'http2-push' ? slower : 1)
      const serverCpuUs = 2000 * factor * Math.exp(noise * normal(random))
      cells.push(deliveryCell(subject, block, { serverCpuUs }))
    }
  }
  return cells
}

const run = (measurements: readonly DeliveryCell[], change: Partial<ComparedRun> = {}): ComparedRun => ({
  environment,
  settings,
  measurements,
  ...change,
})

describe('refusals', () => {
  const one = run([])

  it('let the same host and settings through, whatever the seed', () => {
    expect(refusals(one, run([], { settings: { ...settings, seed: 2 } }))).toEqual([])
  })

  it('say what is not the same, a sentence each', () => {
    const other = run([], {
      environment: { ...environment, host: 'another', node: 'v27.0.0', pinned: { server: 1, generator: 2 } },
      settings: { ...settings, profile: { blocks: 6 } },
    })
    expect(refusals(one, other)).toHaveLength(4)
    expect(refusals(one, other).join(' ')).toContain('profile is {"blocks":12}, then {"blocks":6}')
  })
})

describe('compareRuns', () => {
  const cpuOf = (before: readonly DeliveryCell[], after: readonly DeliveryCell[]) =>
    Object.fromEntries(
      compareRuns(run(before), run(after, { settings: { ...settings, seed: 2 } }))
        .filter(({ metric }) => metric === 'cpu')
        .map(({ subject, verdict }) => [subject, verdict]),
    )

  it('finds a transport that is a third slower, on a machine that is a fifth slower throughout', () => {
    const random = randomStream(2, 'slower')
    const before = cellsOf({ random })
    const after = cellsOf({ random, machine: 1.2, slower: 1.33 })
    expect(cpuOf(before, after)).toEqual({ websocket: 'same', 'http2-push': 'worse' })
    expect(cpuOf(after, before)['http2-push']).toBe('better')
  })

  it('can say that nothing changed, and that it cannot tell', () => {
    const random = randomStream(3, 'same')
    const quiet = { random, noise: 0.01, serverNoise: 0.001 }
    const changes = compareRuns(run(cellsOf(quiet)), run(cellsOf(quiet)))
    expect(
      changes.filter(({ metric }) => metric === 'cpu' || metric === 'bytes').map(({ verdict }) => verdict),
    ).toEqual(['same', 'same', 'same', 'same'])
    // A p99 takes more samples than these cells have.
    expect(changes.filter(({ metric }) => metric === 'p99')).toMatchObject([
      { ratio: null, verdict: 'unresolvable', pValue: null },
      { ratio: null, verdict: 'unresolvable', pValue: null },
    ])
    const loud = { random, noise: 0.5 }
    expect(cpuOf(cellsOf(loud), cellsOf(loud))).toEqual({
      websocket: 'unresolvable',
      'http2-push': 'unresolvable',
    })
  })

  it('compares runs of one seed block by block: what the schedules do to both is in neither', () => {
    const random = randomStream(5, 'schedules')
    const wild = Array.from({ length: 13 }, () => Math.exp(normal(random)))
    const withSchedules = (cells: readonly DeliveryCell[]) =>
      cells.map((cell) =>
        cell.subject === 'http2-push'
          ? { ...cell, serverCpuUs: cell.serverCpuUs * (wild[cell.block] ?? 1) }
          : cell,
      )
    const [before, after] = [withSchedules(cellsOf({ random })), withSchedules(cellsOf({ random }))]
    const verdictsOf = (seed: number) =>
      compareRuns(run(before), run(after, { settings: { ...settings, seed } }))
        .filter(({ metric, subject }) => metric === 'cpu' && subject === 'http2-push')
        .map(({ verdict }) => verdict)
    expect([verdictsOf(1), verdictsOf(2)]).toEqual([['same'], ['unresolvable']])
  })

  it('calls one commit twice different in fewer than 5 of 100 comparisons', () => {
    const random = randomStream(4, 'twice')
    const pairs = 60
    let changed = 0
    for (let pair = 0; pair < pairs; pair++) {
      const made = { random, noise: 0.05, serverNoise: 0.03 }
      const [before, after] = [cellsOf(made), cellsOf({ ...made, machine: 1.1 })]
      const verdicts = Object.values(cpuOf(before, after))
      if (verdicts.includes('worse') || verdicts.includes('better')) changed += 1
    }
    expect(changed / pairs).toBeLessThan(0.05)
  })
})

describe('a verdict', () => {
  const names = ['tcp', 'websocket', 'websocket (A/A)', 'websocket (old)']
  /** `ab` of a new build that is so much dearer, with alternating errors of a known size. */
  const verdictOf = (dearer: number, error: number, leastShare: number) => {
    const cells = Array.from({ length: 12 }, (_, index) => index + 1).flatMap((block) =>
      names.map((subject) => {
        const own = subject === 'websocket' || subject.endsWith('(A/A)') ? dearer : 1
        const noise = subject === 'websocket (old)' ? Math.exp(block % 2 === 0 ? error : -error) : 1
        return deliveryCell(subject, block, { epoch: 0, serverCpuUs: 2000 * own * noise })
      }),
    )
    return compareBuilds(cells, { leastShare }).find(({ metric }) => metric === 'cpu')?.verdict
  }

  it.each([
    ['no change, known well', 1, 0.04, 0.05, 'same'],
    ['off 1, wholly within the margin', 1.03, 0.01, 0.05, 'same'],
    ['off 1, and reaching beyond the margin', 1.08, 0.04, 0.1, 'unresolvable'],
    ['off 1, and perhaps beyond the margin', 1.08, 0.035, 0.07, 'unresolvable'],
    ['surely beyond the margin', 1.12, 0.02, 0.05, 'worse'],
    ['surely beyond the margin, the other way', 0.88, 0.02, 0.05, 'better'],
    ['not known well enough', 1.01, 0.5, 0.05, 'unresolvable'],
  ])('of %s', (_name, dearer, error, leastShare, verdict) => {
    expect(verdictOf(dearer, error, leastShare)).toBe(verdict)
  })

  it('does not call the same what moved with a control', () => {
    const random = randomStream(8, 'moved')
    const quiet = { random, noise: 0.01, serverNoise: 0.001 }
    const moved = (ws: number, own: number) =>
      cellsOf(quiet).map((cell) => {
        const by = cell.subject === 'ws' ? ws : cell.subject.startsWith('websocket') ? own : 1
        return { ...cell, serverCpuUs: cell.serverCpuUs * by }
      })
    const verdicts = (ws: number, own: number) =>
      compareRuns(run(cellsOf(quiet)), run(moved(ws, own)))
        .filter(({ metric }) => metric === 'cpu')
        .map(({ verdict }) => verdict)
    expect(verdicts(1.35, 1.3)).toEqual(['unresolvable', 'unresolvable'])
    expect(verdicts(1.08, 1.12)[0]).toBe('unresolvable')
    // What goes far beyond even that is still found.
    expect(verdicts(1.35, 3)[0]).toBe('worse')
  })
})

describe('compareBuilds', () => {
  const names = ['tcp', 'websocket', 'websocket (A/A)', 'websocket (old)', 'http2-push', 'http2-push (old)']

  it('pairs each build with the other in its block', () => {
    const random = randomStream(6, 'builds')
    const changes = compareBuilds(cellsOf({ random, names, slower: 1.3 }))
    const cpu = changes.filter(({ metric }) => metric === 'cpu')
    expect(cpu.map(({ subject, verdict }) => [subject, verdict])).toEqual([
      ['websocket', 'same'],
      ['http2-push', 'worse'],
    ])
    expect(cpu[1]?.ratio?.ratio).toBeCloseTo(1.3, 1)
    expect(cpu[1]?.margin).toBeCloseTo(0.05, 9)
  })
})
