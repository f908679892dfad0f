// What a session does when its transport can't be used while another can: it goes over to that one, says why, and comes back (R31, R32).
import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from './clock.harness.ts'
import { LinkError } from './errors.ts'
import { problem } from './problem.ts'
import { messages, type Opening, playedTransport, turn } from './session.harness.ts'
import type { SessionEvent } from './session.state.ts'
import { Session } from './session.ts'

let clock: ManualClock
let openings: Opening[]
let events: SessionEvent[]
let session: Session
/** What the session draws its waits from. */
let draw: number
/** Called within each event of a new state. */
let onState: () => void

beforeEach(() => {
  clock = new ManualClock()
  openings = []
  events = []
  draw = 0.5
  onState = () => undefined
  session = new Session({
    base: new URL('http://127.0.0.1'),
    room: 'lounge',
    transports: ['socket', 'stream', 'polls'].map((name) => playedTransport(name, openings)),
    transport: 'socket',
    fallback: ['socket', 'stream', 'polls'],
    last: 50,
    onEvent: (event) => {
      events.push(event)
      if (event.kind === 'state') onState()
    },
    clock,
    random: () => draw,
  })
  session.start()
})

function last(): Opening {
  const found = openings.at(-1)
  if (found === undefined) throw new Error('nothing was opened')
  return found
}

const tried = () => openings.map(({ transport }) => transport)
const fallbacks = () => events.filter((event) => event.kind === 'fell-back')
const refused = () => new LinkError('network', 'The handshake was refused.')

/** Opens the newest link, lets it bring one message, and cuts it. */
async function useAndCut(offset: number): Promise<void> {
  await last().succeed(offset)
  last().deliver(messages(offset, offset))
  last().end()
}

describe('R32: where a transport is blocked', () => {
  test('that is refused at once, the next one is tried at once, and the session says why', async () => {
    await last().fail(refused())
    expect(tried()).toEqual(['socket', 'stream'])
    await last().succeed(0)
    expect(session.state).toMatchObject({ phase: 'open', transport: 'stream', wished: 'socket' })
    expect(session.state.skipped).toEqual([
      { transport: 'socket', detail: 'The handshake was refused.', untilMs: clock.nowMs() + 60_000 },
    ])
    expect(fallbacks()).toEqual([
      { kind: 'fell-back', from: 'socket', to: 'stream', detail: 'The handshake was refused.' },
    ])
  })

  test('that is never answered, the next one is tried in time to work within 3 s', async () => {
    const began = clock.nowMs()
    clock.advance(2000)
    expect(last().request.signal.aborted).toBe(true)
    await last().fail(new LinkError('local', 'Given up.'))
    expect(tried()).toEqual(['socket', 'stream'])
    await last().succeed(0)
    expect(session.state.phase).toBe('open')
    expect(clock.nowMs() - began).toBeLessThan(3000)
    expect(session.state.skipped[0]?.detail).toBe('The link did not open within 2 s.')
  })

  test('the last that is left has all the time that it needs', async () => {
    await last().fail(refused())
    await last().fail(refused())
    expect(tried()).toEqual(['socket', 'stream', 'polls'])
    clock.advance(9999)
    expect(last().request.signal.aborted).toBe(false)
    clock.advance(1)
    expect(last().request.signal.aborted).toBe(true)
  })

  test('all of them: it is the network. Nothing is held against any, and the next try begins with the wished one', async () => {
    for (let round = 0; round < 2; round++) {
      for (let rung = 0; rung < 3; rung++) await last().fail(refused())
      expect(session.state.phase).toBe('waiting')
      clock.advance(30_000)
    }
    expect(tried().slice(0, 7)).toEqual(['socket', 'stream', 'polls', 'socket', 'stream', 'polls', 'socket'])
    await last().succeed(0)
    expect(session.state).toMatchObject({ transport: 'socket', skipped: [] })
    expect(fallbacks()).toEqual([])
  })

  test('what is lost on the way is sent over the one that works', async () => {
    session.send('ada', 'hello')
    await last().fail(refused())
    await last().succeed(0)
    expect(last().sent.map(({ draft }) => draft.text)).toEqual(['hello'])
  })

  test('a server that turns clients away for now is no reason for another transport', async () => {
    await last().fail(new LinkError('peer', 'Going away.', { retryAfterMs: 500 }))
    expect(session.state.phase).toBe('waiting')
    clock.advance(1500)
    const busy = problem('overloaded', 'Busy.', { retryAfterMs: 500 })
    await last().fail(new LinkError('refused', 'Busy.', { retry: true, retryAfterMs: 500, problem: busy }))
    clock.advance(2500)
    expect(tried()).toEqual(['socket', 'socket', 'socket'])
  })

  test('a proxy that answers in the server’s place is one', async () => {
    await last().fail(new LinkError('refused', 'The server answered 502.', { retry: true }))
    expect(tried()).toEqual(['socket', 'stream'])
  })

  test('all refuse for good: the session ends with the last word', async () => {
    for (let rung = 0; rung < 3; rung++) await last().fail(new LinkError('refused', `no ${rung}`))
    expect(session.state).toMatchObject({ phase: 'closed', trouble: { detail: 'no 2' } })
  })

  test('one that has worked here is given a second try before another takes its place', async () => {
    await useAndCut(1)
    clock.advance(1000)
    await last().fail(refused())
    expect(session.state.phase).toBe('waiting')
    clock.advance(2000)
    expect(tried()).toEqual(['socket', 'socket', 'socket'])
    await last().fail(refused())
    expect(tried()).toEqual(['socket', 'socket', 'socket', 'stream'])
  })
})

