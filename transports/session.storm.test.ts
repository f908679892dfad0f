// A thousand sessions that lose their links in one moment, on a clock that the test moves: they come back spread over time (R33).
import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock, seededRandom } from './clock.harness.ts'
import { LinkError } from './errors.ts'
import { RoomHub } from './hub/hub.ts'
import { MemoryLog } from './hub/memory-log.ts'
import { serverLimits } from './limits.ts'
import { type Opening, playedTransport, turn } from './session.harness.ts'
import { Session } from './session.ts'
import { busiestShare } from './storm.harness.ts'

const clients = 1000
const seed = Number(process.env.PARLEY_SEED ?? 20_261_122)

let clock: ManualClock
/** By session, the openings that it asked for. */
let openings: Opening[][]
/** When each opening was asked for, ms from the storm's beginning. */
let attempts: { readonly client: number; readonly atMs: number }[]
let stormAtMs: number

beforeEach(async () => {
  clock = new ManualClock()
  openings = []
  attempts = []
  const random = seededRandom(seed)
  for (let client = 0; client < clients; client++) {
    const own: Opening[] = []
    openings.push(own)
    const played = playedTransport('played', own)
    const session = new Session({
      base: new URL('http://127.0.0.1'),
      room: 'storm',
      transports: [
        {
          ...played,
          open: (request) => {
            attempts.push({ client, atMs: clock.nowMs() - stormAtMs })
            return played.open(request)
          },
        },
      ],
      transport: 'played',
      last: 0,
      onEvent: () => undefined,
      clock,
      random,
    })
    session.start()
    own[0]?.open(0)
  }
  await turn()
  clock.advance(10_000)
  attempts = []
  stormAtMs = clock.nowMs()
})

const times = (): readonly number[] => attempts.map(({ atMs }) => atMs)

/** Moves on in small steps; each opening since the last step is dealt with. */
async function weather(forMs: number, deal: (opening: Opening) => void): Promise<void> {
  let dealt = attempts.length
  for (let passedMs = 0; passedMs < forMs; passedMs += 10) {
    clock.advance(10)
    for (; dealt < attempts.length; dealt++) {
      const opening = openings[attempts[dealt]?.client ?? 0]?.at(-1)
      if (opening !== undefined) deal(opening)
    }
    await turn()
  }
}

describe(`R33: ${clients} clients that are cut at once (seed ${seed})`, () => {
  test('come back over two seconds, and no 100 ms see 8 % of them', async () => {
    for (const own of openings) own[0]?.end()
    await weather(2000, (opening) => opening.open(0))
    expect(attempts).toHaveLength(clients)
    expect(busiestShare(times(), clients, 100)).toBeLessThan(0.08)
    // Spread, and not merely late: both halves of the time are used.
    const early = times().filter((atMs) => atMs < 1000).length
    expect(early / clients).toBeGreaterThan(0.4)
    expect(early / clients).toBeLessThan(0.6)
  })

  test('and find nobody there, come less and less often', async () => {
    for (const own of openings) own[0]?.end()
    await weather(60_000, (opening) => opening.refuse(new LinkError('network', 'nobody there')))
    const first = new Map(attempts.toReversed().map(({ client, atMs }) => [client, atMs]))
    expect(busiestShare([...first.values()], clients, 100)).toBeLessThan(0.08)
    // Where every try fails at once the second ones fall among the last of the first: nobody is there to be hurt by them.
    expect(busiestShare(times(), clients, 100)).toBeLessThan(0.1)
    const inSpan = (from: number, to: number) => times().filter((atMs) => atMs >= from && atMs < to).length
    // With a spread of 10 s each tries about every 5 s.
    expect(inSpan(0, 10_000) / clients).toBeLessThan(4)
    expect(inSpan(50_000, 60_000) / clients).toBeLessThan(2.5)
  })

  test('and are sent away with Retry-After, obey it: none comes earlier, and then they are spread', async () => {
    for (const own of openings) own[0]?.end()
    await weather(2000, (opening) =>
      opening.refuse(new LinkError('refused', 'Busy.', { retry: true, retryAfterMs: 5000 })),
    )
    const first = new Map(attempts.map(({ client, atMs }) => [client, atMs]))
    expect(first.size).toBe(clients)
    const before = attempts.length
    await weather(10_000, (opening) => opening.open(0))
    const second = attempts.slice(before)
    expect(second).toHaveLength(clients)
    for (const { client, atMs } of second) {
      expect(atMs - (first.get(client) ?? 0), `client ${client}`).toBeGreaterThanOrEqual(5000)
    }
    const share = busiestShare(
      second.map(({ atMs }) => atMs),
      clients,
      100,
    )
    expect(share).toBeLessThan(0.08)
  })

  test('by a server that drains, are told different times, and come back at those', async () => {
    const hub = new RoomHub(new MemoryLog({ epoch: 'e', unixMs: () => 0, keepMessages: 10 }), {
      clock,
      random: seededRandom(seed + 1),
    })
    const asked: number[] = []
    for (const own of openings) {
      const subscription = hub.subscribe(
        'storm',
        { last: 0 },
        {
          write: () => true,
          close: ({ retryAfterMs = 0, detail }) => {
            asked.push(retryAfterMs)
            own[0]?.end({ cause: 'peer', retry: true, retryAfterMs, detail })
            subscription.leave()
          },
          terminate: () => undefined,
          queuedBytes: () => 0,
        },
      )
    }
    await hub.drain()
    expect(asked).toHaveLength(clients)
    expect(Math.max(...asked)).toBeLessThanOrEqual(serverLimits.drainAwayMs + serverLimits.drainSpreadMs)
    await weather(serverLimits.drainAwayMs + serverLimits.drainSpreadMs + 2000, (opening) => opening.open(0))
    expect(attempts).toHaveLength(clients)
    expect(busiestShare(times(), clients, 100)).toBeLessThan(0.04)
    for (const { client, atMs } of attempts) expect(atMs).toBeGreaterThanOrEqual(asked[client] ?? 0)
  })
})
