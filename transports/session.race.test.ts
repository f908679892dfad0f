// What a session does on the ladder: it starts with the best, lets the next ones join after 300 ms, takes the first that opens, and climbs (R31, R32).
import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from './clock.harness.ts'
import { auto } from './contract.ts'
import { LinkError } from './errors.ts'
import { problem } from './problem.ts'
import { at, messages, type Opening, playedTransport, turn } from './session.harness.ts'
import type { SessionEvent } from './session.state.ts'
import { Session } from './session.ts'
import { raceStepMs } from './session-openings.ts'

let clock: ManualClock
let openings: Opening[]
let events: SessionEvent[]
let session: Session

beforeEach(() => {
  clock = new ManualClock()
  openings = []
  events = []
  session = new Session({
    base: new URL('http://127.0.0.1'),
    room: 'lounge',
    transports: ['polls', 'stream', 'socket', 'library'].map((name) => playedTransport(name, openings)),
    transport: auto,
    fallback: ['socket', 'stream', 'polls'],
    last: 50,
    onEvent: (event) => events.push(event),
    clock,
    random: () => 0.5,
  })
  session.start()
})

/** The newest opening of a transport. */
function of(transport: string): Opening {
  const found = openings.findLast((one) => one.transport === transport)
  if (found === undefined) throw new Error(`no ${transport} was opened`)
  return found
}

const tried = () => openings.map(({ transport }) => transport)
const aborted = (transport: string) => of(transport).request.signal.aborted
const standings = () => session.state.ladder.map(({ transport, standing }) => `${transport} ${standing}`)
const fallbacks = () => events.filter((event) => event.kind === 'fell-back')
const switches = () =>
  events.flatMap((event) => (event.kind === 'switched' ? [`${event.report.from} → ${event.report.to}`] : []))
const handedUp = () =>
  events.flatMap((event) => (event.kind === 'messages' ? event.messages.map(({ offset }) => offset) : []))
const refused = (detail = 'The handshake was refused.') => new LinkError('network', detail)

/** The next ones join, one a step. */
async function steps(count: number): Promise<void> {
  for (let step = 0; step < count; step++) {
    clock.advance(raceStepMs)
    await turn()
  }
}