describe('the way back', () => {
  beforeEach(async () => {
    await last().fail(refused())
    await last().succeed(0)
  })

  test('when the time is over the better one is tried beside the link that works, and takes over', async () => {
    clock.advance(59_999)
    expect(openings).toHaveLength(2)
    clock.advance(1)
    expect(tried()).toEqual(['socket', 'stream', 'socket'])
    expect(session.state.phase).toBe('open')
    const stream = openings[1]
    expect(stream?.closes).toBe(0)
    await last().succeed(0)
    expect(stream?.closes).toBe(1)
    expect(session.state).toMatchObject({ transport: 'socket', skipped: [] })
    expect(events.find((event) => event.kind === 'switched')).toMatchObject({
      report: { from: 'stream', to: 'socket' },
    })
    // A later fall is told again.
    expect(fallbacks()).toHaveLength(1)
  })

  test('where it still fails it is left alone for twice as long, and nobody notices', async () => {
    clock.advance(60_000)
    await last().fail(refused())
    expect(session.state).toMatchObject({ phase: 'open', transport: 'stream', wished: 'socket' })
    clock.advance(119_999)
    expect(openings).toHaveLength(3)
    clock.advance(1)
    expect(openings).toHaveLength(4)
    expect(fallbacks()).toHaveLength(1)
  })

  test('a cut meanwhile goes on with what works', async () => {
    last().deliver(messages(1, 1))
    last().end()
    clock.advance(1000)
    expect(tried()).toEqual(['socket', 'stream', 'stream'])
    await last().succeed(1)
    expect(fallbacks()).toHaveLength(1)
    clock.advance(59_000)
    expect(tried().at(-1)).toBe('socket')
  })

  test('reconnect, on another network say, tries it at once', async () => {
    session.reconnect()
    expect(tried()).toEqual(['socket', 'stream', 'socket'])
    expect(openings[1]?.probes).toBe(1)
    expect(openings[1]?.closes).toBe(0)
  })

  test('somebody who asks for it gets it tried; when it fails, the wish of before stands', async () => {
    const asked = session.switchTo('polls')
    await last().fail(refused())
    await expect(asked).rejects.toMatchObject({ cause: 'network' })
    expect(session.state).toMatchObject({ transport: 'stream', wished: 'socket' })
  })

  test('somebody who asks for what stands in has what was wished for', async () => {
    await session.switchTo('stream')
    expect(session.state).toMatchObject({ transport: 'stream', wished: 'stream', skipped: [] })
    clock.advance(600_000)
    expect(openings).toHaveLength(2)
  })

  test('somebody who insists on what is left alone, in vain: it is left alone for longer, and tried again', async () => {
    const asked = session.switchTo('socket')
    await last().fail(refused())
    await expect(asked).rejects.toMatchObject({ cause: 'network' })
    expect(session.state).toMatchObject({ transport: 'stream', wished: 'socket' })
    expect(session.state.skipped).toMatchObject([{ transport: 'socket' }])
    clock.advance(60_000)
    expect(tried()).toEqual(['socket', 'stream', 'socket', 'socket'])
  })

  test('of two choices of which the later one fails, neither is the wish', async () => {
    const first = session.switchTo('polls')
    const second = session.switchTo('socket')
    await last().fail(refused())
    await expect(first).rejects.toMatchObject({ cause: 'local' })
    await expect(second).rejects.toMatchObject({ cause: 'network' })
    expect(session.state).toMatchObject({ transport: 'stream', wished: 'socket' })
    const third = session.switchTo('polls')
    const fourth = session.switchTo('socket')
    session.reconnect()
    await last().fail(refused())
    await expect(third).rejects.toMatchObject({ cause: 'local' })
    await expect(fourth).rejects.toMatchObject({ cause: 'network' })
    expect(session.state).toMatchObject({ transport: 'stream', wished: 'socket' })
    expect(session.state.skipped).toMatchObject([{ transport: 'socket' }])
  })

  test('reconnect while something else is tried in vain: the wished one has its turn afterwards', async () => {
    const asked = session.switchTo('polls')
    session.reconnect()
    await last().fail(refused())
    await expect(asked).rejects.toMatchObject({ cause: 'network' })
    expect(tried()).toEqual(['socket', 'stream', 'polls', 'socket'])
  })

  test('a cut while the better one is tried and does not answer: what works is back within 3 s', async () => {
    clock.advance(60_000)
    expect(tried()).toEqual(['socket', 'stream', 'socket'])
    openings[1]?.deliver(messages(1, 1))
    openings[1]?.end()
    clock.advance(2000)
    expect(last().request.signal.aborted).toBe(true)
    await last().fail(new LinkError('local', 'Given up.'))
    expect(tried()).toEqual(['socket', 'stream', 'socket', 'stream'])
  })

  test('close forgets it', async () => {
    await session.close()
    clock.advance(600_000)
    await turn()
    expect(openings).toHaveLength(2)
  })
})

