// The session over links that the test plays itself: order, resume, retries, the switch, drafts.
import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from './clock.harness.ts'
import { LinkError, SendError, UsageError } from './errors.ts'
import { at, message, messages, type Opening, playedTransport, turn } from './session.harness.ts'
import type { DraftView, SessionEvent } from './session.state.ts'
import { Session, type SessionOptions } from './session.ts'

let clock: ManualClock
let openings: Opening[]
let events: SessionEvent[]
let session: Session

function begin(options: Partial<SessionOptions> = {}): void {
  clock = new ManualClock()
  openings = []
  events = []
  session = new Session({
    base: new URL('http://127.0.0.1'),
    room: 'lounge',
    transports: ['one', 'two', 'three'].map((name) => playedTransport(name, openings)),
    transport: 'one',
    last: 50,
    onEvent: (event) => events.push(event),
    clock,
    random: () => 0.5,
    ...options,
  })
  session.start()
}

function opening(index: number): Opening {
  const found = openings.at(index)
  if (found === undefined) throw new Error(`no opening ${index}; there are ${openings.length}`)
  return found
}

const offsets = () =>
  events.flatMap((event) => (event.kind === 'messages' ? event.messages.map((one) => one.offset) : []))
const fates = () => events.flatMap((event): DraftView[] => (event.kind === 'draft' ? [event.view] : []))
const kinds = () => events.filter((event) => event.kind !== 'state').map((event) => event.kind)

beforeEach(() => begin())

describe('order and resume', () => {
  test('begins with the last messages, and asks for what follows them on the next link', async () => {
    expect(opening(0).request.start).toEqual({ last: 50 })
    await opening(0).succeed(12, 9)
    opening(0).deliver(messages(10, 12))
    opening(0).end()
    clock.advance(2000)
    expect(opening(1).request.start).toEqual({ after: at(12) })
    expect(opening(1).request.link).toBe(2)
    expect(opening(1).request.session).toBe(opening(0).request.session)
  })

  test('a link that is cut before it brought anything is resumed from where it began (R26)', async () => {
    await opening(0).succeed(12, 9)
    opening(0).end()
    clock.advance(2000)
    expect(opening(1).request.start).toEqual({ after: at(9) })
  })

  test('what comes again is dropped, whole or in part', async () => {
    await opening(0).succeed(3)
    opening(0).deliver(messages(1, 3))
    opening(0).deliver(messages(1, 3))
    opening(0).deliver(messages(2, 5))
    expect(offsets()).toEqual([1, 2, 3, 4, 5])
  })

  test('a hole is not accepted: the link is given up and the next one asks for what is missing', async () => {
    await opening(0).succeed(2)
    opening(0).deliver(messages(1, 2))
    opening(0).deliver(messages(4, 5))
    expect(offsets()).toEqual([1, 2])
    expect(opening(0).closes).toBe(1)
    expect(session.state.trouble).toMatchObject({ cause: 'protocol' })
    clock.advance(2000)
    expect(opening(1).request.start).toEqual({ after: at(2) })
  })

  test('another epoch without a word of it is not accepted either', async () => {
    await opening(0).succeed(2)
    opening(0).deliver(messages(1, 2))
    opening(0).deliver({
      kind: 'messages',
      after: { epoch: 'f', offset: 2 },
      messages: [message(3)],
      cursor: { epoch: 'f', offset: 3 },
    })
    expect(offsets()).toEqual([1, 2])
    expect(session.state.trouble).toMatchObject({ cause: 'protocol' })
  })

  test('a gap and a reset are told and move the cursor (R28)', async () => {
    await opening(0).succeed(2)
    opening(0).deliver(messages(1, 2))
    opening(0).deliver({ kind: 'gap', after: at(2), cursor: at(8) })
    opening(0).deliver(messages(9, 9))
    opening(0).deliver({ kind: 'reset', cursor: { epoch: 'f', offset: 0 } })
    opening(0).deliver({
      kind: 'messages',
      after: { epoch: 'f', offset: 0 },
      messages: [message(1)],
      cursor: { epoch: 'f', offset: 1 },
    })
    expect(kinds()).toEqual(['messages', 'gap', 'messages', 'reset', 'messages'])
    expect(session.state.cursor).toEqual({ epoch: 'f', offset: 1 })
  })

  test('nothing is handed up after close, and links are closed', async () => {
    await opening(0).succeed(1)
    opening(0).deliver(messages(1, 1))
    await session.close()
    opening(0).deliver(messages(2, 2))
    expect(offsets()).toEqual([1])
    expect(opening(0).closes).toBe(1)
    expect(session.state.phase).toBe('closed')
    clock.advance(60_000)
    expect(openings).toHaveLength(1)
  })
})

