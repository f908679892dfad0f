// The verdicts on a cell: each property held, or what speaks against it. Pure; shares no code with the session.
import type { Delivery } from '../../transports/contract.ts'
import type { Message } from '../../transports/message.ts'
import { doesNotApply, expected, type Property, properties } from './expectations.ts'
import type { Heard } from './people.ts'
import type { Evidence } from './run.ts'
import { bounds } from './scale.ts'
import type { Noted } from './spy.ts'

export interface Verdict {
  readonly property: Property
  /** `apart`: the fault says nothing to it; what there is to check has been checked. */
  readonly result: 'held' | 'broken' | 'apart'
  /** What speaks against it; empty when it held. */
  readonly against: readonly string[]
  /** What was measured, in words. */
  readonly measured: string
}

export interface CellVerdict {
  readonly transport: string
  readonly fault: string
  readonly verdicts: readonly Verdict[]
}

export function judge(evidence: Evidence): CellVerdict {
  const { transport, fault } = evidence
  const verdicts = properties.map((property): Verdict => {
    const { against, measured } = judges[property](evidence)
    const result = against.length > 0 ? 'broken' : doesNotApply(fault, property) === null ? 'held' : 'apart'
    return { property, result, against, measured }
  })
  return { transport, fault, verdicts }
}

interface Judgement {
  readonly against: readonly string[]
  readonly measured: string
}

const judges: Readonly<Record<Property, (evidence: Evidence) => Judgement>> = {
  order,
  once,
  resume,
  bounded,
  closed,
}

function people({ follower, person, quiet }: Evidence): readonly (readonly [string, Heard])[] {
  return [
    ['the bare link', follower],
    ['the session', person],
    ['the quiet session', quiet],
  ]
}

function order(evidence: Evidence): Judgement {
  const { busyLog, person } = evidence
  const against: string[] = []
  let links = 0
  for (const [who, { ledger, received, gaps, resets }] of people(evidence)) {
    for (const noted of ledger.opened) {
      links += 1
      const broken = brokenLink(noted)
      if (broken !== null && evidence.fault !== 'a delivery lost') against.push(`a link of ${who} ${broken}`)
    }
    const jumps = received.filter(
      (message, index) => index > 0 && message.offset !== (received[index - 1]?.offset ?? 0) + 1,
    )
    const told = gaps.length + resets.length
    if (jumps.length > told) against.push(`${who} heard offset ${jumps[0]?.offset} out of turn`)
  }
  const mine = new Set(person.sent)
  const stored = busyLog.filter(({ id }) => mine.has(id)).map(({ id }) => id)
  // Of a log that is gone, its last part may be missing; what is there stands in the order of sending.
  const asSent = person.sent.filter((id) => stored.includes(id))
  const wrong = stored.findIndex((id, index) => id !== asSent[index])
  if (wrong >= 0) against.push(`draft ${wrong + 1} of the session's is stored out of the order of sending`)
  return {
    against,
    measured: `${links} links, ${person.received.length} messages to the session, ${stored.length} drafts in the log`,
  }
}

/** Why what a link handed up is not consecutive; null when it is. */
function brokenLink({ deliveries }: Noted): string | null {
  let at: { readonly epoch: string; readonly offset: number } | null = null
  for (const delivery of deliveries) {
    if (delivery.kind !== 'reset' && at !== null && !sameAs(delivery.after, at))
      return `went on behind ${delivery.after.offset} when it was at ${at.offset}`
    if (delivery.kind === 'messages') {
      const wrong = delivery.messages.findIndex(
        ({ offset }, index) => offset !== delivery.after.offset + index + 1,
      )
      if (wrong >= 0)
        return `handed up offset ${delivery.messages[wrong]?.offset} behind ${delivery.after.offset + wrong}`
    }
    at = delivery.cursor
  }
  return null
}

function sameAs(one: Delivery['cursor'], other: Delivery['cursor']): boolean {
  return one.epoch === other.epoch && one.offset === other.offset
}

function once(evidence: Evidence): Judgement {
  const { busyLog, quietLog, person } = evidence
  const against: string[] = []
  for (const log of [busyLog, quietLog]) {
    const twice = firstTwice(log.map(({ id }) => id))
    if (twice !== null) against.push(`${twice} is twice in the log`)
  }
  for (const [who, { received, resets }] of people(evidence)) {
    // Another log counts anew, and may hold a draft again that the lost one held.
    const epochs = resets.length === 0 ? [received] : splitAtFirstOffset(received)
    for (const part of epochs) {
      const twice = firstTwice(part.map(({ offset }) => offset)) ?? firstTwice(part.map(({ id }) => id))
      if (twice !== null) against.push(`${who} was handed ${twice} twice`)
    }
  }
  const texts = new Set(busyLog.filter(({ user }) => user === 'writer').map(({ text }) => text))
  const drafts = busyLog.filter(({ user }) => user === 'writer').length
  if (texts.size !== drafts)
    against.push(`${drafts - texts.size} of the session's drafts are stored under two ids`)
  const strangers = busyLog.filter(({ id, user }) => user === 'writer' && !person.sent.includes(id))
  if (strangers.length > 0)
    against.push(`${strangers.length} messages in the log were never sent under their ids`)
  return { against, measured: `${busyLog.length} messages in the log` }
}

function firstTwice<T>(values: readonly T[]): T | null {
  const seen = new Set<T>()
  for (const value of values) {
    if (seen.has(value)) return value
    seen.add(value)
  }
  return null
}