describe('R32: a race up the ladder', () => {
  test('begins with the best alone, which has 300 ms to itself', async () => {
    expect(session.state).toMatchObject({ wished: auto, transport: 'socket', phase: 'connecting' })
    clock.advance(raceStepMs - 1)
    expect(tried()).toEqual(['socket'])
    await of('socket').succeed(0)
    await steps(20)
    expect(tried()).toEqual(['socket'])
    expect(standings()).toEqual(['socket open', 'stream untried', 'polls untried'])
  })

  test('one that is not open in time is joined by the next, and that by the next', async () => {
    await steps(1)
    expect(tried()).toEqual(['socket', 'stream'])
    expect(standings()).toEqual(['socket opening', 'stream opening', 'polls untried'])
    await steps(1)
    expect(tried()).toEqual(['socket', 'stream', 'polls'])
    await steps(5)
    expect(tried()).toHaveLength(3)
    expect(session.state.links.map(({ transport, phase }) => `${transport} ${phase}`)).toEqual([
      'socket opening',
      'stream opening',
      'polls opening',
    ])
  })

  test('one that fails is followed at once, and the session says why', async () => {
    await of('socket').fail(refused())
    expect(tried()).toEqual(['socket', 'stream'])
    await of('stream').succeed(0)
    expect(session.state).toMatchObject({ phase: 'open', transport: 'stream', wished: auto })
    expect(fallbacks()).toEqual([
      { kind: 'fell-back', from: 'socket', to: 'stream', detail: 'The handshake was refused.' },
    ])
    expect(session.state.ladder[0]).toEqual({
      transport: 'socket',
      standing: 'skipped',
      detail: 'The handshake was refused.',
      untilMs: clock.nowMs() + 60_000,
    })
  })

  test('the best wins after others have joined: they are given up, and nothing comes of them', async () => {
    await steps(2)
    await of('socket').succeed(0)
    expect([aborted('stream'), aborted('polls')]).toEqual([true, true])
    expect(session.state.links).toHaveLength(1)
    await of('stream').succeed(0)
    expect(of('stream').closes).toBe(1)
    expect(session.state.transport).toBe('socket')
    expect(switches()).toEqual([])
  })

  test('the second best wins: it carries the session while the best may go on, which overtakes it without a loss', async () => {
    session.send('ada', 'hello')
    await steps(2)
    await of('stream').succeed(2)
    expect([aborted('socket'), aborted('polls')]).toEqual([false, true])
    of('stream').deliver(messages(1, 2))
    expect(session.state).toMatchObject({ phase: 'open', transport: 'stream' })
    expect(of('stream').sent.map(({ draft }) => draft.text)).toEqual(['hello'])
    await of('socket').succeed(3)
    expect(session.state.links.map(({ transport, phase }) => `${transport} ${phase}`)).toEqual([
      'stream closing',
      'socket catching-up',
    ])
    of('socket').deliver(messages(1, 3))
    await turn()
    expect(of('stream').closes).toBe(1)
    expect(session.state).toMatchObject({ phase: 'open', transport: 'socket', skipped: [] })
    expect(switches()).toEqual(['stream → socket'])
    expect(handedUp()).toEqual([1, 2, 3])
    // Its fate was not known when the link went.
    expect(of('socket').sent.map(({ draft }) => draft.text)).toEqual(['hello'])
    expect(fallbacks()).toEqual([])
  })

  test('the best never opens: a second after the other it is left alone, the reason is said, and the other goes on', async () => {
    await steps(1)
    await of('stream').succeed(0)
    expect(fallbacks()).toEqual([])
    clock.advance(1000)
    expect(aborted('socket')).toBe(true)
    await of('socket').fail(new LinkError('local', 'Given up.'))
    expect(session.state).toMatchObject({ phase: 'open', transport: 'stream' })
    expect(fallbacks()).toEqual([
      { kind: 'fell-back', from: 'socket', to: 'stream', detail: 'The link did not open within 1.3 s.' },
    ])
  })

  test('R24: each that joins has a session of its own, so that the server takes none for the successor of another; the winner’s stays', async () => {
    await steps(2)
    const ids = openings.map(({ request }) => request.session)
    expect(new Set(ids).size).toBe(3)
    await of('stream').succeed(0)
    await of('socket').fail(refused())
    of('stream').end()
    clock.advance(1000)
    await turn()
    expect(openings).toHaveLength(4)
    expect(openings[3]?.request).toMatchObject({ session: ids[1], link: 4 })
  })

  test('the one that won is cut while a better one is still being opened: the race goes on', async () => {
    await steps(1)
    await of('stream').succeed(0)
    of('stream').end()
    expect(session.state.phase).toBe('connecting')
    await steps(1)
    expect(tried()).toEqual(['socket', 'stream', 'stream'])
    await of('stream').succeed(0)
    expect(session.state).toMatchObject({ phase: 'open', transport: 'stream' })
  })

  test('what several bring before any of them counts as open comes up once', async () => {
    await steps(1)
    of('stream').deliver(messages(1, 2))
    of('socket').deliver(messages(1, 3))
    await of('socket').succeed(3)
    of('stream').deliver(messages(3, 4))
    of('socket').deliver(messages(4, 4))
    expect(handedUp()).toEqual([1, 2, 3, 4])
  })

  test('one that began with the newest messages, after what another has brought: it is opened once more, where that left off', async () => {
    await steps(1)
    await of('stream').succeed(2)
    of('stream').deliver(messages(1, 2))
    // Two more have come meanwhile; it asked for the last ones, as nothing was known when it began.
    await of('socket').succeed(4, 4)
    expect(session.state).toMatchObject({ phase: 'open', transport: 'stream' })
    expect(openings[0]?.closes).toBe(1)
    expect(tried()).toEqual(['socket', 'stream', 'socket'])
    const ids = openings.map(({ request }) => request.session)
    expect(of('socket').request).toMatchObject({ session: ids[0], link: 3, start: { after: at(2) } })
    await of('socket').succeed(4)
    of('socket').deliver(messages(3, 5))
    expect(session.state).toMatchObject({ phase: 'open', transport: 'socket', skipped: [], trouble: null })
    expect(handedUp()).toEqual([1, 2, 3, 4, 5])
    expect(fallbacks()).toEqual([])
    expect(switches()).toEqual(['stream → socket'])
  })

  test('the same where it brings something before it counts as open, and the other one has not opened either', async () => {
    await steps(1)
    of('stream').deliver(messages(1, 2))
    of('socket').deliver(messages(5, 5))
    expect(aborted('socket')).toBe(false)
    expect(openings[0]?.request.signal.aborted).toBe(true)
    expect(standings()).toEqual(['socket opening', 'stream opening', 'polls untried'])
    await of('socket').succeed(5)
    of('socket').deliver(messages(3, 5))
    expect(session.state).toMatchObject({ phase: 'open', transport: 'socket', trouble: null })
    expect(aborted('stream')).toBe(true)
    expect(handedUp()).toEqual([1, 2, 3, 4, 5])
  })

  test('a switch to auto that such a race carries out is told to whoever asked for it', async () => {
    await of('socket').fail(refused())
    session.reconnect()
    const switched = session.switchTo(auto)
    await steps(1)
    of('stream').deliver(messages(1, 2))
    await of('socket').succeed(4, 4)
    await of('socket').succeed(2)
    await expect(switched).resolves.toMatchObject({ to: 'socket' })
  })

  test('all of them fail: it was the network; nothing is held against any, and the next try is a race again', async () => {
    await of('socket').fail(refused())
    await of('stream').fail(refused())
    await of('polls').fail(refused())
    expect(session.state).toMatchObject({ phase: 'waiting', skipped: [] })
    clock.advance(1000)
    await steps(1)
    expect(tried()).toEqual(['socket', 'stream', 'polls', 'socket', 'stream'])
  })

  test('the last one fails while a better one is still being opened: that one has its time', async () => {
    await steps(2)
    await of('stream').fail(refused())
    await of('polls').fail(refused())
    expect(session.state.phase).toBe('connecting')
    expect(session.state.ladder.map(({ standing }) => standing)).toEqual(['opening', 'failed', 'failed'])
    await of('socket').succeed(0)
    expect(session.state).toMatchObject({ phase: 'open', transport: 'socket' })
  })

  test('a server that turns clients away speaks for all: the others are given up, and its time is kept', async () => {
    await steps(1)
    const busy = problem('draining', 'Going away.', { retryAfterMs: 5000 })
    await of('stream').fail(new LinkError('peer', 'Going away.', { retryAfterMs: 5000, problem: busy }))
    expect(aborted('socket')).toBe(true)
    expect(session.state.phase).toBe('waiting')
    clock.advance(4999)
    await turn()
    expect(tried()).toEqual(['socket', 'stream'])
  })

  test('R33: what has worked is believed: clients that were cut come back with one handshake each', async () => {
    await of('socket').succeed(1)
    of('socket').deliver(messages(1, 1))
    of('socket').end()
    clock.advance(1000)
    await steps(10)
    expect(tried()).toEqual(['socket', 'socket'])
  })

  test('a stranger who refuses what was open, a proxy that wants a login say, ends nothing for good', async () => {
    await of('socket').fail(refused())
    await of('stream').fail(refused())
    await of('polls').succeed(0)
    of('polls').deliver(messages(1, 1))
    of('polls').end({ cause: 'refused', retry: true, detail: 'The server answered 403.' })
    const stranger = () => new LinkError('refused', 'The server answered 403.')
    for (let round = 0; round < 6; round++) {
      clock.advance(30_000)
      await turn()
      for (const opening of openings) await opening.fail(stranger())
    }
    expect(session.state.phase).toBe('waiting')
    clock.advance(30_000)
    await turn()
    const next = openings.at(-1)
    await next?.succeed(1)
    expect(session.state.phase).toBe('open')
  })

  test('another network, and nothing that has worked is believed any more: it is a race', async () => {
    await of('socket').succeed(1)
    of('socket').deliver(messages(1, 1))
    of('socket').end()
    session.reconnect()
    await steps(1)
    expect(tried()).toEqual(['socket', 'socket', 'stream'])
  })

  test('a tab that was shown, and all is well: the next cut is answered by one handshake (R33)', async () => {
    await of('socket').succeed(1)
    of('socket').deliver(messages(1, 1))
    session.reconnect()
    of('socket').reads += 1
    of('socket').end()
    clock.advance(30_000)
    await steps(10)
    expect(tried()).toEqual(['socket', 'socket'])
  })

  test('what has worked and is stopped now, while the server answers by other means, is not tried again first', async () => {
    await of('socket').succeed(1)
    of('socket').deliver(messages(1, 1))
    of('socket').end()
    clock.advance(30_000)
    await turn()
    await of('socket').fail(new LinkError('network', 'Stopped on the way.', { isBlocked: true }))
    expect(tried()).toEqual(['socket', 'socket', 'stream'])
    await of('stream').succeed(1)
    expect(session.state.ladder[0]).toMatchObject({ standing: 'skipped', detail: 'Stopped on the way.' })
  })

  test('a link that owes the sign of life that it was asked for is of another network: it is a race', async () => {
    await of('socket').succeed(1)
    of('socket').deliver(messages(1, 1))
    session.reconnect()
    of('socket').end({ cause: 'idle', retry: true, detail: 'It was silent.' })
    clock.advance(30_000)
    await turn()
    await steps(1)
    expect(tried().slice(0, 3)).toEqual(['socket', 'socket', 'stream'])
  })

  test('closing gives up all of them', async () => {
    await steps(2)
    await session.close()
    expect(openings.map(({ request }) => request.signal.aborted)).toEqual([true, true, true])
    await steps(5)
    expect(tried()).toHaveLength(3)
  })
})