describe('retries (R33)', () => {
  test('the first is drawn from 0 to 2 s, then the range doubles up to 10 s', async () => {
    const waits: number[] = []
    for (let count = 0; count < 7; count++) {
      await opening(-1).fail(new LinkError('network', 'nobody there'))
      expect(session.state.phase).toBe('waiting')
      waits.push((session.state.retryAtMs ?? 0) - clock.nowMs())
      clock.advance(waits.at(-1) ?? 0)
    }
    expect(waits).toEqual([1000, 2000, 4000, 5000, 5000, 5000, 5000])
  })

  test.each([
    ['brought something', () => opening(-1).deliver(messages(1, 1)), 1000],
    ['lived for a while', () => clock.advance(5000), 1000],
    ['did neither', () => undefined, 5000],
  ])('a link that %s: whether the failures before it are forgotten', async (_what, use, waitMs) => {
    for (let count = 0; count < 3; count++) {
      await opening(-1).fail(new LinkError('network', 'nobody there'))
      clock.advance(30_000)
    }
    await opening(-1).succeed(0)
    expect(session.state.failures).toBe(0)
    use()
    opening(-1).end()
    expect((session.state.retryAtMs ?? 0) - clock.nowMs()).toBe(waitMs)
  })

  test('the time that the server asks for comes before the jitter', async () => {
    await opening(0).fail(new LinkError('refused', 'busy', { retry: true, retryAfterMs: 7000 }))
    expect((session.state.retryAtMs ?? 0) - clock.nowMs()).toBe(8000)
  })

  test('what is refused for good ends the session, with the reason', async () => {
    await opening(0).fail(new LinkError('refused', 'no such room'))
    expect(session.state).toMatchObject({
      phase: 'closed',
      trouble: { cause: 'refused', detail: 'no such room' },
    })
    clock.advance(60_000)
    expect(openings).toHaveLength(1)
  })

  test('reconnect does not wait, and asks an open link for a sign of life', async () => {
    await opening(0).fail(new LinkError('network', 'nobody there'))
    session.reconnect()
    expect(openings).toHaveLength(2)
    await opening(1).succeed(0)
    session.reconnect()
    expect(opening(1).probes).toBe(1)
    clock.advance(60_000)
    expect(openings).toHaveLength(2)
  })

  test('an opening that takes too long is given up and tried again', async () => {
    clock.advance(10_000)
    expect(opening(0).request.signal.aborted).toBe(true)
    await opening(0).fail(new LinkError('local', 'Given up.'))
    expect(session.state).toMatchObject({ phase: 'waiting', trouble: { cause: 'idle' } })
    expect(openings).toHaveLength(1)
  })

  test('a link that ends before its opening was told counts as ended', async () => {
    const first = opening(0)
    first.end()
    await first.succeed(0)
    expect(session.state.phase).toBe('waiting')
  })

  test('says how long it was away and how much it caught up', async () => {
    await opening(0).succeed(1)
    opening(0).deliver(messages(1, 1))
    opening(0).end()
    clock.advance(1000)
    clock.advance(500)
    await opening(1).succeed(4)
    opening(1).deliver(messages(2, 3))
    expect(kinds()).not.toContain('recovered')
    opening(1).deliver(messages(4, 4))
    expect(events.find((event) => event.kind === 'recovered')).toEqual({
      kind: 'recovered',
      offlineMs: 1500,
      caughtUp: 3,
    })
  })
})

test('a first link that delivers before it is told of recovers nothing', async () => {
  opening(0).deliver(messages(1, 1))
  await opening(0).succeed(1)
  expect(kinds()).toEqual(['messages'])
})

