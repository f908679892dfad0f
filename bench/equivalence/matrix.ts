// Plays many cells, several at a time, and gives their verdicts in the order of the tables.
import type { TransportName } from '../../transports/contract.ts'
import { messageOf } from '../../transports/errors.ts'
import { properties } from './expectations.ts'
import type { Fault } from './faults.ts'
import { playCell } from './run.ts'
import { scale } from './scale.ts'
import { type CellVerdict, isOfCauses, judge } from './verdicts.ts'

export interface MatrixOptions {
  readonly transports: readonly TransportName[]
  readonly faults: readonly Fault[]
  readonly seed: number
  /** How many cells are played at a time. */
  readonly jobs: number
  progress(done: number, all: number, cell: CellVerdict): void
  readonly signal: AbortSignal
}

/** How many cells one process plays at a time: more, and they would delay each other's heartbeats. */
export const usualJobs = 10

/** What was interrupted is missing. */
export async function runMatrix(options: MatrixOptions): Promise<readonly CellVerdict[]> {
  const { transports, faults, seed, jobs, signal } = options
  const cells = transports.flatMap((transport) => faults.map((fault) => ({ transport, fault })))
  const verdicts: CellVerdict[] = []
  let next = 0
  let done = 0
  const play = async (): Promise<void> => {
    for (let index = next++; index < cells.length && !signal.aborted; index = next++) {
      const cell = cells[index]
      if (cell === undefined) return
      const verdict = await playAndJudge(cell.transport, cell.fault, seed)
      verdicts[index] = verdict
      done += 1
      options.progress(done, cells.length, verdict)
    }
  }
  await Promise.all(Array.from({ length: jobs }, play))
  return verdicts.filter((verdict) => verdict !== undefined)
}

/** So often a cell is played at most. */
const mostPlays = 3

/**
 * Whether nothing can be said of a cell but that its machine was busy: links ended for other causes than expected, while the process in which
 * both of their ends are stood still for as long as heartbeats are apart. What is lost, twice, out of turn or not let go has no such excuse.
 */
export function wasHeldUp({ verdicts }: CellVerdict, heldUpMs: number): boolean {
  const broken = verdicts.filter(({ result }) => result === 'broken')
  return (
    heldUpMs >= scale.heartbeatMs &&
    broken.length > 0 &&
    broken.every(({ property, against }) => property === 'closed' && against.every(isOfCauses))
  )
}

/** A cell that can't be played at all speaks against every property. */
export async function playAndJudge(
  transport: TransportName,
  fault: Fault,
  seed: number,
): Promise<CellVerdict> {
  try {
    for (let plays = 1; ; plays++) {
      const evidence = await playCell(transport, fault, seed)
      const verdict = judge(evidence)
      if (plays === mostPlays || !wasHeldUp(verdict, evidence.heldUpMs)) return verdict
    }
  } catch (error) {
    const against = [`The cell could not be played: ${messageOf(error)}`]
    const verdicts = properties.map(
      (property) => ({ property, result: 'broken', against, measured: '' }) as const,
    )
    return { transport, fault: fault.name, verdicts }
  }
}

/** What speaks against a cell, a line each; none when all of it held. */
export function linesAgainst({ verdicts }: CellVerdict): readonly string[] {
  return verdicts.flatMap(({ property, against }) => against.map((reason) => `${property}: ${reason}`))
}
