// What chaos does: every kind of fault in one table, and how long each takes. Pure.
import { describeTransport } from '../../transports/catalogue.ts'

/** Done to one client's links, through its relays. */
export const linkFaults = [
  'cut-rst',
  'cut-fin',
  'stall-short',
  'stall-long',
  'black-hole',
  'slow-reader',
  'buffering-proxy',
  'bytewise',
  'joined',
  'switch',
] as const

/** Done to the server, and so to everybody. */
export const serverFaults = ['kill', 'restart'] as const

export type LinkFault = (typeof linkFaults)[number]
export type ServerFault = (typeof serverFaults)[number]
export type FaultKind = LinkFault | ServerFault

export const faultKinds: readonly FaultKind[] = [...linkFaults, ...serverFaults]

/** What counts as having happened to a transport, for people. */
export const faultTexts: Readonly<Record<FaultKind, string>> = {
  'cut-rst': 'a TCP reset on an open connection of a live link',
  'cut-fin': 'an orderly end of such a connection, without a word of the protocol on it',
  'stall-short': 'nothing passes for less than the link takes to find itself dead',
  'stall-long': 'nothing passes for longer than that, and the link found it',
  'black-hole': 'half-open: nothing passes, nobody is told; the link found it and came back',
  'slow-reader': 'the client takes a few KB a second, or nothing, for seconds',
  'buffering-proxy': 'bytes are held until there are 4 KB of them, or for 1 s',
  bytewise: 'bytes arrive one at a time, up to 512 of what is read at a time',
  joined: 'bytes arrive joined, everything up to a pause at once',
  switch: 'a session changed to this transport while messages flow',
  kill: 'SIGKILL of the server while a link of this transport was live, and a start on the same data',
  restart: 'SIGTERM, a graceful end, and a start on the same data',
}

/** A question that is not answered by then is given up, ms; of a long poll, after what it asked to be held for. */
const answerMs = 10_000

/**
 * How long a client of this transport may take to find that nothing comes any more, in ms. `waitMs`: what a long poll asks to be held for.
 */
export function livenessMs(transport: string, heartbeatMs: number, waitMs: number): number {
  switch (describeTransport(transport).link) {
    case 'asks':
      return answerMs
    case 'parks':
      return waitMs + answerMs
    case 'stays':
      // Two heartbeats that don't come.
      return 2 * heartbeatMs
  }
}

/** About how long a fault lasts until its client is back, in ms: what doesn't fit into the time left isn't begun. */
export function expectedMs(kind: LinkFault, liveMs: number): number {
  switch (kind) {
    case 'stall-long':
    case 'black-hole':
      return liveMs * 1.3 + 2000
    case 'slow-reader':
    case 'buffering-proxy':
      return 6000
    case 'cut-rst':
    case 'cut-fin':
    case 'stall-short':
    case 'bytewise':
    case 'joined':
    case 'switch':
      return 3000
  }
}
