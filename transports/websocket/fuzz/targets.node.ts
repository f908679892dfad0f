// All targets, and whose turn it is.
import { DialTarget } from './dial-target.node.ts'
import { deflateTarget, frameTarget } from './frame-target.node.ts'
import { requestTarget, responseTarget } from './head-target.node.ts'
import type { Connect } from './listen.ts'
import { Random, seedOf } from './random.ts'
import { roundTripTarget } from './round-trip-target.node.ts'
import { socketTarget } from './socket-target.node.ts'
import type { Case, Target } from './target.ts'

/** New targets of these names. */
export function makeTargets(names: readonly string[], connect: Connect): readonly Target[] {
  const all: readonly Target[] = [
    frameTarget('server', connect),
    frameTarget('client', connect),
    deflateTarget('server', connect),
    deflateTarget('client', connect),
    roundTripTarget(connect),
    requestTarget,
    responseTarget,
    socketTarget,
    new DialTarget(),
  ]
  return all.filter(({ name }) => names.includes(name))
}

/** The case number `index` of a seed: whose turn it is, and the trace. It doesn't depend on those before. */
export function makeCase(
  targets: readonly Target[],
  seed: number,
  index: number,
): { readonly target: Target; readonly it: Case } {
  const random = new Random(seedOf(seed, 'case', index))
  let place = (random.bits() / 0x1_0000_0000) * targets.reduce((sum, { weight }) => sum + weight, 0)
  const target = targets.find(({ weight }) => {
    place -= weight
    return place < 0
  })
  const chosen = target ?? (targets[0] as Target)
  return { target: chosen, it: chosen.make(random) }
}
