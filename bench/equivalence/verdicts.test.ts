// That each verdict can fail: the evidence of a cell in which all held, spoilt in one way at a time. And the tables and the page.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Closed, Delivery, Gap, Link } from '../../transports/contract.ts'
import { UsageError } from '../../transports/errors.ts'
import type { Message } from '../../transports/message.ts'
import { doesNotApply, expected, expectedFaults, type Property, properties } from './expectations.ts'
import { faultOf, faults } from './faults.ts'
import { linesAgainst, wasHeldUp } from './matrix.ts'
import { parseOptions } from './options.ts'
import { renderPage, renderScreen } from './report.ts'
import type { Evidence } from './run.ts'
import { bounds, scale } from './scale.ts'
import type { Noted } from './spy.ts'
import { transportNames } from './stage.ts'
import { type CellVerdict, judge } from './verdicts.ts'

const at = (offset: number, epoch = 'e') => ({ epoch, offset })
const message = (offset: number): Message => ({
  id: `id-${offset}`,
  user: offset % 2 === 0 ? 'writer' : 'publisher',
  text: `text ${offset}`,
  offset,
  time: offset,
})
const log = (first: number, last: number): Message[] =>
  Array.from({ length: last - first + 1 }, (_, index) => message(first + index))
const delivery = (first: number, last: number): Delivery => ({
  kind: 'messages',
  after: at(first - 1),
  messages: log(first, last),
  cursor: at(last),
})

const local: Closed = { cause: 'local', retry: true, detail: '' }

function noted(deliveries: Delivery[], closings: Closed[] = [local], more: Partial<Noted> = {}): Noted {
  const link = { head: at(0) } as Link
  return {
    transport: 'websocket',
    start: { last: 0 },
    link,
    deliveries,
    closings,
    late: 0,
    heldBytes: () => 0,
    ...more,
  }
}

interface Reader {
  received: Message[]
  gaps: Gap[]
  resets: { cursor: { epoch: string; offset: number } }[]
  links: Noted[]
}

function heard({ received, gaps, resets, links }: Reader) {
  const messagesDown = links
    .flatMap(({ deliveries }) => deliveries)
    .reduce((sum, one) => sum + (one.kind === 'messages' ? one.messages.length : 0), 0)
  const opened = links.filter(({ link }) => link !== null)
  return { received, gaps, resets, ledger: { links, opened, messagesDown } }
}

const reader = (last: number): Reader => ({
  received: log(1, last),
  gaps: [],
  resets: [],
  links: [noted([delivery(1, 4), delivery(5, last)])],
})

/** What a spoiler may change, before it becomes evidence. */
function honest() {
  return {
    fault: 'none',
    follower: reader(10),
    person: reader(10),
    quiet: { ...reader(5), links: [noted([delivery(1, 5)])] },
    sent: [2, 4, 6, 8, 10].map((offset) => `id-${offset}`),
    stored: new Set([2, 4, 6, 8, 10].map((offset) => `id-${offset}`)),
    calledTooEarly: 0,
    busyLog: log(1, 10),
    quietLog: log(1, 5),
    mostServerBytes: 1000,
    mostClientBytes: 1000,
    samples: 10,
    letGoTooEarly: 0,
    problems: [] as string[],
    placesLeft: 0,
    heldUpMs: 0,
  }
}

type Draft = ReturnType<typeof honest>

function verdictOn(spoil: (draft: Draft) => void): CellVerdict {
  const draft = honest()
  spoil(draft)
  const { follower, person, quiet, sent, stored, calledTooEarly, ...rest } = draft
  const evidence: Evidence = {
    ...rest,
    transport: 'websocket',
    follower: { ...heard(follower), calledTooEarly },
    person: { ...heard(person), sent, stored },
    quiet: heard(quiet),
  }
  return judge(evidence)
}

const broken = (verdict: CellVerdict): Property[] =>
  verdict.verdicts.filter(({ result }) => result === 'broken').map(({ property }) => property)

test('an honest cell holds in all', () => {
  const verdict = verdictOn(() => undefined)
  expect(linesAgainst(verdict)).toEqual([])
  expect(verdict.verdicts.map(({ property }) => property)).toEqual([...properties])
})