describe('the switch', () => {
  beforeEach(async () => {
    await opening(0).succeed(2)
    opening(0).deliver(messages(1, 2))
  })

  test('both links run until the new one has caught up; duplicates are dropped; the old one is closed', async () => {
    const switched = session.switchTo('two')
    expect(opening(1)).toMatchObject({ transport: 'two', request: { start: { after: at(2) }, link: 2 } })
    expect(session.state.links.map((link) => link.phase)).toEqual(['live', 'opening'])
    opening(0).deliver(messages(3, 3))
    clock.advance(40)
    await opening(1).succeed(5)
    expect(session.state.links.map((link) => link.phase)).toEqual(['closing', 'catching-up'])
    expect(opening(0).closes).toBe(0)
    opening(1).deliver(messages(3, 4))
    opening(0).deliver(messages(4, 4))
    expect(opening(0).closes).toBe(0)
    opening(1).deliver(messages(5, 5))
    expect(opening(0).closes).toBe(1)
    expect(offsets()).toEqual([1, 2, 3, 4, 5])
    expect(await switched).toEqual({ from: 'one', to: 'two', durationMs: 40, overlapped: 2 })
    expect(session.state).toMatchObject({ phase: 'open', transport: 'two', trouble: null })
    expect(session.state.links.map((link) => link.phase)).toEqual(['live'])
  })

  test('when the new link cannot be opened the old one goes on', async () => {
    const switched = session.switchTo('two').catch((error: unknown) => error)
    await opening(1).fail(new LinkError('network', 'blocked'))
    expect(await switched).toMatchObject({ cause: 'network' })
    expect(session.state).toMatchObject({ phase: 'open', transport: 'one' })
    opening(0).deliver(messages(3, 3))
    expect(offsets()).toEqual([1, 2, 3])
    expect(opening(0).closes).toBe(0)
  })

  test('a newer switch takes the place of one that is under way', async () => {
    const first = session.switchTo('two').catch((error: unknown) => error)
    const second = session.switchTo('three')
    expect(await first).toBeInstanceOf(LinkError)
    await opening(1).succeed(2)
    expect(opening(1).closes).toBe(1)
    await opening(2).succeed(2)
    expect(await second).toMatchObject({ to: 'three' })
  })

  test('back to the transport that is still live, before the other has opened', async () => {
    const away = session.switchTo('two').catch((error: unknown) => error)
    const back = session.switchTo('one')
    expect(await away).toBeInstanceOf(LinkError)
    await opening(2).succeed(2)
    expect(await back).toMatchObject({ to: 'one' })
    expect(session.state).toMatchObject({ phase: 'open', transport: 'one' })
  })

  test('the old link may be cut while the new one opens: the switch goes on', async () => {
    const switched = session.switchTo('two')
    opening(0).end()
    expect(session.state.phase).toBe('connecting')
    await opening(1).succeed(3)
    opening(1).deliver(messages(3, 3))
    expect(await switched).toMatchObject({ to: 'two' })
    clock.advance(60_000)
    expect(openings).toHaveLength(2)
  })

  test('while it waits for a retry, it tries the new one at once', async () => {
    opening(0).end()
    expect(session.state.phase).toBe('waiting')
    const switched = session.switchTo('two')
    expect(openings).toHaveLength(2)
    await opening(1).succeed(2)
    expect(await switched).toMatchObject({ to: 'two' })
    clock.advance(60_000)
    expect(openings).toHaveLength(2)
  })

  test('a link that speaks something else than before is told of', async () => {
    const states = () => events.filter(({ kind }) => kind === 'state').length
    const before = states()
    openings.at(-1)?.request.renegotiated?.()
    expect(states()).toBe(before + 1)
    await session.close()
    const closed = states()
    openings.at(-1)?.request.renegotiated?.()
    expect(states()).toBe(closed)
  })

  test('to where it is already does nothing; to what there is not, throws', async () => {
    expect(await session.switchTo('one')).toMatchObject({ durationMs: 0 })
    expect(openings).toHaveLength(1)
    await expect(session.switchTo('four')).rejects.toThrow(UsageError)
  })

  test('the server may close the old link first, as replaced', async () => {
    const switched = session.switchTo('two')
    await opening(1).succeed(9)
    opening(0).end({ cause: 'replaced', retry: false })
    expect(session.state.phase).toBe('open')
    opening(1).deliver(messages(3, 9))
    expect(await switched).toMatchObject({ to: 'two' })
  })
})

