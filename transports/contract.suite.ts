// The one suite that every transport passes: what a link promises, over real sockets.
import { v7 as uuidVersion7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ServerTransport } from './contract.server.ts'
import type { ClientTransport, Closed, Delivery, Link, Negotiated, OpenRequest, Start } from './contract.ts'
import type { Cursor } from './cursor.ts'
import { LinkError, SendError } from './errors.ts'
import { eventually } from './eventually.harness.ts'
import { type Lab, type LabOptions, startLab } from './lab.harness.ts'
import { wireLimits } from './limits.ts'
import type { Draft, Message } from './message.ts'
import { type Problem, problemName } from './problem.ts'

export interface Contestant {
  readonly server: ServerTransport
  /** More server halves that the client half needs, such as the one that takes POSTs. */
  readonly also?: readonly ServerTransport[]
  /** The client half for this lab, made anew for each test. */
  client(lab: Lab): ClientTransport
  base(lab: Lab): URL
  readonly negotiated: Negotiated
  /** Whether a link is a connection that stays open; polling's is not. */
  readonly staysOpen: boolean
}

const room = 'lounge'

/** Everything that came up from one link. */
class Reader {
  readonly deliveries: Delivery[] = []
  readonly closings: Closed[] = []
  /** What `receive` waits for: a reader that is slow. */
  pause: Promise<void> | null = null
  concurrent = 0
  mostConcurrent = 0

  get messages(): Message[] {
    return this.deliveries.flatMap((one) => (one.kind === 'messages' ? one.messages : []))
  }

  get texts(): string[] {
    return this.messages.map((one) => one.text)
  }

  get cursor(): Cursor {
    const last = this.deliveries.at(-1)
    if (last === undefined) throw new Error('nothing was delivered yet')
    return last.cursor
  }

  receive(delivery: Delivery): void | Promise<void> {
    this.deliveries.push(delivery)
    this.concurrent += 1
    this.mostConcurrent = Math.max(this.mostConcurrent, this.concurrent)
    if (this.pause === null) {
      this.concurrent -= 1
      return
    }
    return this.pause.then(() => {
      this.concurrent -= 1
    })
  }
}

function draft(text: string, user = 'ada'): Draft {
  return { id: uuidVersion7(), user, text }
}