test('a machine that stood still excuses the cause of an end, and nothing else', () => {
  const idle: Closed = { cause: 'idle', retry: true, detail: 'silent' }
  const given = verdictOn(({ follower }) => {
    follower.links = [noted([delivery(1, 10)], [idle])]
  })
  expect(broken(given)).toEqual(['closed'])
  expect(wasHeldUp(given, scale.heartbeatMs)).toBe(true)
  expect(wasHeldUp(given, scale.heartbeatMs - 1)).toBe(false)
  expect(
    wasHeldUp(
      verdictOn(() => undefined),
      scale.heartbeatMs,
    ),
  ).toBe(false)
  const more: readonly ((draft: Draft) => void)[] = [
    ({ person }) => void person.received.pop(),
    ({ follower }) => void follower.links[0]?.closings.push(idle),
    (draft) => {
      draft.placesLeft = 1
    },
  ]
  for (const spoil of more) {
    const both = verdictOn((draft) => {
      draft.follower.links = [noted([delivery(1, 10)], [idle])]
      spoil(draft)
    })
    expect(wasHeldUp(both, scale.heartbeatMs)).toBe(false)
  }
})

describe('each of these is noticed, and by the property that it is about', () => {
  const cases: readonly (readonly [string, Property, (draft: Draft) => void])[] = [
    [
      'a link hands up a later part first',
      'order',
      ({ follower }) => void follower.links[0]?.deliveries.reverse(),
    ],
    [
      'offsets within a delivery are wrong',
      'order',
      ({ person }) => {
        person.links = [noted([{ ...delivery(1, 10), messages: log(1, 10).reverse() } as Delivery])]
      },
    ],
    [
      'the session hears two messages in the wrong order',
      'order',
      ({ person }) => void person.received.reverse(),
    ],
    ['drafts are stored in another order', 'order', ({ sent }) => void sent.reverse()],
    ['an id is twice in the log', 'once', ({ busyLog }) => void busyLog.push({ ...message(11), id: 'id-1' })],
    [
      'a draft is stored under two ids',
      'once',
      ({ busyLog, sent }) => {
        busyLog.push({ ...message(12), text: 'text 2' })
        sent.push('id-12')
      },
    ],
    ['a message is in the log that nobody sent', 'once', ({ busyLog }) => void busyLog.push(message(12))],
    ['a message is handed up twice', 'once', ({ follower }) => void follower.received.push(message(10))],
    ['a message is lost', 'resume', ({ person }) => void person.received.pop()],
    ['the first message is lost', 'resume', ({ quiet }) => void quiet.received.shift()],
    [
      'another message is heard than the log has',
      'resume',
      ({ follower }) => {
        follower.received[3] = { ...message(4), id: 'another' }
      },
    ],
    ['a draft is never acknowledged', 'resume', ({ stored }) => void stored.delete('id-4')],
    [
      'a new link begins from scratch',
      'resume',
      ({ person }) => void person.links.push(noted([delivery(1, 10)])),
    ],
    [
      'a gap comes where there is none',
      'resume',
      ({ follower }) => {
        follower.gaps.push({ kind: 'gap', after: at(10), cursor: at(12) })
      },
    ],
    [
      'a reset comes where there is none',
      'resume',
      ({ person }) => void person.resets.push({ cursor: at(0, 'f') }),
    ],
    [
      'a gap doesn’t come',
      'resume',
      (draft) => {
        draft.fault = 'log trimmed'
      },
    ],
    [
      'a reset doesn’t come',
      'resume',
      (draft) => {
        draft.fault = 'new epoch'
      },
    ],
    [
      'a link is let go too early',
      'resume',
      (draft) => {
        draft.letGoTooEarly = 1
      },
    ],
    ['something was waited for in vain', 'resume', ({ problems }) => void problems.push('In vain.')],
    [
      'the server holds too much',
      'bounded',
      (draft) => {
        draft.mostServerBytes = bounds.serverBytes + 1
      },
    ],
    [
      'nobody looked at the server',
      'bounded',
      (draft) => {
        draft.samples = 0
      },
    ],
    [
      'a client holds too much',
      'bounded',
      (draft) => {
        draft.mostClientBytes = bounds.clientBytes + 1
      },
    ],
    [
      'a busy application is called',
      'bounded',
      (draft) => {
        draft.calledTooEarly = 1
      },
    ],
    [
      'a link never closes',
      'closed',
      ({ person }) => {
        person.links = [noted([delivery(1, 10)], [])]
      },
    ],
    [
      'a link closes twice',
      'closed',
      ({ quiet }) => {
        quiet.links = [noted([delivery(1, 5)], [local, local])]
      },
    ],
    [
      'a link that never opened closes',
      'closed',
      ({ person }) => void person.links.push(noted([], [local], { link: null })),
    ],
    [
      'a delivery comes after the end',
      'closed',
      ({ person }) => {
        person.links = [noted([delivery(1, 10)], [local], { late: 1 })]
      },
    ],
    [
      'the bare link closes for another cause',
      'closed',
      ({ follower }) => {
        follower.links = [noted([delivery(1, 10)], [{ ...local, cause: 'network' }]), noted([])]
      },
    ],
    [
      'a later bare link does',
      'closed',
      ({ follower }) => {
        follower.links = [noted([delivery(1, 10)]), noted([], [{ ...local, cause: 'slow' }]), noted([])]
      },
    ],
    [
      'the server keeps a place',
      'closed',
      (draft) => {
        draft.placesLeft = 1
      },
    ],
  ]
  test.each(cases)('%s: %s', (_what, property, spoil) => {
    expect(broken(verdictOn(spoil))).toContain(property)
  })
})

