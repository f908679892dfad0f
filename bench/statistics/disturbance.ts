// Whether something else on the machine kept the generator from sending on time while a block ran. Pure.
import { benchLimits } from '../limits.ts'
import type { DeliveryCell, Discarded } from '../measurement.ts'
import { decodeHistogram, type Histogram, mergeHistograms } from './histogram.ts'

/**
 * The worst reason to discard a block; null: there is none. `cells`: those of the block; `kept`: those of the same table's other blocks,
 * which say how long the baseline takes (0 until it is known). A cell is disturbed when more than 1 % of its sends, and more than two, left later than 2 ms or a
 * fifth of the baseline's p50, whatever is more: its send lag at p99 is above the bound, as far as so few sends have a p99.
 * The whole block goes, never one cell: else what makes the sends late would lose its bad cells. A cell whose own work
 * takes more than half of the generator's core is late by that, which is no disturbance.
 */
export function disturbanceOf(
  cells: readonly DeliveryCell[],
  kept: readonly DeliveryCell[],
  baseline: string,
): Discarded | null {
  const boundUs = Math.max(
    benchLimits.sendLagMs * 1000,
    benchLimits.sendLagShare * p50Us([...cells, ...kept].filter(({ subject }) => subject === baseline)),
  )
  let worst: Discarded | null = null
  for (const { scenario, load, block, subject, sendLag, generatorUtilisation } of cells) {
    if (generatorUtilisation > benchLimits.ownWorkShare) continue
    const sendLagP99Us = tailUs(decodeHistogram(sendLag))
    if (sendLagP99Us <= boundUs || sendLagP99Us <= (worst?.sendLagP99Us ?? 0)) continue
    worst = { scenario, load, block, subject, sendLagP99Us, boundUs }
  }
  return worst
}

/**
 * The p99, or the third largest of fewer than 300 values; 0 without three. On a virtual machine one send in a hundred is some ms late though
 * nothing else runs: of 16 sends two are late in one cell of 60, three in one of 1,000.
 */
export function tailUs(histogram: Histogram): number {
  const { totalCount } = histogram
  if (totalCount < 3) return 0
  return histogram.getValueAtPercentile(Math.min(99, (100 * (totalCount - 2.5)) / totalCount))
}

/** 0 where nothing has been measured yet. */
function p50Us(cells: readonly DeliveryCell[]): number {
  const merged = mergeHistograms(cells.map(({ latency }) => decodeHistogram(latency)))
  return merged.totalCount === 0 ? 0 : merged.getValueAtPercentile(50)
}