test('all have worked, and all but the last are blocked now: it is reached without another wait (R32)', async () => {
  await last().succeed(0)
  for (const name of ['stream', 'polls', 'socket']) {
    const asked = session.switchTo(name)
    await last().succeed(0)
    await asked
  }
  openings.splice(0)[3]?.end()
  clock.advance(2000)
  await last().fail(refused())
  clock.advance(4000)
  for (const _ of ['socket', 'stream']) await last().fail(refused())
  expect(tried()).toEqual(['socket', 'socket', 'stream', 'polls'])
})

test('reconnect while a stand-in is being opened: the wished one is tried beside it, and what stands in is told', async () => {
  await last().fail(refused())
  session.reconnect()
  await last().succeed(0)
  expect(tried()).toEqual(['socket', 'stream', 'socket'])
  await last().fail(refused())
  expect(session.state).toMatchObject({ transport: 'stream', skipped: [{ transport: 'socket' }] })
  expect(fallbacks()).toMatchObject([{ from: 'socket', to: 'stream' }])
})

test('a skip that ends while the way back to another one catches up is not forgotten', async () => {
  for (let rung = 0; rung < 2; rung++) await last().fail(refused())
  await last().succeed(0)
  clock.advance(60_000)
  await last().fail(refused())
  // The stream's skip has ended too.
  clock.advance(0)
  expect(tried()).toEqual(['socket', 'stream', 'polls', 'socket', 'stream'])
  await last().succeed(1)
  clock.advance(120_000)
  expect(openings).toHaveLength(5)
  last().deliver(messages(1, 1))
  clock.advance(0)
  expect(tried().at(-1)).toBe('socket')
})