describe('drafts (R40)', () => {
  test('are kept while there is no link, then sent in order, and each fate is told once', async () => {
    const [one, two] = [session.send('ada', 'one'), session.send('ada', 'two')]
    expect(session.state.pending).toBe(2)
    await opening(0).succeed(0)
    expect(opening(0).sent.map((sent) => sent.draft)).toEqual([one, two])
    opening(0).sent[0]?.accept(1)
    opening(0).sent[1]?.accept(2)
    await turn()
    expect(fates().map((view) => [view.fate, view.draft.text])).toEqual([
      ['pending', 'one'],
      ['pending', 'two'],
      ['stored', 'one'],
      ['stored', 'two'],
    ])
    expect(session.state.pending).toBe(0)
  })

  test('what is not acknowledged is sent again on the next link, before what is new', async () => {
    await opening(0).succeed(0)
    const drafts = [session.send('ada', 'one'), session.send('ada', 'two')]
    opening(0).sent[0]?.accept(1)
    await turn()
    opening(0).end()
    opening(0).sent[1]?.refuse(new SendError('unknown', 'cut'))
    const three = session.send('ada', 'three')
    clock.advance(2000)
    await opening(1).succeed(1)
    expect(opening(1).sent.map((sent) => sent.draft)).toEqual([drafts[1], three])
  })

  test('a message that comes down is stored, even when its receipt never comes', async () => {
    await opening(0).succeed(0)
    const mine = session.send('ada', 'one')
    opening(0).deliver({
      kind: 'messages',
      after: at(0),
      messages: [{ ...mine, offset: 1, time: 5 }],
      cursor: at(1),
    })
    expect(fates().at(-1)).toMatchObject({ fate: 'stored', receipt: { offset: 1 } })
    opening(0).sent[0]?.refuse(new SendError('unknown', 'late'))
    await turn()
    expect(fates()).toHaveLength(2)
  })

  test('what is refused for good fails, and can be sent again or forgotten', async () => {
    await opening(0).succeed(0)
    const draft = session.send('ada', 'one')
    opening(0).sent[0]?.refuse(new SendError('no', 'conflict', { retry: false }))
    await turn()
    expect(fates().at(-1)).toMatchObject({ fate: 'failed', detail: 'conflict' })
    session.resend(draft.id)
    expect(opening(0).sent).toHaveLength(2)
    opening(0).sent[1]?.refuse(new SendError('no', 'conflict', { retry: false }))
    await turn()
    session.discard(draft.id)
    expect(() => session.resend(draft.id)).toThrow(UsageError)
  })

  test('a refusal for now waits as long as it says, then all that was not stored goes again, in order', async () => {
    await opening(0).succeed(0)
    session.send('ada', 'one')
    session.send('ada', 'two')
    opening(0).sent[0]?.refuse(new SendError('no', 'busy', { retry: true, retryAfterMs: 3000 }))
    opening(0).sent[1]?.refuse(new SendError('no', 'not sent', { retry: true }))
    await turn()
    session.send('ada', 'three')
    expect(opening(0).sent).toHaveLength(2)
    clock.advance(3500)
    expect(
      opening(0)
        .sent.slice(2)
        .map((sent) => sent.draft.text),
    ).toEqual(['one', 'two', 'three'])
  })

  test('a draft of an earlier page is sent first', async () => {
    const draft = { id: '0192f3c4-1111-7111-8111-111111111111', user: 'ada', text: 'from before' }
    begin({ drafts: [draft] })
    session.send('ada', 'new')
    await opening(0).succeed(0)
    expect(opening(0).sent.map((sent) => sent.draft.text)).toEqual(['from before', 'new'])
  })

  test('a text or name that is not allowed is refused at once', () => {
    expect(() => session.send('ada', '  ')).toThrow(UsageError)
    expect(() => session.send('', 'text')).toThrow(UsageError)
    expect(() => session.send('ada', 'x'.repeat(8193))).toThrow(/8192 bytes/)
  })

  test('ids are of version 7 and ascend', () => {
    const ids = Array.from({ length: 100 }, () => session.send('ada', 'x').id)
    expect(ids).toEqual([...ids].sort())
    expect(new Set(ids).size).toBe(100)
  })
})
