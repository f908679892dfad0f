// The judge itself, with made-up histories: one for every verdict, and one that is fine.
import { describe, expect, test } from 'vitest'
import { Checker, type Findings, type StoredLog, type Verdict } from './checker.ts'
import type { HandedMessage, HistoryLine } from './history.ts'

const epoch = 'e1'

function message(offset: number, user: string, number: number): HandedMessage {
  return { offset, id: `${user}/${number}`, user, text: `#${number}` }
}

const a1 = message(1, 'ada', 1)
const b1 = message(2, 'bob', 1)
const a2 = message(3, 'ada', 2)
const a3 = message(4, 'ada', 3)
const everything = [a1, b1, a2, a3]

const start: HistoryLine = { kind: 'start', epoch, offset: 0 }
const sent = ({ id, text }: HandedMessage): HistoryLine => ({ kind: 'sent', id, text })
const acknowledged = ({ id, offset }: HandedMessage, created = true): HistoryLine => ({
  kind: 'acknowledged',
  id,
  offset,
  created,
})
const handed = (...messages: HandedMessage[]): HistoryLine => ({ kind: 'messages', epoch, messages })

/** Both have sent what they sent, and read everything. */
const ada = [start, ...[a1, a2, a3].map(sent), ...[a1, a2, a3].map((one) => acknowledged(one))]
const bob = [start, sent(b1), acknowledged(b1)]
const adaReads = [...ada, handed(a1), handed(b1, a2), handed(a3)]
const bobReads = [...bob, handed(...everything)]

function judge(
  changes: {
    readonly log?: Partial<StoredLog>
    readonly ada?: readonly HistoryLine[]
    readonly bob?: readonly HistoryLine[]
  } = {},
): Findings {
  const checker = new Checker({ epoch, messages: everything, ...changes.log })
  checker.client('ada', changes.ada ?? adaReads)
  checker.client('bob', changes.bob ?? bobReads)
  return checker.finish()
}

function verdicts(findings: Findings): Verdict[] {
  return findings.violations.map(({ verdict }) => verdict)
}

test('nothing to say of a run in which all went well', () => {
  expect(judge()).toEqual({
    acknowledged: 4,
    delivered: 8,
    stored: 4,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    gaps: 0,
    resets: 0,
    refused: 0,
    unknownFate: 0,
    unacknowledgedStored: 0,
    acknowledgedLater: 0,
    foreign: 0,
    violations: [],
  })
})

describe('lost', () => {
  test('acknowledged, and the log does not have it', () => {
    const read = [...ada, handed(a1, b1, a2)]
    const found = judge({
      log: { messages: [a1, b1, a2] },
      ada: read,
      bob: [...bob, handed(a1, b1, a2)],
    })
    expect([found.lost, verdicts(found)]).toEqual([1, ['lost']])
    expect(found.violations[0]?.detail).toContain("the log doesn't have it")
  })

  test('acknowledged at an offset where another message is', () => {
    const moved = [...ada.slice(0, -1), { ...acknowledged(a3), offset: 2 } as HistoryLine]
    expect(judge({ ada: [...moved, handed(...everything)] }).lost).toBe(1)
  })

  test('in the log, and a reader was never handed it: in the middle, and at the end', () => {
    expect(judge({ bob: [...bob, handed(a1, b1), handed(a3)] }).lost).toBe(1)
    expect(judge({ bob: [...bob, handed(a1, b1, a2)] }).lost).toBe(1)
    expect(judge({ bob }).lost).toBe(4)
  })

  test('what lies before the start of a reader is none of its business', () => {
    const late: HistoryLine[] = [
      { kind: 'start', epoch, offset: 2 },
      sent(b1),
      acknowledged(b1),
      handed(a2, a3),
    ]
    expect(judge({ bob: late }).lost).toBe(0)
  })

  test('handed up with another text than the log has', () => {
    const found = judge({ bob: [...bob, handed(a1, b1, { ...a2, text: 'altered' }, a3)] })
    expect([found.lost, found.violations[0]?.client]).toEqual([1, 'bob'])
  })

  test('handed up, and the log has another message there: what the log has is lost', () => {
    expect(judge({ bob: [...bob, handed(a1, b1, message(3, 'ada', 9), a3)] }).lost).toBe(1)
  })

  test('handed up before it was stored, and never stored', () => {
    expect(judge({ bob: [...bob, handed(...everything, message(5, 'ada', 9))] }).lost).toBe(1)
  })

  test('in the log with another text than was sent', () => {
    const altered = { ...b1, text: 'altered' }
    const log = [a1, altered, a2, a3]
    const found = judge({
      log: { messages: log },
      ada: [...ada, handed(...log)],
      bob: [...bob, handed(...log)],
    })
    expect([found.lost, found.violations[0]?.client]).toEqual([1, 'bob'])
  })

  test('a hole in the log', () => {
    const log = [a1, a2, a3]
    const found = judge({
      log: { messages: log },
      ada: [...ada, handed(...log)],
      bob: [...bob, handed(...log)],
    })
    // The hole, and the acknowledgement of what was there.
    expect(found.lost).toBe(2)
  })

  test('of another log', () => {
    const foreign: HistoryLine = { kind: 'messages', epoch: 'e2', messages: everything }
    expect(judge({ bob: [...bob, foreign] }).lost).toBe(8)
  })

  test('a history without a start', () => {
    expect(judge({ bob: bobReads.slice(1) }).lost).toBe(1)
  })
})