export function contractSuite(name: string, contestant: Contestant): void {
  describe(`${name}: the contract`, () => {
    let lab: Lab
    let transport: ClientTransport
    let links: Link[] = []
    let linkNumber = 0

    async function begin(options: Partial<LabOptions> = {}): Promise<void> {
      const transports = [contestant.server, ...(contestant.also ?? [])]
      lab = await startLab({ transports, heartbeatMs: 200, ...options })
      transport = contestant.client(lab)
    }

    function request(reader: Reader, start: Start, more: Partial<OpenRequest> = {}): OpenRequest {
      linkNumber += 1
      return {
        base: contestant.base(lab),
        room,
        session: crypto.randomUUID(),
        link: linkNumber,
        start,
        receive: (delivery) => reader.receive(delivery),
        closed: (reason) => reader.closings.push(reason),
        signal: new AbortController().signal,
        ...more,
      }
    }

    async function open(reader: Reader, start: Start, more: Partial<OpenRequest> = {}): Promise<Link> {
      const link = await transport.open(request(reader, start, more))
      links.push(link)
      return link
    }

    /** Publishes past the transport, so that only the way down is under test. */
    async function publish(texts: readonly string[]): Promise<void> {
      await Promise.all(texts.map((text) => lab.hub.publish(room, draft(text, 'publisher'))))
    }

    async function reads(reader: Reader, count: number): Promise<void> {
      await vi.waitFor(() => expect(reader.messages.length).toBeGreaterThanOrEqual(count), 10_000)
    }

    beforeEach(() => begin())
    afterEach(async () => {
      await Promise.all(links.map((link) => link.close()))
      links = []
      await lab.close()
    })

    const numbered = (count: number, prefix = 'm') =>
      Array.from({ length: count }, (_, index) => `${prefix}${index}`)

    test('says what is really spoken (R11)', async () => {
      const link = await open(new Reader(), { last: 0 })
      expect(link.negotiated).toEqual(contestant.negotiated)
    })

    test('order: what is published while the link is open comes once, in order, without a hole', async () => {
      const reader = new Reader()
      await open(reader, { last: 0 })
      for (const part of [numbered(100, 'a'), numbered(100, 'b'), numbered(100, 'c')]) await publish(part)
      await reads(reader, 300)
      expect(reader.texts).toEqual([...numbered(100, 'a'), ...numbered(100, 'b'), ...numbered(100, 'c')])
      expect(reader.messages.map((one) => one.offset)).toEqual(numbered(300).map((_, index) => index + 1))
    })

    test('begins with the last messages of the room', async () => {
      await publish(numbered(20))
      const reader = new Reader()
      const link = await open(reader, { last: 5 })
      expect(link.head.offset).toBe(20)
      await reads(reader, 5)
      expect(reader.texts).toEqual(['m15', 'm16', 'm17', 'm18', 'm19'])
    })

    test('resume: a new link at the cursor brings what was missed, and only that', async () => {
      const first = new Reader()
      const link = await open(first, { last: 0 })
      await publish(numbered(10, 'a'))
      await reads(first, 10)
      await link.close()
      await publish(numbered(250, 'b'))
      const second = new Reader()
      await open(second, { after: first.cursor })
      await publish(['c'])
      await reads(second, 251)
      expect(second.texts).toEqual([...numbered(250, 'b'), 'c'])
    })

    test('resume of a link that was cut before it received anything (R26)', async () => {
      const before = lab.hub.head(room)
      const link = await open(new Reader(), { after: before })
      await link.close()
      await publish(['kept'])
      const reader = new Reader()
      await open(reader, { after: before })
      await reads(reader, 1)
      expect(reader.texts).toEqual(['kept'])
    })

    test('a long catch-up with messages of the greatest length', async () => {
      const texts = Array.from({ length: 40 }, (_, index) => `${index} `.padEnd(wireLimits.textBytes, 'x'))
      await publish(texts)
      const reader = new Reader()
      await open(reader, { after: { epoch: lab.log.epoch, offset: 0 } })
      await reads(reader, texts.length)
      expect(reader.texts).toEqual(texts)
    })

    test('send: the receipt says where the log has it, and it comes down too', async () => {
      const reader = new Reader()
      const link = await open(reader, { last: 0 })
      const drafts = numbered(20).map((text) => draft(text))
      const receipts = await Promise.all(drafts.map((one) => link.send(one)))
      await reads(reader, 20)
      expect(receipts.map((one) => one.offset)).toEqual(numbered(20).map((_, index) => index + 1))
      expect(receipts.map((one) => one.id)).toEqual(drafts.map((one) => one.id))
      expect(receipts.every((one) => one.created)).toBe(true)
      expect(reader.messages.map(({ id, user, text }) => ({ id, user, text }))).toEqual(drafts)
    })

    test('idempotent sends: the same draft again is stored once (R29)', async () => {
      const link = await open(new Reader(), { last: 0 })
      const one = draft('once')
      const first = await link.send(one)
      const again = await link.send(one)
      expect(again).toEqual({ ...first, created: false })
      expect(lab.hub.head(room).offset).toBe(1)
    })

    test('the same id with another text is refused, and the link goes on', async () => {
      const link = await open(new Reader(), { last: 0 })
      const one = draft('first')
      await link.send(one)
      const error = await link.send({ ...one, text: 'second' }).catch((reason: unknown) => reason)
      expectRefusal(error, 'draft-conflict')
      expect((await link.send(draft('next'))).offset).toBe(2)
    })

    test('texts of many lines, of 1 to 4 bytes a character, and with everything JSON escapes', async () => {
      const reader = new Reader()
      const link = await open(reader, { last: 0 })
      const texts = [
        'one\ntwo\r\nthree\n\n\nfour',
        'data: x\n\nevent: y',
        '𝒳 🧪 é ü ß 漢字 \u00a0 \ufeff',
        '"\\/\b\f\t\u0001 \u2028 \u2029',
        '🧪'.repeat(wireLimits.textBytes / 4),
        '{"kind":"messages"}',
      ]
      for (const text of texts) await link.send(draft(text))
      await reads(reader, texts.length)
      expect(reader.texts).toEqual(texts)
    })

    test.each([
      ['a text of 8 KiB + 1', 'x'.repeat(wireLimits.textBytes + 1), 'ada'],
      ['a text of 8 KiB + 1 in four-byte characters', `${'🧪'.repeat(wireLimits.textBytes / 4)}x`, 'ada'],
      ['an empty text', '', 'ada'],
      ['a blank text', ' \n ', 'ada'],
      ['a lone surrogate', 'x\ud800y', 'ada'],
      ['a name with a line break', 'x', 'a\nb'],
      ['a name of 41 characters', 'x', 'x'.repeat(41)],
    ])('limits: %s is refused, not stored, and the link goes on', async (_what, text, user) => {
      const link = await open(new Reader(), { last: 0 })
      const error = await link.send(draft(text, user)).catch((reason: unknown) => reason)
      expectRefusal(error, 'bad-draft')
      expect((await link.send(draft('fine'))).offset).toBe(1)
    })

    test('the greatest text passes', async () => {
      const reader = new Reader()
      const link = await open(reader, { last: 0 })
      // Escaped, it is six times as long on the wire.
      const text = `a${'\u0001'.repeat(wireLimits.textBytes - 1)}`
      await link.send(draft(text))
      await reads(reader, 1)
      expect(reader.texts).toEqual([text])
    })

    test('a reader that pushes back is not called again before it is ready, and loses nothing', async () => {
      const reader = new Reader()
      await publish(['first'])
      let ready: () => void = () => undefined
      reader.pause = new Promise((resolve) => {
        ready = resolve
      })
      await open(reader, { last: 1 })
      await reads(reader, 1)
      const witness = new Reader()
      await open(witness, { last: 0 })
      await publish(numbered(500))
      // What another link has been given has had its time to come here, too.
      await reads(witness, 500)
      expect(reader.deliveries).toHaveLength(1)
      reader.pause = null
      ready()
      await reads(reader, 501)
      expect(reader.mostConcurrent).toBe(1)
      expect(reader.texts).toEqual(['first', ...numbered(500)])
    })

    test('a cursor of another log brings a reset, then that log from its beginning (R28)', async () => {
      await publish(['here'])
      const reader = new Reader()
      await open(reader, { after: { epoch: 'elsewhere', offset: 7 } })
      await reads(reader, 1)
      expect(reader.deliveries[0]).toEqual({ kind: 'reset', cursor: { epoch: lab.log.epoch, offset: 0 } })
      expect(reader.texts).toEqual(['here'])
    })

    test('a cursor behind what is kept brings a gap, then what is left (R28)', async () => {
      await lab.close()
      await begin({ keepMessages: 10 })
      await publish(numbered(30))
      const tail = lab.log.tail(room)
      expect(tail.offset).toBeGreaterThan(0)
      const reader = new Reader()
      const after = { epoch: lab.log.epoch, offset: 0 }
      await open(reader, { after })
      await reads(reader, 30 - tail.offset)
      expect(reader.deliveries[0]).toEqual({ kind: 'gap', after, cursor: tail })
      expect(reader.messages[0]?.offset).toBe(tail.offset + 1)
    })

    test('close: one `closed`, of cause local; nothing comes afterwards; twice is once', async () => {
      const reader = new Reader()
      const link = await open(reader, { last: 0 })
      await Promise.all([link.close(), link.close()])
      await link.close()
      expect(reader.closings.map((one) => one.cause)).toEqual(['local'])
      const before = reader.deliveries.length
      await publish(['late'])
      await eventually(() => expect(lab.hub.stats().subscribers).toBe(0))
      expect(reader.deliveries.length).toBe(before)
      const error = await link.send(draft('too late')).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(SendError)
    })

    test('close while sends are under way: each has a fate', async () => {
      const link = await open(new Reader(), { last: 0 })
      const fates = Promise.allSettled(numbered(20).map((text) => link.send(draft(text))))
      await link.close()
      for (const fate of await fates) {
        if (fate.status === 'rejected') expect(fate.reason).toBeInstanceOf(SendError)
      }
    })

    test('server going away: every link is told once, with a time to come back', async () => {
      const reader = new Reader()
      await open(reader, { last: 0 })
      await lab.hub.drain()
      await vi.waitFor(() => expect(reader.closings).toHaveLength(1), 5000)
      expect(reader.closings[0]).toMatchObject({
        cause: 'peer',
        retry: true,
        retryAfterMs: expect.any(Number),
      })
      await lab.close()
      expect(reader.closings).toHaveLength(1)
      await begin()
    })

    test('the connection is cut: one `closed`, of cause network', async () => {
      const reader = new Reader()
      await open(reader, { last: 0 })
      await lab.close()
      await vi.waitFor(() => expect(reader.closings).toHaveLength(1), 5000)
      expect(['network', 'peer']).toContain(reader.closings[0]?.cause)
      await begin()
    })

    test('abort while opening: rejects as local, never calls `closed`, leaves nothing behind', async () => {
      for (const early of [true, false]) {
        const reader = new Reader()
        const abort = new AbortController()
        if (early) abort.abort()
        const opening = transport.open(request(reader, { last: 0 }, { signal: abort.signal }))
        abort.abort()
        const error = await opening.catch((reason: unknown) => reason)
        expect(error).toBeInstanceOf(LinkError)
        expect(error).toMatchObject({ cause: 'local' })
        expect(reader.closings).toEqual([])
      }
      await eventually(() => expect(lab.hub.stats().subscribers).toBe(0))
    })

    test('abort after opening has no effect', async () => {
      const reader = new Reader()
      const abort = new AbortController()
      await open(reader, { last: 0 }, { signal: abort.signal })
      abort.abort()
      await publish(['still here'])
      await reads(reader, 1)
      expect(reader.closings).toEqual([])
    })

    test('nobody there: rejects as network', async () => {
      const opening = transport.open({
        ...request(new Reader(), { last: 0 }),
        base: nobodyAt(contestant.base(lab)),
      })
      await expect(opening).rejects.toMatchObject({ name: 'LinkError', cause: 'network', retry: true })
    })

    test('a room that cannot be named: the opening is refused', async () => {
      const opening = transport.open(request(new Reader(), { last: 0 }, { room: 'no such room!' }))
      await expect(opening).rejects.toBeInstanceOf(LinkError)
    })

    test('a newer link of the session takes over: the older one is closed as replaced (R24)', async () => {
      const session = crypto.randomUUID()
      const older = new Reader()
      const newer = new Reader()
      await open(older, { last: 0 }, { session })
      await open(newer, { last: 0 }, { session })
      // Both deliver while the newer one catches up.
      await publish(['both'])
      await reads(newer, 1)
      await vi.waitFor(() => expect(older.closings.map((one) => one.cause)).toEqual(['replaced']), 5000)
      await publish(['newer only'])
      await reads(newer, 2)
      expect(newer.texts).toEqual(['both', 'newer only'])
      expect(newer.closings).toEqual([])
    })

    test('resumes twice, both times while the server still holds the links before (R27)', async () => {
      const session = crypto.randomUUID()
      const readers = [new Reader(), new Reader(), new Reader()]
      const [first, second, third] = readers as [Reader, Reader, Reader]
      await open(first, { last: 0 }, { session })
      await publish(['a'])
      await reads(first, 1)
      // It was cut on its way, and only the client knows: the server has no reason yet to let it go.
      const cut = first.cursor
      await publish(['b'])
      await open(second, { after: cut }, { session })
      await reads(second, 1)
      await publish(['c'])
      await open(third, { after: cut }, { session })
      await reads(third, 2)
      expect([second.texts[0], third.texts.slice(0, 2)]).toEqual(['b', ['b', 'c']])
      await vi.waitFor(() => expect([first, second].map((one) => one.closings.length)).toEqual([1, 1]), 5000)
      await publish(['d'])
      await reads(third, 3)
      expect(third.texts).toEqual(['b', 'c', 'd'])
      expect(third.closings).toEqual([])
    })

    test('another room hears nothing', async () => {
      const here = new Reader()
      const there = new Reader()
      await open(here, { last: 0 })
      await open(there, { last: 0 }, { room: 'kitchen' })
      await publish(['here'])
      await reads(here, 1)
      expect(there.texts).toEqual([])
    })

    // A poll is no connection that could be idle.
    if (contestant.staysOpen)
      test('an idle link outlives many heartbeats, and its end frees its place', async () => {
        const reader = new Reader()
        const link = await open(reader, { last: 0 })
        const before = link.stats().reads
        await vi.waitFor(() => expect(link.stats().reads).toBeGreaterThanOrEqual(before + 3), 5000)
        expect(reader.closings).toEqual([])
        expect(lab.hub.stats().subscribers).toBe(1)
        await link.close()
        await eventually(() => expect(lab.hub.stats().subscribers).toBe(0))
      })

    test('what a link counts is what went over it', async () => {
      const reader = new Reader()
      const link = await open(reader, { last: 0 })
      const before = link.stats()
      await link.send(draft('x'.repeat(1000)))
      await reads(reader, 1)
      const after = link.stats()
      expect(after.payloadBytesUp - before.payloadBytesUp).toBeGreaterThan(1000)
      expect(after.payloadBytesUp - before.payloadBytesUp).toBeLessThan(1300)
      expect(after.payloadBytesDown - before.payloadBytesDown).toBeGreaterThan(1000)
      expect(after.reads).toBeGreaterThan(before.reads)
    })
  })
}

function expectRefusal(error: unknown, name: string): void {
  expect(error).toBeInstanceOf(SendError)
  expect(error).toMatchObject({ stored: 'no', retry: false })
  expect(problemName((error as { problem: Problem }).problem)).toBe(name)
}

/** The same scheme, at a port where nobody listens (RFC 6335 reserves port 1 for a service that is never there). */
function nobodyAt(base: URL): URL {
  const url = new URL(base)
  url.port = '1'
  return url
}
