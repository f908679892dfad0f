// The relay's interface: what a test, the bench or chaos can ask of it. No I/O here.
import type { Profile } from './profile.ts'

/** `up` is from the client to the server, `down` from the server to the client. */
export type Direction = 'up' | 'down'

/** How a connection is cut: `rst`, both ends get a TCP reset at once; `fin`, both get an orderly end behind what was forwarded. */
export type Cut = 'rst' | 'fin'

export interface Target {
  /** 127.0.0.1 unless told. */
  readonly host?: string
  readonly port: number
}

export interface RelayOptions {
  /** On loopback; 0 takes a free one, which is the default. */
  readonly listenPort?: number
  readonly target: Target
  /** What holds from the start, see `profile.ts`; `profiles.none` forwards as it comes. */
  readonly profile: Profile
  /** Of jitter, and of a profile's own stalls and cuts. The same seed gives the same faults to the n-th connection. */
  readonly seed: number
}

/**
 * What can be done at run time, to a whole relay or to one connection. A relay's stall, black hole, slow reader and profile
 * also hold for connections that come later; a connection's own end with it.
 */
export interface Acts {
  /** Cuts what is open. What the relay still held is lost with `rst` and `fin` alike. New connections are taken. */
  cut(how: Cut): void
  /** Forwards nothing for so many ms, in one direction or both; nothing is lost. A longer stall that is under way stands. */
  stall(durationMs: number, direction?: Direction): void
  /**
   * Half-open: from now on nothing passes in either direction and neither end is told, not even of the other's end.
   * What an end sends is swallowed up to the profile's `bufferBytes` and not read beyond that, as its kernel would wait for
   * acknowledgements that never come. Ends with `heal`, which resets what was black-holed: that never comes back to life.
   */
  blackHole(): void
  /**
   * Reads from the server only so many bytes a second; 0 reads nothing at all. The server then sees a client that reads slowly.
   * The relay itself and the kernel hold a buffer's worth before the server notices. Ends with `heal`.
   */
  slowReader(bytesPerSecond: number): void
  /** Goes over to another profile. What is under way keeps the delay that it was given; order is kept. */
  setProfile(profile: Profile): void
  /** Ends stalls, slow readers, black holes and refusals; the profile stays. */
  heal(): void
}

/** One client's connection and the one to the server that belongs to it. */
export interface RelayConnection extends Acts {
  /** Counts from 1, in the order of acceptance; names its random stream. */
  readonly ordinal: number
  /** Bytes forwarded. */
  readonly bytes: Readonly<Record<Direction, number>>
  /** Bytes read and not yet forwarded; bounded by the profile's `bufferBytes` and one read of 64 KiB. */
  readonly heldBytes: Readonly<Record<Direction, number>>
  /** `connecting`: the handshake's round trip, or the dial. `dead`: black-holed. `closed`: nothing is left of it. */
  readonly state: 'connecting' | 'open' | 'dead' | 'closed'
  /** Which ends have closed or reset it by themselves: tells whether a black hole was noticed. */
  readonly left: Readonly<Record<'client' | 'server', boolean>>
  /** Resolves when nothing of it is left. */
  readonly closed: Promise<void>
}

export interface RelayCounts {
  readonly accepted: number
  /** Reset at once, as `refuse` asks for. */
  readonly refused: number
  /** Connections that could not be had from the target; their clients were reset. */
  readonly unreachable: number
  /** Cut by the profile or by `cut`. */
  readonly cut: number
  readonly bytesUp: number
  readonly bytesDown: number
}

/** The relay's own share of the latency, in ms: from the moment at which bytes should have been passed on until they were. */
export interface OwnLatency {
  readonly count: number
  /** Null: too few samples to say it. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly maxMs: number
}

export interface Relay extends Acts {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number
  /** Those that are not closed, in the order of acceptance. */
  readonly connections: readonly RelayConnection[]
  readonly counts: RelayCounts
  readonly profile: Profile
  /** Taken from all that was forwarded without waiting for the receiving end. */
  ownLatency(): OwnLatency
  /**
   * A black hole for all that is open. `newConnections: 'swallow'` (the default): those that come are accepted and go into the
   * hole too, until `heal`. `'pass'`: they are relayed as usual, as when a client has got another way to the server.
   */
  blackHole(options?: { readonly newConnections?: 'swallow' | 'pass' }): void
  /** Resets new connections until `heal`; open ones go on. */
  refuse(): void
  /** Where new connections go from now on; open ones stay. */
  retarget(target: Target): void
  /** Resets what is open and stops listening. Idempotent; resolves when nothing is left. */
  close(): Promise<void>
}