describe('an application that answers events at once', () => {
  /** Does something when the next state is told, inside that event. */
  function atNextState(act: () => void): void {
    onState = () => {
      onState = () => undefined
      act()
    }
  }

  test('a switch within a switch: the newer one takes over, the older one is told so', async () => {
    await last().succeed(0)
    let inner: Promise<unknown> | undefined
    atNextState(() => {
      inner = session.switchTo('polls')
    })
    const outer = session.switchTo('stream')
    await expect(outer).rejects.toMatchObject({ cause: 'local' })
    await last().succeed(0)
    await expect(inner).resolves.toMatchObject({ from: 'socket', to: 'polls' })
    expect(session.state).toMatchObject({ transport: 'polls', wished: 'polls' })
  })

  test('closing within a switch: it is told so, and nothing stays open', async () => {
    await last().succeed(0)
    atNextState(() => void session.close())
    await expect(session.switchTo('stream')).rejects.toMatchObject({ cause: 'local' })
    expect(session.state.phase).toBe('closed')
    expect(last().request.signal.aborted).toBe(true)
  })
})

test('R1: a stream that opens and then brings nothing, not even a heartbeat, is stalled: the next one is tried', async () => {
  await last().succeed(0)
  clock.advance(20_000)
  last().end({ cause: 'idle', detail: 'The stream was silent for two heartbeats (20 s).' })
  clock.advance(1000)
  expect(tried()).toEqual(['socket', 'stream'])
  await last().succeed(0)
  expect(fallbacks()).toMatchObject([
    { to: 'stream', detail: expect.stringMatching(/^It opened and stalled/) },
  ])
})

test('one that has brought something before it fell silent is tried again', async () => {
  await last().succeed(0)
  last().deliver(messages(1, 1))
  last().end({ cause: 'idle' })
  clock.advance(1000)
  expect(tried()).toEqual(['socket', 'socket'])
})

describe('R31: a transport that opens and dies without delivering anything', () => {
  async function flap(): Promise<void> {
    await last().succeed(0)
    clock.advance(200)
    last().end()
    clock.advance(session.state.retryAtMs === null ? 0 : session.state.retryAtMs - clock.nowMs())
  }

  test('three times, is skipped; the skip expires', async () => {
    for (let count = 0; count < 3; count++) await flap()
    expect(tried()).toEqual(['socket', 'socket', 'socket', 'stream'])
    await last().succeed(0)
    expect(session.state.skipped[0]?.detail).toMatch(/^It opened 3 times and ended without .*: cut$/)
    expect(fallbacks()).toHaveLength(1)
    clock.advance(60_000)
    expect(tried().at(-1)).toBe('socket')
  })

  test('a heartbeat that happens to fall into its moment is nothing that it has brought', async () => {
    for (let count = 0; count < 3; count++) {
      await last().succeed(0)
      last().reads += 1
      clock.advance(200)
      last().end()
      clock.advance(session.state.retryAtMs === null ? 0 : session.state.retryAtMs - clock.nowMs())
    }
    expect(tried()).toEqual(['socket', 'socket', 'socket', 'stream'])
  })

  test('waits longer each time, before and after it is skipped', async () => {
    const waits: number[] = []
    for (let count = 0; count < 6; count++) {
      await last().succeed(0)
      last().end()
      waits.push((session.state.retryAtMs ?? 0) - clock.nowMs())
      clock.advance(waits.at(-1) ?? 0)
    }
    expect(waits).toEqual([1000, 2000, 4000, 5000, 5000, 5000])
  })

  test('all of them flap: it is the network, and the wished one is tried again', async () => {
    draw = 0
    for (let count = 0; count < 9; count++) await flap()
    expect(tried()).toEqual([
      ...['socket', 'socket', 'socket', 'stream', 'stream', 'stream', 'polls', 'polls', 'polls', 'socket'],
    ])
  })

  test('one that delivers in between does not count as flapping', async () => {
    for (let round = 0; round < 3; round++) {
      await flap()
      await flap()
      await useAndCut(round + 1)
      clock.advance(30_000)
    }
    expect(new Set(tried())).toEqual(new Set(['socket']))
  })

  test('a server that says goodbye is not flapping', async () => {
    for (let count = 0; count < 5; count++) {
      await last().succeed(0)
      last().end({ cause: 'peer', retryAfterMs: 10 })
      clock.advance(60_000)
    }
    expect(new Set(tried())).toEqual(new Set(['socket']))
  })
})
