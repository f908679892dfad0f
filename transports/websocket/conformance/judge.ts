// What a case's observation is worth: the verdict on what came back, and the one on how the connection was closed.
import type { Case, CloseVerdict, Closing, Event, Outcome, Script, Verdict } from './case.ts'
import type { Observation } from './wire.node.ts'

export interface Result {
  readonly number: string
  readonly title: string
  readonly verdict: Verdict
  readonly closeVerdict: CloseVerdict
  /** What was expected and what came, in a line; '' if nothing is to be said. */
  readonly remark: string
  readonly durationMs: number
  /** Of the messages that came back. */
  readonly compressedMessages: number
}

/** Whether nothing has to be done about it. */
export function isFine({ verdict, closeVerdict }: Result): boolean {
  return [verdict, closeVerdict].every((each) => each === 'OK' || each === 'INFORMATIONAL')
}

/** What a case is called by in a table: the worse of the two verdicts. */
export function worst(result: Result): string {
  const { verdict, closeVerdict } = result
  if (isFine(result)) return verdict
  return verdict === 'OK' || verdict === 'INFORMATIONAL' ? `CLOSE ${closeVerdict}` : verdict
}

export function judge(it: Case, script: Script, seen: Observation, durationMs: number): Result {
  const outcome = script.outcomes.find(({ events }) => areSame(events, seen.events))
  const failed = seen.fault !== null || outcome === undefined
  const verdict = failed ? 'FAILED' : outcome.verdict
  const remarks: string[] = []
  if (verdict !== 'OK') remarks.push(eventsRemark(script.outcomes, seen))
  const [closeVerdict, closeRemark] =
    script.closing === null ? (['OK', ''] as const) : judgeClosing(script.closing, seen)
  if (closeRemark !== '') remarks.push(closeRemark)
  const { compressedMessages } = seen
  const { number, title } = it
  return { number, title, verdict, closeVerdict, remark: remarks.join('; '), durationMs, compressedMessages }
}

/** A case that didn't come so far that it could be played. */
export function unplayed(it: Case, verdict: Verdict, remark: string, durationMs: number): Result {
  const closeVerdict = verdict === 'FAILED' ? 'FAILED' : 'OK'
  const { number, title } = it
  return { number, title, verdict, closeVerdict, remark, durationMs, compressedMessages: 0 }
}

function judgeClosing(closing: Closing, seen: Observation): readonly [CloseVerdict, string] {
  const { closeFrame, peerEnd, peer } = seen
  if (seen.bytesAfterClose > 0) return ['FAILED', `${seen.bytesAfterClose} bytes behind the close frame`]
  if (seen.closedBy !== closing.by) return ['FAILED', wrongCloser(closing, seen)]
  if (closeFrame === null && closing.clean) {
    return [
      'UNCLEAN',
      `expected a close frame, came ${peerEnd === null ? 'nothing' : `${nameOfEnd(peerEnd)} of TCP`}`,
    ]
  }
  // RFC 6455 §7.1.7: a close frame SHOULD be sent.
  if (closeFrame === null && peerEnd !== null && closing.by === 'peer') {
    return ['INFORMATIONAL', `${nameOfEnd(peerEnd)} of TCP without a close frame`]
  }
  if (closeFrame !== null && !closing.codes.includes(closeFrame.code)) {
    return ['WRONG CODE', `expected close ${namesOf(closing.codes)}, came ${namesOf([closeFrame.code])}`]
  }
  if (peerEnd === null) {
    return peer === 'server'
      ? ['FAILED BY CLIENT', 'the server did not end TCP']
      : ['FAILED', 'the client did not end TCP after the server']
  }
  if (peerEnd === 'reset' && closing.noReset === true) return ['UNCLEAN', 'TCP was reset']
  return ['OK', '']
}

function wrongCloser({ by }: Closing, seen: Observation): string {
  const came =
    seen.closeFrame === null ? '' : ` (${namesOf([seen.closeFrame.code])}: ${seen.closeFrame.reason})`
  if (by === 'fuzzer') return `the ${seen.peer} closed${came}, not the fuzzer`
  return seen.closedBy === null
    ? `the ${seen.peer} did not fail the connection in time`
    : 'the fuzzer closed, not the peer'
}

function nameOfClose({ closeFrame }: Observation): string {
  if (closeFrame === null) return 'no close frame'
  return `close ${namesOf([closeFrame.code])}${closeFrame.reason === '' ? '' : ` (${closeFrame.reason})`}`
}

function nameOfEnd(end: 'end' | 'reset'): string {
  return end === 'end' ? 'the end' : 'a reset'
}

function namesOf(codes: readonly (number | null)[]): string {
  return codes.map((code) => code ?? 'without a code').join(' or ')
}

function areSame(expected: readonly Event[], seen: readonly Event[]): boolean {
  if (expected.length !== seen.length) return false
  return expected.every((event, index) => {
    const other = seen[index]
    if (other === undefined || other.kind !== event.kind) return false
    if (event.kind === 'mark' || other.kind === 'mark')
      return event.kind === 'mark' && other.kind === 'mark' && event.name === other.name
    return hasSameBytes(event.payload, other.payload)
  })
}

function hasSameBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}

function eventsRemark(outcomes: readonly Outcome[], seen: Observation): string {
  const wanted = outcomes.find(({ verdict }) => verdict === 'OK') ?? outcomes[0]
  const expected = wanted === undefined ? '' : `expected ${listOf(wanted.events)}, `
  if (seen.fault !== null) return `${expected}came ${seen.fault}`
  // What may be either way needs no expectation.
  if (wanted?.verdict === 'INFORMATIONAL') return `came ${listOf(seen.events)}, ${nameOfClose(seen)}`
  const late = seen.expired ? ' until the time was over' : ''
  return `${expected}came ${listOf(seen.events)}${late}`
}

const shownEvents = 4
const shownCharacters = 24

function listOf(events: readonly Event[]): string {
  if (events.length === 0) return 'nothing'
  const shown = events.slice(0, shownEvents).map(nameOf)
  if (events.length > shownEvents) shown.push(`${events.length - shownEvents} more`)
  return shown.join(', ')
}

function nameOf(event: Event): string {
  if (event.kind === 'mark') return event.name
  const { kind, payload } = event
  if (payload.length === 0) return `an empty ${kind}`
  const start = payload.subarray(0, shownCharacters)
  const isPlain = start.every((byte) => byte >= 0x20 && byte < 0x7f)
  const shown = isPlain
    ? `"${String.fromCharCode(...start)}"`
    : Array.from(start, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const more = payload.length > shownCharacters ? `… of ${payload.length.toLocaleString('en')} bytes` : ''
  return `${kind} ${shown}${more}`
}
