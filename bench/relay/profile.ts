// What a relay does all the time: profiles as data, one line each, and how they are changed.
import { UsageError } from '../../transports/errors.ts'

/** Standing faults of a path. All times are in ms, all rates in bytes a second. */
export interface Profile {
  readonly name: string
  /** In words, for people. */
  readonly summary: string
  /** One way. A connection's first byte waits for a round trip more (the sum of both), as for TCP's handshake. */
  readonly delayUpMs: number
  readonly delayDownMs: number
  /** Each piece waits 0 to this long on top, drawn evenly; none overtakes another. */
  readonly jitterMs: number
  /** Null: no limit. */
  readonly upBytesPerSecond: number | null
  readonly downBytesPerSecond: number | null
  /** A direction that holds as much stops reading its source. */
  readonly bufferBytes: number
  /** A proxy that passes an answer on only when it has so many bytes, or after so long; both directions. */
  readonly proxy: { readonly bytes: number; readonly holdMs: number } | null
  /** `as-read`; `bytewise`: a write for each byte (see `rechunk.ts` for the bound); `joined`: everything up to a pause in one write. */
  readonly chunks: 'as-read' | 'bytewise' | 'joined'
  /** The whole path stands still now and then: on average so often, between `shortestMs` and `longestMs`. */
  readonly stalls: {
    readonly everyMs: number
    readonly shortestMs: number
    readonly longestMs: number
  } | null
  /** Each connection is cut at some time, on average after so long, by reset or by an orderly end. */
  readonly cuts: { readonly everyMs: number } | null
}

const plain: Profile = {
  name: 'none',
  summary: 'no fault: what the relay itself costs',
  delayUpMs: 0,
  delayDownMs: 0,
  jitterMs: 0,
  upBytesPerSecond: null,
  downBytesPerSecond: null,
  bufferBytes: 256 * 1024,
  proxy: null,
  chunks: 'as-read',
  stalls: null,
  cuts: null,
}

const kilobit = 125

/** A path with the same delay both ways; rates in kbit/s. */
function path(
  summary: string,
  delayMs: number,
  jitterMs: number,
  upKilobits: number,
  downKilobits: number,
): Partial<Profile> {
  return {
    summary,
    delayUpMs: delayMs,
    delayDownMs: delayMs,
    jitterMs,
    upBytesPerSecond: upKilobits * kilobit,
    downBytesPerSecond: downKilobits * kilobit,
  }
}

// biome-ignore format: one line each
const table = {
  none: {},
  lan: path('a wired office: 1 ms there and back, 1 Gbit/s', 0.5, 0.2, 1_000_000, 1_000_000),
  wifi: path('a home: 10 ms there and back, up to 8 ms of jitter, 50 Mbit/s', 5, 8, 20_000, 50_000),
  '4g': path('a phone outdoors: 50 ms there and back, up to 20 ms of jitter, 20 Mbit/s down, 5 up', 25, 20, 5_000, 20_000),
  '3g': path('a phone of 2010: 150 ms there and back, up to 50 ms of jitter, 1.6 Mbit/s down, 0.75 up', 75, 50, 750, 1_600),
  '2g': path('the edge of the network: 400 ms there and back, up to 150 ms of jitter, 240 kbit/s down, 200 up', 200, 150, 200, 240),
  satellite: path('a geostationary satellite: 600 ms there and back, up to 20 ms of jitter, 20 Mbit/s down, 3 up', 300, 20, 3_000, 20_000),
  train: { ...path('4g through tunnels: everything stands still for 1 to 8 s, every 20 s on average', 25, 40, 5_000, 10_000), stalls: { everyMs: 20_000, shortestMs: 1000, longestMs: 8000 } },
  flaky: { ...path('wifi whose connections are cut, each after 10 s on average', 5, 8, 20_000, 50_000), cuts: { everyMs: 10_000 } },
  'buffering-proxy': { summary: 'a proxy that passes on only 4 KB, or what it has after 1 s', proxy: { bytes: 4096, holdMs: 1000 } },
  bytewise: { summary: 'one byte at a time, each in a write of its own, up to 512 of what is read at a time', chunks: 'bytewise' },
  joined: { summary: 'everything up to a pause of 20 ms in one piece', chunks: 'joined' },
} as const satisfies Record<string, Partial<Profile>>

export type ProfileName = keyof typeof table

/** By name. `none` forwards as it comes. */
export const profiles: Readonly<Record<ProfileName, Profile>> = Object.fromEntries(
  Object.entries(table).map(([name, changes]) => [name, { ...plain, ...changes, name }]),
) as Record<ProfileName, Profile>

export const profileNames = Object.keys(table) as readonly ProfileName[]

/** Throws a `UsageError` for a name that isn't in the table. */
export function profileOf(name: string): Profile {
  const found = (profiles as Readonly<Record<string, Profile | undefined>>)[name]
  if (found !== undefined && Object.hasOwn(profiles, name)) return found
  throw new UsageError(`There is no profile "${name}". Known: ${profileNames.join(', ')}.`)
}
