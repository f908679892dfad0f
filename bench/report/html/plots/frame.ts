// What all plots have in common: their margins, and room for the names of lines.
import type { Margin } from '../chart.ts'
import { textWidth } from '../chart.ts'

/** `names`: of the lines, which stand right of them. */
export function marginFor(names: readonly string[], yLabels: readonly string[]): Margin {
  const right = names.length === 0 ? 16 : 26 + Math.max(...names.map(textWidth))
  const left = 10 + Math.max(30, ...yLabels.map(textWidth))
  return { top: 22, right: Math.round(right), bottom: 38, left: Math.round(left) }
}

/** As many ticks as a width has room for. */
export function tickCount(width: number): number {
  return width > 400 ? 8 : 4
}