describe('R31: climbing back', () => {
  test('a better one is tried again beside the link that works, a minute later, and takes over', async () => {
    await of('socket').fail(refused())
    await of('stream').succeed(1)
    of('stream').deliver(messages(1, 1))
    clock.advance(60_000)
    expect(tried()).toEqual(['socket', 'stream', 'socket'])
    expect(session.state).toMatchObject({ phase: 'open' })
    await of('socket').succeed(2)
    of('socket').deliver(messages(2, 2))
    await turn()
    expect(session.state).toMatchObject({ transport: 'socket', skipped: [], wished: auto })
    expect(of('stream').closes).toBe(1)
    expect(switches()).toEqual(['stream → socket'])
    expect(handedUp()).toEqual([1, 2])
  })

  test('one that is still blocked is left alone for longer', async () => {
    await of('socket').fail(refused())
    await of('stream').succeed(0)
    clock.advance(60_000)
    await of('socket').fail(refused('Still refused.'))
    expect(session.state.ladder[0]).toMatchObject({
      standing: 'skipped',
      detail: 'Still refused.',
      untilMs: clock.nowMs() + 120_000,
    })
  })
})

describe('choosing', () => {
  test('one of them by hand, then auto again: the best that is not left alone', async () => {
    await of('socket').fail(refused())
    await of('stream').succeed(0)
    const toPolls = session.switchTo('polls')
    await of('polls').succeed(0)
    await expect(toPolls).resolves.toMatchObject({ from: 'stream', to: 'polls' })
    expect(session.state.wished).toBe('polls')
    const back = session.switchTo(auto)
    expect(tried().at(-1)).toBe('stream')
    await of('stream').succeed(0)
    await expect(back).resolves.toMatchObject({ from: 'polls', to: 'stream' })
    expect(session.state).toMatchObject({ wished: auto, transport: 'stream' })
  })

  test('auto while the best is in use changes nothing but the wish', async () => {
    await of('socket').succeed(0)
    await session.switchTo('socket')
    await expect(session.switchTo(auto)).resolves.toMatchObject({ from: 'socket', to: 'socket' })
    expect(tried()).toEqual(['socket'])
    expect(session.state.wished).toBe(auto)
  })

  test('one that is not on the ladder', async () => {
    await of('socket').succeed(0)
    const switched = session.switchTo('library')
    await of('library').succeed(0)
    await expect(switched).resolves.toMatchObject({ to: 'library' })
    expect(session.state.ladder.map(({ transport }) => transport)).toEqual([
      'library',
      'socket',
      'stream',
      'polls',
    ])
  })

  test('another one in the middle of a race', async () => {
    await steps(1)
    const switched = session.switchTo('polls')
    expect([aborted('socket'), aborted('stream')]).toEqual([true, true])
    await of('polls').succeed(0)
    await expect(switched).resolves.toMatchObject({ to: 'polls' })
    await steps(5)
    expect(tried()).toEqual(['socket', 'stream', 'polls'])
  })
})