/** Before and after the point where offsets begin anew. */
function splitAtFirstOffset(received: readonly Message[]): readonly (readonly Message[])[] {
  const again = received.findIndex(({ offset }, index) => offset === 1 && index > 0)
  return again < 0 ? [received] : [received.slice(0, again), received.slice(again)]
}

function resume(evidence: Evidence): Judgement {
  const { fault, busyLog, quietLog, person, follower, letGoTooEarly } = evidence
  const against = [...evidence.problems]
  let again = 0
  for (const [who, heard] of people(evidence)) {
    const log = heard === evidence.quiet ? quietLog : busyLog
    against.push(...missing(who, heard, log))
    const { ledger, received } = heard
    const opened = ledger.opened
    const twice = ledger.messagesDown - received.length
    if (fault !== 'switch under way' && fault !== 'a delivery lost') {
      again += Math.max(0, twice)
      if (twice > 0) against.push(`${twice} messages came down to ${who} again: ${opened.length} links`)
    }
    against.push(...told(who, heard, fault, heard === evidence.quiet))
  }
  const unknown = person.sent.filter((id) => !person.stored.has(id)).length
  if (unknown > 0) against.push(`${unknown} drafts were never acknowledged`)
  if (letGoTooEarly > 0)
    against.push(`${letGoTooEarly} former links were let go before the new one had caught up`)
  const { opened } = person.ledger
  return {
    against,
    measured: `${opened.length} links of the session, ${follower.ledger.opened.length} bare ones, ${again} messages again`,
  }
}

/** What a reader should have heard, and has not. */
function missing(who: string, { received, gaps, resets }: Heard, log: readonly Message[]): readonly string[] {
  const heard = resets.length === 0 ? received : (splitAtFirstOffset(received).at(-1) ?? [])
  const first = heard[0]?.offset ?? 1
  const skipped = (offset: number): boolean =>
    gaps.some(({ after, cursor }) => offset > after.offset && offset <= cursor.offset)
  const due = log.filter(({ offset }) => offset >= first && !skipped(offset))
  if (heard.length < due.length) return [`${who} has heard ${heard.length} of ${due.length} messages`]
  const wrong = due.findIndex((message, index) => {
    const other = heard[index]
    return other === undefined || other.id !== message.id || other.offset !== message.offset
  })
  if (wrong >= 0) return [`${who} heard something else than the log has at offset ${due[wrong]?.offset}`]
  // It came when the room was empty, so all of it is due.
  return first === 1 ? [] : [`${who} has heard nothing before offset ${first}`]
}

/** Gaps and resets come exactly where the fault makes them. */
function told(who: string, { gaps, resets }: Heard, fault: string, isQuiet: boolean): readonly string[] {
  const wantsGap = fault === 'log trimmed' && !isQuiet
  const wantsReset = fault === 'new epoch'
  const against: string[] = []
  if (wantsGap !== gaps.length > 0 || gaps.length > 1) against.push(`${who} was told ${gaps.length} gaps`)
  if (resets.length !== (wantsReset ? 1 : 0)) against.push(`${who} was told ${resets.length} resets`)
  return against
}

function bounded({ mostServerBytes, mostClientBytes, samples, follower }: Evidence): Judgement {
  const against: string[] = []
  if (samples === 0) against.push('nobody looked at what the server held')
  if (mostServerBytes > bounds.serverBytes)
    against.push(
      `the server held ${mostServerBytes} bytes for one connection; the bound is ${bounds.serverBytes}`,
    )
  if (mostClientBytes > bounds.clientBytes)
    against.push(`a client held ${mostClientBytes} bytes; the bound is ${bounds.clientBytes}`)
  if (follower.calledTooEarly > 0)
    against.push(`a busy application was called ${follower.calledTooEarly} times more before it was ready`)
  return {
    against,
    measured: `server ${mostServerBytes} B, client ${mostClientBytes} B, at most, of ${samples} samples`,
  }
}

const ofCauses = [
  'the bare link closed as ',
  'a later bare link closed as ',
  'the last bare link closed as ',
] as const

/** Whether what speaks against a cell is for what cause a link ended, not whether, or how often. */
export function isOfCauses(against: string): boolean {
  return ofCauses.some((beginning) => against.startsWith(beginning))
}

function closed(evidence: Evidence): Judgement {
  const { follower, fault, transport, placesLeft } = evidence
  const { causes } = expected(fault, transport)
  const against: string[] = []
  for (const [who, { ledger }] of people(evidence)) {
    for (const { link, closings, late } of ledger.links) {
      if (late > 0) against.push(`a link of ${who} handed up ${late} deliveries after it had closed`)
      const wanted = link === null ? 0 : 1
      if (closings.length !== wanted)
        against.push(
          `a link of ${who} that ${link === null ? 'never opened' : 'was open'} closed ${closings.length} times`,
        )
    }
  }
  const seen = follower.ledger.opened.map(({ closings }) => closings[0]?.cause ?? 'none')
  const [first = 'none'] = seen
  if (!causes.some((cause) => cause === first))
    against.push(
      `${ofCauses[0]}${first}, not as ${causes.join(' or ')}: ${follower.ledger.opened[0]?.closings[0]?.detail}`,
    )
  const strange = seen.slice(1).find((cause) => cause !== 'local' && !causes.some((one) => one === cause))
  if (strange !== undefined) against.push(`${ofCauses[1]}${strange}`)
  if (seen.at(-1) !== 'local') against.push(`${ofCauses[2]}${seen.at(-1)}, not because it was asked to`)
  if (placesLeft > 0) against.push(`the server still counts ${placesLeft} readers when all have left`)
  return { against, measured: seen.join(', ') }
}
