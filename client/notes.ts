// The lab's quiet lines in the conversation, in words.
import { describeTransport } from '../transports/catalogue.ts'
import type { TransportName } from '../transports/contract.ts'
import type { Cursor } from '../transports/cursor.ts'
import type { SwitchReport } from '../transports/session.state.ts'
import { formatCount, formatDuration, formatPlural } from './format.ts'

/**
 * `switched to WebSocket in 12 ms · nothing lost`. `lost`: offsets that went missing since the switch began. `isReturn`: another one had
 * stood in for it, and nobody asked for the switch.
 */
export function switchedNote(report: SwitchReport, lost: number, isReturn: boolean): string {
  const title = describeTransport(report.to).short
  const fate = lost === 0 ? 'nothing lost' : `${formatPlural(lost, 'message', 'messages')} lost`
  return `${isReturn ? 'back on' : 'switched to'} ${title} in ${formatDuration(report.durationMs)} · ${fate}`
}

/** `offline for 4.2 s · 17 messages caught up`. */
export function recoveredNote(offlineMs: number, caughtUp: number): string {
  const fate =
    caughtUp === 0
      ? 'nothing was said meanwhile'
      : `${formatPlural(caughtUp, 'message', 'messages')} caught up`
  return `offline for ${formatDuration(offlineMs)} · ${fate}`
}

/** A part of the log that was removed before it could be read. */
export function gapNote(after: Cursor, cursor: Cursor): string {
  const from = after.offset + 1
  if (cursor.offset <= from)
    return `message ${formatCount(from)} was removed from the log before it could be read here`
  return `messages ${formatCount(from)} to ${formatCount(cursor.offset)} were removed from the log before they could be read here`
}

/** The server has another log than before. */
export function resetNote(): string {
  return 'the server keeps a new log · what stands above belongs to the former one'
}

/** Another transport stands in: `WebSocket can’t be used here now · HTTP/2 push stands in: …`. `detail`: why, as a sentence. */
export function fellBackNote(from: TransportName, to: TransportName, detail: string): string {
  const [wished, standIn] = [describeTransport(from).short, describeTransport(to).short]
  return `${wished} can’t be used here now · ${standIn} stands in: ${detail}`
}

/** The address asks for a room that may not be: `this is lobby: …`. */
export function roomNote(room: string, problem: string): string {
  return `this is ${room}: the address asks for a room that can’t be. ${problem}`
}

/** A switch that did not come about: `could not switch to WebSocket: …`. */
export function notSwitchedNote(wanted: string, reason: string): string {
  return `could not switch to ${describeTransport(wanted).short}: ${reason}`
}
