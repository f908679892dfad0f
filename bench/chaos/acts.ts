// Commits the faults of the deck on one client, and says whether each came to what it should.
import { describeTransport } from '../../transports/catalogue.ts'
import type { Random } from '../random.ts'
import type { Relay } from '../relay/contract.ts'
import { type Profile, profiles } from '../relay/profile.ts'
import { livenessMs } from './faults.ts'
import type { Person } from './person.ts'
import type { Card } from './plan.ts'
import type { Tally } from './tally.ts'

export interface ActContext {
  readonly transports: readonly string[]
  readonly tally: Tally
  readonly random: Random
  /** Aborted when the time is over. */
  readonly signal: AbortSignal
  heartbeatMs(): number
  /** What a long poll asks to be held for. */
  readonly waitMs: number
}

/**
 * A client that is not where it should be by then is taken for stuck: with the usual heartbeat it takes 20 s to find a link dead,
 * and the server is away at every fourth try or so, which are up to 10 s apart.
 */
export const recoveryLimitMs = 80_000

/** Resolves true as soon as the condition holds; false after `limitMs` or when the run is over. */
export async function until(
  condition: () => boolean,
  limitMs: number,
  signal: AbortSignal | null,
): Promise<boolean> {
  const deadlineMs = performance.now() + limitMs
  while (!condition()) {
    if (signal?.aborted === true || performance.now() >= deadlineMs) return false
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return true
}

/** Waits, unless the run is over before. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await until(() => false, ms, signal)
}

/**
 * Brings the client to the card's transport, commits the fault and ends it. Resolves whether it counts: the link was live, a
 * connection of it was open, and the fault had its effect. The client may still be on its way back.
 */
export async function perform(person: Person, card: Card, context: ActContext): Promise<boolean> {
  const { transport: wished, kind } = card
  if (!(await bring(person, wished, context))) return false
  // The ladder's link is one of a transport: that is what the fault meets, and it counts for both.
  const transport = person.liveTransport
  if (transport === null) return false
  person.trace.add('fault', `${kind} on ${transport === wished ? wished : `${transport} by ${wished}`}`)
  const relay = person.relayOf(transport)
  try {
    if (kind === 'switch') return await switchAbout(person, wished, context)
    const counts = await commit(person, relay, { transport, kind }, context)
    if (counts) for (const name of new Set([wished, transport])) context.tally.count(name, kind)
    return counts
  } finally {
    person.heal()
    person.trace.add('healed', kind)
  }
}

interface RelayCard extends Card {
  readonly kind: Exclude<Card['kind'], 'switch'>
}

function commit(person: Person, relay: Relay, card: RelayCard, context: ActContext): Promise<boolean> {
  const { random } = context
  const { kind, transport } = card
  switch (kind) {
    case 'cut-rst':
    case 'cut-fin':
      return cut(person, relay, kind, random)
    case 'stall-short':
    case 'stall-long':
      return stall(person, relay, card, context)
    case 'black-hole':
      return blackHole(person, relay, transport, context)
    case 'slow-reader': {
      // One time in three it reads nothing at all.
      const bytesPerSecond = random() < 1 / 3 ? 0 : 1000 + random() * 5000
      return during(person, relay, transport, 2000 + random() * 2000, context, () =>
        relay.slowReader(bytesPerSecond),
      )
    }
    case 'buffering-proxy':
      return profile(person, relay, transport, profiles['buffering-proxy'], context)
    case 'bytewise':
    case 'joined':
      return profile(person, relay, transport, profiles[kind], context)
  }
}

/** The client's session over this transport, with a connection beneath. Counts the switch that takes it there. */
async function bring(person: Person, transport: string, context: ActContext): Promise<boolean> {
  for (let tries = 0; tries < 3; tries++) {
    if (!(await until(() => person.liveTransport !== null, recoveryLimitMs, context.signal))) return false
    if (!person.carriers.includes(transport)) await switchTo(person, transport, context)
    if (await until(() => person.isOn(transport), 2000, context.signal)) return true
  }
  return false
}

async function switchTo(person: Person, transport: string, { tally }: ActContext): Promise<void> {
  person.trace.add('switch', `to ${transport}`)
  try {
    const { from, to } = await person.session.switchTo(transport)
    if (from === to) return
    tally.switches += 1
    for (const name of new Set([transport, to])) tally.count(name, 'switch')
  } catch (error) {
    // A link that didn't open, or a newer switch: the session goes on with what it has.
    person.trace.add('no switch', error instanceof Error ? error.message : String(error))
    tally.failedSwitches += 1
  }
}

async function cut(
  person: Person,
  relay: Relay,
  kind: 'cut-rst' | 'cut-fin',
  random: Random,
): Promise<boolean> {
  const before = relay.counts.cut
  // Some are on their way up, and acknowledgements on their way down.
  person.burst(5)
  await new Promise((resolve) => setTimeout(resolve, random() * 20))
  person.broken()
  relay.cut(kind === 'cut-rst' ? 'rst' : 'fin')
  return relay.counts.cut > before
}

async function stall(person: Person, relay: Relay, card: Card, context: ActContext): Promise<boolean> {
  const { random, signal } = context
  const limitMs = livenessMs(card.transport, context.heartbeatMs(), context.waitMs)
  if (card.kind === 'stall-short') {
    const durationMs = Math.min(3000, limitMs * (0.1 + 0.6 * random()))
    relay.stall(durationMs)
    // What it holds shortly before the end is what met it.
    await pause(durationMs * 0.95, signal)
    const held = heldBytes(relay) > 0 && person.liveTransport === card.transport
    await pause(durationMs * 0.05, signal)
    return held
  }
  const ends = person.linkEnds
  const durationMs = limitMs * (1.15 + 0.2 * random()) + 500
  relay.stall(durationMs)
  await pause(durationMs, signal)
  return person.linkEnds > ends
}

async function blackHole(
  person: Person,
  relay: Relay,
  transport: string,
  context: ActContext,
): Promise<boolean> {
  const { random, signal, tally } = context
  const limitMs = livenessMs(transport, context.heartbeatMs(), context.waitMs)
  // Either everything is in the hole, or the client has another way to the server and need only find out.
  const newConnections = random() < 0.5 ? 'pass' : 'swallow'
  const { linkEnds } = person
  const beganMs = performance.now()
  person.broken()
  relay.blackHole({ newConnections })
  const dead = relay.connections.filter(({ state }) => state === 'dead')
  person.trace.add('hole', `of ${dead.length} connections, new ones ${newConnections}`)
  const wasNoticed = await until(() => person.linkEnds > linkEnds, limitMs * 1.25 + 1500, signal)
  if (!wasNoticed) return false
  if (newConnections === 'swallow') {
    await pause(500 + random() * 1500, signal)
    relay.heal()
  }
  const isBack = await until(() => person.newestPublishedMs > beganMs, recoveryLimitMs, signal)
  if (newConnections === 'pass' && isBack && describeTransport(transport).link === 'stays') {
    // The server has its own watch: it lets go of what is dead within two intervals, and what its timers are late by. A
    // connection without a link on it, as polls leave behind, it may keep for longer.
    const leftMs = beganMs + 2.5 * context.heartbeatMs() + 1500 - performance.now()
    const noticed = await until(() => dead.some(({ left }) => left.server), Math.max(0, leftMs), signal)
    if (noticed) tally.serverNoticed += 1
    else if (!signal.aborted) tally.serverMissed += 1
  }
  return isBack
}

function profile(
  person: Person,
  relay: Relay,
  transport: string,
  changed: Profile,
  context: ActContext,
): Promise<boolean> {
  return during(person, relay, transport, 2000 + context.random() * 2000, context, () =>
    relay.setProfile(changed),
  )
}

/** What it has taken and not passed on yet, of all connections. */
function heldBytes(relay: Relay): number {
  return relay.connections.reduce((sum, { heldBytes: held }) => sum + held.up + held.down, 0)
}

/** A fault that lasts: it counts when bytes met it on a connection that was open at its beginning, and the client stayed on its transport. */
async function during(
  person: Person,
  relay: Relay,
  transport: string,
  durationMs: number,
  { signal }: ActContext,
  begin: () => void,
): Promise<boolean> {
  if (!person.isOn(transport)) return false
  const passed = (): number => relay.counts.bytesUp + relay.counts.bytesDown + heldBytes(relay)
  const before = passed()
  begin()
  await pause(durationMs, signal)
  return passed() !== before && person.liveTransport === transport
}

/** A few switches in a row, some of which take the place of the one before; ends anywhere. */
async function switchAbout(person: Person, transport: string, context: ActContext): Promise<boolean> {
  const { transports, random, tally, signal } = context
  if (transports.length < 2) return false
  const before = tally.of(transport, 'switch')
  const others = transports.filter((one) => one !== transport && person.canGoBy(one))
  const other = (): string => others[Math.floor(random() * others.length)] ?? transport
  await switchTo(person, other(), context)
  // This one is not waited for.
  const overtaken = switchTo(person, other(), context)
  await pause(random() * 30, signal)
  await switchTo(person, transport, context)
  await overtaken
  return tally.of(transport, 'switch') > before
}
