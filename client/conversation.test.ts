// The conversation's rows: grouping, drafts that become messages, older messages in front, notes and another log.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Draft, Message } from '../transports/message.ts'
import { Conversation, conversationLimits, type Row } from './conversation.ts'

const nobody = { has: () => false }
const noon = Date.UTC(2026, 4, 3, 12, 0)

function message(offset: number, user = 'Ada', timeMs = noon): Message {
  return { id: `id-${offset}`, user, text: `text ${offset}`, offset, time: timeMs }
}

function draft(id: string, user = 'Ada'): Draft {
  return { id, user, text: `text of ${id}` }
}

/** Each row in a word: messages as their offset with `*` where a group opens. */
function words(rows: readonly Row[]): readonly string[] {
  return rows.map((row) => {
    if (row.kind === 'note') return `(${row.text})`
    const first = row.first ? '*' : ''
    return row.kind === 'draft'
      ? `${row.view.fate} ${row.view.draft.id}${first}`
      : `${row.message.offset}${first}`
  })
}

describe('groups', () => {
  test('open with another author, another minute, and after a note', () => {
    const conversation = new Conversation()
    conversation.append(
      [message(1), message(2), message(3, 'Grace'), message(4, 'Grace', noon + 60_000)],
      'e',
      null,
      nobody,
    )
    conversation.note('switched')
    conversation.append([message(5, 'Grace', noon + 60_000)], 'e', null, nobody)
    expect(words(conversation.rows())).toEqual(['1*', '2', '3*', '4*', '(switched)', '5*'])
  })

  test('come out the same, however the messages are cut into deliveries and older pages', () => {
    const authors = fc.array(fc.tuple(fc.constantFrom('Ada', 'Grace'), fc.integer({ min: 0, max: 2 })), {
      minLength: 1,
      maxLength: 30,
    })
    fc.assert(
      fc.property(authors, fc.array(fc.nat(30), { maxLength: 5 }), fc.nat(30), (list, cuts, start) => {
        let minute = 0
        const all = list.map(([user, step], index) => {
          minute += step
          return message(index + 1, user, noon + minute * 60_000)
        })
        const whole = new Conversation()
        whole.append(all, 'e', null, nobody)
        const pieces = new Conversation()
        const from = Math.min(start, all.length - 1)
        const edges = [
          from,
          ...cuts.map((cut) => Math.max(from, Math.min(cut, all.length))),
          all.length,
        ].sort((a, b) => a - b)
        for (let index = 1; index < edges.length; index++) {
          pieces.append(all.slice(edges[index - 1], edges[index]), 'e', null, nobody)
        }
        for (let end = from; end > 0; end -= 7) pieces.prepend(all.slice(Math.max(0, end - 7), end), nobody)
        expect(words(pieces.rows())).toEqual(words(whole.rows()))
        expect(pieces.complete).toBe(true)
      }),
    )
  })
})

describe('drafts', () => {
  test('stand at the end, and become the message of their id under the same key', () => {
    const conversation = new Conversation()
    conversation.draft({ fate: 'pending', draft: draft('id-2') })
    conversation.append([message(1, 'Grace')], 'e', null, nobody)
    expect(words(conversation.rows())).toEqual(['1*', 'pending id-2*'])
    const key = conversation.rows()[1]?.key
    conversation.append([message(2)], 'e', 'polling', { has: (id) => id === 'id-2' })
    expect(words(conversation.rows())).toEqual(['1*', '2*'])
    expect(conversation.rows()[1]).toMatchObject({ key, own: true, transport: 'polling' })
  })

  test('do not come back when their receipt is later than the message', () => {
    const conversation = new Conversation()
    conversation.append([message(1)], 'e', null, nobody)
    const receipt = { id: 'id-1', offset: 1, time: noon, created: true }
    conversation.draft({ fate: 'stored', draft: draft('id-1'), receipt })
    expect(words(conversation.rows())).toEqual(['1*'])
  })

  test('that failed stay until they are discarded', () => {
    const conversation = new Conversation()
    conversation.draft({ fate: 'failed', draft: draft('a'), detail: 'Too long.', problem: null })
    conversation.draft({ fate: 'pending', draft: draft('b') })
    expect(words(conversation.rows())).toEqual(['failed a*', 'pending b'])
    conversation.discard('a')
    expect(words(conversation.rows())).toEqual(['pending b*'])
  })
})

describe('positions', () => {
  test('what is here already is not shown twice', () => {
    const conversation = new Conversation()
    conversation.append([message(5), message(6)], 'e', null, nobody)
    conversation.append([message(6), message(7)], 'e', null, nobody)
    conversation.prepend([message(4), message(5)], nobody)
    expect(words(conversation.rows())).toEqual(['4*', '5', '6', '7'])
  })

  test('older messages are asked for before the oldest, until the first is here', () => {
    const conversation = new Conversation()
    expect(conversation.beforeOldest()).toBeNull()
    conversation.append([message(3)], 'e', null, nobody)
    expect(conversation.beforeOldest()).toEqual({ epoch: 'e', offset: 2 })
    conversation.prepend([message(1), message(2)], nobody)
    expect(conversation.beforeOldest()).toBeNull()
  })

  test('another log starts anew below a line, and small offsets of it are new', () => {
    const conversation = new Conversation()
    conversation.append([message(8)], 'old', null, nobody)
    conversation.reset('new', 'another log')
    conversation.append([{ ...message(1), id: 'other' }], 'new', null, nobody)
    expect(words(conversation.rows())).toEqual(['8*', '(another log)', '1*'])
    expect(conversation.beforeOldest()).toBeNull()
  })

  test('an id that a server gives twice gets two keys', () => {
    const conversation = new Conversation()
    conversation.append([message(1), { ...message(2), id: 'id-1' }], 'e', null, nobody)
    const keys = conversation.rows().map((row) => row.key)
    expect(new Set(keys).size).toBe(2)
  })

  test('too many rows: the oldest leave and can be asked for again', () => {
    const conversation = new Conversation()
    const all = Array.from({ length: conversationLimits.rows + 1 }, (_, index) => message(index + 1))
    conversation.append(all, 'e', null, nobody)
    expect(conversation.beforeOldest()).toBeNull()
    conversation.trim()
    expect(conversation.rows().length).toBe(conversationLimits.rowsAfterTrim)
    expect(conversation.beforeOldest()).toEqual({
      epoch: 'e',
      offset: all.length - conversationLimits.rowsAfterTrim,
    })
    expect(conversation.rows()[0]).toMatchObject({ first: true })
  })
})
