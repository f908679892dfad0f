// What must be seen in each cell: the causes for which a link may close under each fault, on each transport. Pure data.
import { describeTransport } from '../../transports/catalogue.ts'
import type { TransportName } from '../../transports/contract.ts'
import type { LinkCause } from '../../transports/errors.ts'

export interface Expectation {
  /** One of these; `local` is the end that the reader asks for when all is over, so the fault has ended nothing. */
  readonly causes: readonly LinkCause[]
  /** Why, where it is more than one, or none that a fault of this name suggests. */
  readonly why: string | null
}

type Row = Readonly<Record<'ask' | 'push', Expectation>> & {
  /** Transports that differ from their group. */
  readonly but?: Readonly<Record<TransportName, Expectation>>
}

const lives: Expectation = { causes: ['local'], why: null }
const one = (cause: LinkCause, why: string | null = null): Expectation => ({ causes: [cause], why })

const whoeverFirst: Expectation = {
  causes: ['idle', 'network'],
  why: 'both ends watch, and whichever is the first to miss the other ends it: the reader as `idle`, the server by cutting the connection',
}

const pollsBetween =
  'a poll holds no connection between two polls: one that is under way fails, the next one opens another'

const healed: Row['but'] = {
  'server-sent-events': {
    causes: ['local', 'network'],
    why: 'an EventSource comes back by itself, with the id of the last event: the link lives on when that succeeds at the first try',
  },
}

const table: Readonly<Record<string, Row>> = {
  none: { ask: lives, push: lives },
  'delay and jitter': { ask: lives, push: lives },
  'narrow bandwidth': { ask: lives, push: lives },
  'short stall': { ask: lives, push: lives },
  'long stall': {
    ask: one('local', 'a poll waits for its answer for ten seconds, and this stall is shorter'),
    push: whoeverFirst,
  },
  'cut (RST)': {
    ask: { causes: ['local', 'network'], why: pollsBetween },
    push: one('network'),
    but: healed,
  },
  'cut (FIN)': {
    ask: { causes: ['local', 'network'], why: pollsBetween },
    push: one('network'),
    but: healed,
  },
  'half-open': {
    ask: one(
      'idle',
      'no answer to a poll within ten seconds; what the server keeps for one that is parked, the deadline frees at the latest',
    ),
    push: one('idle'),
  },
  'slow reader': {
    ask: one('local', 'a poll that is read slowly is answered late, and no other is asked meanwhile'),
    push: whoeverFirst,
  },
  'slow application': {
    ask: one('local', 'nothing is asked before the last answer is taken'),
    push: whoeverFirst,
    but: {
      'http2-push': one(
        'local',
        'the connection goes on to answer for the stream, whose flow control holds the rest back',
      ),
      'socket-io': one(
        'slow',
        'its library can’t stop reading, so the reader ends a link on which too much waits, and reads on from its cursor',
      ),
      'server-sent-events': one(
        'local',
        'the connection goes on to answer for the stream, whose flow control holds the rest back',
      ),
    },
  },
  'buffering proxy': { ask: lives, push: lives },
  're-chunked bytewise': { ask: lives, push: lives },
  're-chunked joined': { ask: lives, push: lives },
  'server killed': { ask: one('network'), push: one('network'), but: healed },
  'server restarted': {
    ask: {
      causes: ['peer', 'network'],
      why: 'a poll is told so while the server goes away, and finds nobody when it has gone',
    },
    push: one('peer'),
  },
  'switch under way': { ask: one('replaced'), push: one('replaced') },
  'log trimmed': {
    ask: one('network', 'kept out for longer than between two polls'),
    push: one('network'),
    but: healed,
  },
  'new epoch': {
    ask: { causes: ['local', 'network'], why: pollsBetween },
    push: one('network'),
    but: healed,
  },
  'a delivery lost': { ask: lives, push: lives },
}

/** Throws for a fault that has no line. */
export function expected(fault: string, transport: TransportName): Expectation {
  const row = table[fault]
  if (row === undefined) throw new Error(`Nothing is said of what "${fault}" must lead to.`)
  return row.but?.[transport] ?? row[describeTransport(transport).link === 'stays' ? 'push' : 'ask']
}

/** The faults that something is said of. */
export const expectedFaults: readonly string[] = Object.keys(table)

export const properties = ['order', 'once', 'resume', 'bounded', 'closed'] as const
export type Property = (typeof properties)[number]

/** What each property means, for the page. */
export const meanings: Readonly<Record<Property, string>> = {
  order:
    'Every link hands up consecutive offsets; so does the session, over all its links. What one writer sent stands in the log in the order of sending.',
  once: 'No id is twice in the log, and no offset comes up twice, whatever was sent or delivered again.',
  resume:
    'What was said during the fault arrives after it, to a reader that was cut before its first message too; every new link begins at the cursor, so that nothing comes down twice (but for the overlap of a switch); every draft is acknowledged; a gap or a reset comes where the fault makes one, once, and nowhere else. A former link is let go only when the new one has caught up.',
  bounded:
    'At every moment, looked at every 25 ms, what the server holds in its own memory for its fullest connection, and what any client holds, stays under the bound.',
  closed:
    'Every link that was opened closes exactly once, the bare link for the cause in the cell; nothing is received afterwards; no place is left at the server.',
}

/** Cells of a property to which a fault says nothing, and why. They are checked all the same where there is something to check. */
export function doesNotApply(fault: string, property: Property): string | null {
  if (fault === 'a delivery lost' && property === 'closed')
    return 'the fault lies between the session and its link, so no bare link meets it; the session’s links are checked'
  return null
}