test('every fault has its causes on every transport, and none is told of twice', () => {
  expect([...expectedFaults].sort()).toEqual(faults.map(({ name }) => name).sort())
  for (const transport of transportNames)
    for (const { name } of faults) expect(expected(name, transport).causes.length).toBeGreaterThan(0)
  expect(() => faultOf('an earthquake')).toThrow()
})

describe('what it prints', () => {
  const cells = transportNames.flatMap((transport) =>
    faults.map(
      ({ name }): CellVerdict => ({
        transport,
        fault: name,
        verdicts: properties.map((property) => ({
          property,
          result: doesNotApply(name, property) === null ? 'held' : 'apart',
          against: [],
          measured: 'something',
        })),
      }),
    ),
  )
  const matrix = { transports: transportNames, faults, cells }

  test('docs/equivalence.md is what the tables come to when all holds (npm run equivalence -- --write)', () => {
    const page = readFileSync(fileURLToPath(new URL('../../docs/equivalence.md', import.meta.url)), 'utf8')
    expect(page).toBe(renderPage(matrix))
  })

  test('no cell is empty, and one that speaks against itself is told in words', () => {
    const [first, ...others] = cells
    if (first === undefined) throw new Error('there are cells')
    const verdicts = first.verdicts.map((one) => ({
      ...one,
      result: 'broken' as const,
      against: ['it is lost'],
    }))
    const text = renderScreen(
      { ...matrix, cells: [{ ...first, verdicts }, ...others] },
      { verbose: true, seed: 1, seconds: 2 },
    )
    expect(text).toContain(`${first.transport} × none: order: it is lost`)
    expect(text).toContain(`${cells.length * 5 - 5} of ${cells.length * 5} verdicts hold`)
    expect(renderPage(matrix)).not.toMatch(/\| +\|/)
    expect(renderPage({ ...matrix, cells: others })).toContain('not played')
  })

  test('the options: names, and what is wrong, in one line', () => {
    const options = parseOptions(['--transports', 'polling', '--faults', 'half-open,none', '--seed', '7'])
    expect(options?.transports).toEqual(['polling'])
    expect(options?.faults.map(({ name }) => name)).toEqual(['none', 'half-open'])
    expect(parseOptions(['--help'])).toBeNull()
    for (const wrong of [['--faults', 'rain'], ['--seed', 'x'], ['--write', '--faults', 'none'], ['more']])
      expect(() => parseOptions(wrong)).toThrow(UsageError)
  })
})
