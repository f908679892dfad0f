// The polling interval on a slider: 100 ms to 30 s, in steps of equal ratio.
import { longestIntervalMs, shortestIntervalMs } from '../transports/polling/client.ts'

/** What polling starts with, in ms. */
export const firstIntervalMs = 1000

/** The slider goes from 0 to this. */
export const steps = 50

const ratio = longestIntervalMs / shortestIntervalMs

/** The interval at a place of the slider, rounded to two digits. */
export function intervalAt(step: number): number {
  const ms = shortestIntervalMs * ratio ** (step / steps)
  const unit = 10 ** (Math.floor(Math.log10(ms)) - 1)
  const rounded = Math.round(ms / unit) * unit
  return Math.min(longestIntervalMs, Math.max(shortestIntervalMs, rounded))
}

/** The place of an interval on the slider. */
export function stepOf(intervalMs: number): number {
  return Math.round((steps * Math.log(intervalMs / shortestIntervalMs)) / Math.log(ratio))
}