describe('duplicated', () => {
  test('the same offset handed up again', () => {
    const found = judge({ bob: [...bobReads, handed(a2)] })
    expect([found.duplicated, found.lost, found.reordered]).toEqual([1, 0, 0])
  })

  test('the same id handed up at another offset', () => {
    expect(judge({ bob: [...bobReads, handed({ ...a3, offset: 5 })] }).duplicated).toBe(1)
  })

  test('an id that the log holds twice', () => {
    const log = [...everything, { ...a1, offset: 5 }]
    const found = judge({
      log: { messages: log },
      ada: [...ada, handed(...log)],
      bob: [...bob, handed(...log)],
    })
    // Once in the log; each reader was handed it again, as well.
    expect(found.duplicated).toBe(3)
  })
})

describe('reordered', () => {
  test('a reader is handed one behind one that follows it', () => {
    const found = judge({ bob: [...bob, handed(a1, a2, b1, a3)] })
    expect([found.reordered, found.lost, found.duplicated]).toEqual([1, 0, 0])
  })

  test("the log has a sender's messages in another order than they were sent", () => {
    const sentOtherwise = [
      start,
      sent(a2),
      sent(a1),
      sent(a3),
      ...[a1, a2, a3].map((one) => acknowledged(one)),
    ]
    const found = judge({ ada: [...sentOtherwise, handed(...everything)] })
    expect([found.reordered, found.violations[0]?.client]).toEqual([1, 'ada'])
  })
})

describe('what else must not be', () => {
  test('a gap and a reset, in a log that is never trimmed and never lost', () => {
    const found = judge({ bob: [...bobReads, { kind: 'gap' }, { kind: 'reset' }] })
    expect([found.gaps, found.resets, verdicts(found)]).toEqual([1, 1, ['gap', 'reset']])
  })

  test('a start in another log than the one on disk', () => {
    expect(judge({ bob: [{ ...start, epoch: 'e2' }, ...bobReads.slice(1)] }).resets).toBe(1)
  })

  test('a second start, which would excuse what lies before it', () => {
    const found = judge({ bob: [...bob, handed(a1), { ...start, offset: 3 }, handed(a3)] })
    expect([found.resets, found.lost]).toEqual([1, 2])
  })

  test('refused for good', () => {
    const found = judge({
      bob: [...bobReads, sent(message(0, 'bob', 2)), { kind: 'refused', id: 'bob/2', detail: 'no' }],
    })
    expect([found.refused, found.unknownFate]).toEqual([1, 0])
  })

  test('a fate that is not known at the end, whether it is stored or not', () => {
    expect(judge({ bob: [...bobReads, sent(message(0, 'bob', 2))] }).unknownFate).toBe(1)
    const silent = judge({ bob: bobReads.filter(({ kind }) => kind !== 'acknowledged') })
    expect([silent.unknownFate, silent.unacknowledgedStored, silent.acknowledged]).toEqual([1, 1, 3])
  })

  test('a message that nobody sent, and an acknowledgement of one', () => {
    const found = judge({ ada: adaReads.filter((line) => line.kind !== 'sent' || line.id !== a2.id) })
    expect([found.foreign, verdicts(found)]).toEqual([2, ['foreign', 'foreign']])
  })
})

test('stored at an earlier try than the one that was acknowledged is allowed, and counted', () => {
  const found = judge({ bob: [start, sent(b1), acknowledged(b1, false), handed(...everything)] })
  expect([found.acknowledgedLater, found.violations]).toEqual([1, []])
})
