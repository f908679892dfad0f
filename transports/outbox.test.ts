// The outbox: order over changes of links, refusals, and a fate for every draft (R29, R40).
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from './clock.harness.ts'
import type { Link, Receipt } from './contract.ts'
import { SendError, UsageError } from './errors.ts'
import type { Draft, Message } from './message.ts'
import { Outbox } from './outbox.ts'
import { problem } from './problem.ts'
import { longestRetryAfterMs } from './retry.ts'
import type { DraftView } from './session.state.ts'

const nothing = () => undefined

function draft(number: number): Draft {
  return { id: `id-${number}`, user: 'ada', text: `text ${number}` }
}

function messageOf(one: Draft, offset: number): Message {
  return { ...one, offset, time: 5 }
}

interface Sent {
  readonly draft: Draft
  resolve(receipt: Receipt): void
  reject(error: unknown): void
}

/** A link that only notes what it is given. */
class NotedLink implements Link {
  readonly negotiated = { protocol: 'h2', tls: true, subprotocol: null, extensions: [] } as const
  readonly start = { epoch: 'e', offset: 0 }
  readonly head = { epoch: 'e', offset: 0 }
  readonly sent: Sent[] = []
  probe = nothing

  get ids(): string[] {
    return this.sent.map((one) => one.draft.id)
  }

  send(one: Draft): Promise<Receipt> {
    return new Promise((resolve, reject) => this.sent.push({ draft: one, resolve, reject }))
  }

  stats(): never {
    throw new Error('Nobody asks.')
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async store(index: number, offset = index + 1, created = true): Promise<void> {
    const one = this.sent[index]
    one?.resolve({ id: one.draft.id, offset, time: 5, created })
    await settled()
  }

  async refuse(index: number, error: unknown): Promise<void> {
    this.sent[index]?.reject(error)
    await settled()
  }
}

/** Lets the handlers of promises run. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
}

let clock: ManualClock
let outbox: Outbox
let views: DraftView[]

beforeEach(() => {
  clock = new ManualClock()
  views = []
  outbox = new Outbox({ clock, random: () => 0.5, onView: (view) => views.push(view) })
})

function fates(): string[] {
  return views.filter((view) => view.fate !== 'pending').map((view) => `${view.draft.id} ${view.fate}`)
}

const later = (options: ConstructorParameters<typeof SendError>[2] = {}) =>
  new SendError('no', 'Wait.', { retry: true, ...options })
const never = () => new SendError('no', 'Never.', { retry: false, problem: problem('bad-draft', 'Never.') })

describe('order', () => {
  test('drafts go out in the order in which they were added, at once when there is a link', () => {
    const link = new NotedLink()
    outbox.add(draft(1))
    outbox.add(draft(2))
    outbox.use(link)
    outbox.add(draft(3))
    expect(link.ids).toEqual(['id-1', 'id-2', 'id-3'])
    expect(outbox.pending).toBe(3)
  })

  test('on a new link all that has no receipt goes first, in order, then what is new', async () => {
    const [first, second] = [new NotedLink(), new NotedLink()]
    outbox.use(first)
    for (const number of [1, 2, 3, 4]) outbox.add(draft(number))
    await first.store(1)
    outbox.use(null)
    outbox.add(draft(5))
    outbox.use(second)
    outbox.add(draft(6))
    expect(second.ids).toEqual(['id-1', 'id-3', 'id-4', 'id-5', 'id-6'])
  })

  test('the same link again sends nothing twice', () => {
    const link = new NotedLink()
    outbox.use(link)
    outbox.add(draft(1))
    outbox.use(link)
    expect(link.ids).toEqual(['id-1'])
  })

  test('a refusal for now holds back all that follows, until the time is over', async () => {
    const link = new NotedLink()
    outbox.use(link)
    for (const number of [1, 2, 3]) outbox.add(draft(number))
    // What a sender does that goes one by one: those behind a refused one are not sent.
    for (const index of [0, 1, 2]) await link.refuse(index, later({ retryAfterMs: 3000 }))
    outbox.add(draft(4))
    clock.advance(3499)
    expect(link.ids).toEqual(['id-1', 'id-2', 'id-3'])
    clock.advance(1)
    expect(link.ids.slice(3)).toEqual(['id-1', 'id-2', 'id-3', 'id-4'])
    expect(fates()).toEqual([])
  })

  test('without a time of the server’s it waits a second or two', async () => {
    const link = new NotedLink()
    outbox.use(link)
    outbox.add(draft(1))
    await link.refuse(0, later())
    expect(clock.nextInMs).toBe(1500)
  })

  test.each([1e9, Number.POSITIVE_INFINITY])(
    'a wish of %d ms does not silence it for ever',
    async (retryAfterMs) => {
      const link = new NotedLink()
      outbox.use(link)
      outbox.add(draft(1))
      await link.refuse(0, later({ retryAfterMs }))
      expect(clock.nextInMs).toBe(longestRetryAfterMs + 500)
    },
  )
})

describe('fates', () => {
  test('a receipt: stored, once', async () => {
    const link = new NotedLink()
    outbox.use(link)
    outbox.add(draft(1))
    await link.store(0, 7)
    outbox.seen([messageOf(draft(1), 7)])
    expect(views.map((view) => view.fate)).toEqual(['pending', 'stored'])
    expect(views[1]).toMatchObject({ receipt: { id: 'id-1', offset: 7, time: 5, created: true } })
    expect(outbox.pending).toBe(0)
  })

  test('the message comes down before the receipt: stored, once', async () => {
    const link = new NotedLink()
    outbox.use(link)
    outbox.add(draft(1))
    outbox.seen([messageOf(draft(9), 6), messageOf(draft(1), 7)])
    await link.store(0, 7)
    expect(fates()).toEqual(['id-1 stored'])
  })

  test('the message comes down although its send failed: stored, and not sent again', async () => {
    const [first, second] = [new NotedLink(), new NotedLink()]
    outbox.use(first)
    outbox.add(draft(1))
    outbox.use(null)
    await first.refuse(0, new SendError('unknown', 'The link ended.'))
    outbox.seen([messageOf(draft(1), 7)])
    outbox.use(second)
    expect(second.ids).toEqual([])
    expect(fates()).toEqual(['id-1 stored'])
  })

  test('a refusal for good: failed, with the reason; those behind it go on', async () => {
    const link = new NotedLink()
    outbox.use(link)
    outbox.add(draft(1))
    outbox.add(draft(2))
    await link.refuse(0, never())
    await link.store(1)
    expect(fates()).toEqual(['id-1 failed', 'id-2 stored'])
    expect(views.find((view) => view.fate === 'failed')).toMatchObject({
      detail: 'Never.',
      problem: { status: 400 },
    })
    expect(outbox.pending).toBe(0)
  })

  test('an unknown fate is no failure: it is sent again', async () => {
    const link = new NotedLink()
    outbox.use(link)
    outbox.add(draft(1))
    await link.refuse(0, new SendError('unknown', 'No answer.'))
    clock.advance(2000)
    expect(link.ids).toEqual(['id-1', 'id-1'])
    await link.store(1, 1, false)
    expect(fates()).toEqual(['id-1 stored'])
  })

  test('an error that is no SendError leaves the fate unknown', async () => {
    const link = new NotedLink()
    outbox.use(link)
    outbox.add(draft(1))
    await link.refuse(0, new TypeError('a mistake'))
    clock.advance(2000)
    expect(link.ids).toEqual(['id-1', 'id-1'])
  })

  test('a late answer of a former link counts when it says stored, and not when it refuses', async () => {
    const [first, second] = [new NotedLink(), new NotedLink()]
    outbox.use(first)
    outbox.add(draft(1))
    outbox.add(draft(2))
    outbox.use(second)
    await first.store(0)
    await first.refuse(1, never())
    expect(fates()).toEqual(['id-1 stored'])
    expect(outbox.pending).toBe(1)
    await second.refuse(0, never())
    await second.store(1)
    expect(fates()).toEqual(['id-1 stored', 'id-2 stored'])
  })

  test('after stop nothing is sent; what was stored is still told', async () => {
    const link = new NotedLink()
    outbox.use(link)
    outbox.add(draft(1))
    outbox.add(draft(2))
    outbox.stop()
    await link.store(0)
    await link.refuse(1, later())
    outbox.use(new NotedLink())
    expect(clock.nextInMs).toBeNull()
    expect(fates()).toEqual(['id-1 stored'])
    expect(outbox.pending).toBe(1)
  })
})

describe('failed drafts', () => {
  async function failed(link: NotedLink): Promise<void> {
    outbox.use(link)
    outbox.add(draft(1))
    await link.refuse(0, never())
  }

  test('can be sent again, behind all that is pending, under the same id', async () => {
    const link = new NotedLink()
    await failed(link)
    outbox.add(draft(2))
    outbox.resend('id-1')
    expect(link.ids).toEqual(['id-1', 'id-2', 'id-1'])
    await link.store(2)
    expect(fates()).toEqual(['id-1 failed', 'id-1 stored'])
  })

  test('can be forgotten; then, and for others, there is none to send again', async () => {
    const link = new NotedLink()
    await failed(link)
    outbox.add(draft(2))
    outbox.discard('id-1')
    for (const id of ['id-1', 'id-2', 'unheard-of']) {
      expect(() => outbox.resend(id)).toThrow(UsageError)
      expect(() => outbox.discard(id)).toThrow(UsageError)
    }
  })
})

test('whatever happens, each draft is pending, stored or failed, and each link is given them in order', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const) }),
    fc.record({ kind: fc.constant('link' as const), there: fc.boolean() }),
    fc.record({
      kind: fc.constantFrom('store' as const, 'later' as const, 'never' as const, 'unknown' as const),
      index: fc.nat(30),
    }),
    fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(3000) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 50 }), async (steps) => {
      const time = new ManualClock()
      const seen = new Map<string, string>()
      const box = new Outbox({
        clock: time,
        random: () => 0.5,
        onView: (view) => {
          expect(seen.get(view.draft.id)).not.toBe('stored')
          seen.set(view.draft.id, view.fate)
        },
      })
      let added = 0
      const links: NotedLink[] = []
      for (const one of steps) {
        const link = links.at(-1)
        switch (one.kind) {
          case 'add':
            added += 1
            box.add(draft(added))
            break
          case 'link':
            if (one.there) links.push(new NotedLink())
            box.use(one.there ? (links.at(-1) ?? null) : null)
            break
          case 'advance':
            time.advance(one.ms)
            break
          case 'store':
            await link?.store(one.index % Math.max(1, link.sent.length))
            break
          case 'later':
          case 'never':
          case 'unknown': {
            const error =
              one.kind === 'later' ? later() : one.kind === 'never' ? never() : new SendError('unknown', 'x')
            await link?.refuse(one.index % Math.max(1, link.sent.length), error)
          }
        }
        const counts = [...seen.values()]
        expect(counts).toHaveLength(added)
        expect(counts.filter((fate) => fate === 'pending')).toHaveLength(box.pending)
      }
      // What a link is given for the first time comes in the order of adding.
      for (const link of links) {
        const firsts = [...new Set(link.ids)].map((id) => Number(id.slice(3)))
        expect(firsts).toEqual(firsts.toSorted((a, b) => a - b))
      }
      // With a link that takes everything nothing stays pending.
      const last = new NotedLink()
      box.use(last)
      for (let index = 0; index < last.sent.length; index++) await last.store(index)
      expect(box.pending).toBe(0)
    }),
  )
})
