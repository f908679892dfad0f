// The server's check of drafts.
import fc from 'fast-check'
import { v7 as uuidVersion7 } from 'uuid'
import { describe, expect, test } from 'vitest'
import { asDraft, draftProblem } from './draft.ts'
import type { Draft } from './message.ts'

const good: Draft = { id: '0199aabb-ccdd-7000-8000-000000000001', user: 'ada', text: 'hello' }

test('what the client makes is a draft', () => {
  for (let number = 0; number < 100; number++)
    expect(draftProblem({ ...good, id: uuidVersion7() })).toBeNull()
})

describe('is no draft, for a reason that is told', () => {
  test.each([
    ['nothing', undefined, 'The draft'],
    ['null', null, 'The draft'],
    ['a text', 'hello', 'The draft'],
    ['a list', [good], 'The draft'],
    ['no fields', {}, 'draft'],
    ['one field less', { id: good.id, user: good.user }, 'draft'],
    ['one field more', { ...good, offset: 1 }, 'draft'],
    ['one field more, by name', { ...good, offset: 1 }, '"offset" is no field of a draft'],
    ['a number as text', { ...good, text: 1 }, '"text"'],
    ['an object as user', { ...good, user: {} }, '"user"'],
    ['an empty text', { ...good, text: '' }, '"text"'],
    ['a blank text', { ...good, text: ' \n' }, 'needs a text'],
    ['a user of two lines', { ...good, user: 'a\nb' }, 'line breaks'],
    ['an id of version 4', { ...good, id: '0199aabb-ccdd-4000-8000-000000000001' }, 'version 7'],
    ['an id of another variant', { ...good, id: '0199aabb-ccdd-7000-c000-000000000001' }, 'version 7'],
    ['an id in upper case', { ...good, id: good.id.toUpperCase() }, 'lower case'],
    ['an id with something behind it', { ...good, id: `${good.id}\n` }, 'version 7'],
    ['an id that is a number', { ...good, id: 1 }, 'version 7'],
    ['half of a surrogate pair', { ...good, text: '\ud800' }, 'surrogate'],
  ])('%s', (_what, value, why) => {
    expect(draftProblem(value)).toContain(why)
  })

  test('whatever it is, the check gives a sentence and does not throw', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.record({ id: fc.constant(good.id), user: fc.jsonValue(), text: fc.jsonValue() }),
        ),
        (value) => {
          const problem = draftProblem(value)
          if (problem !== null) expect(problem).toMatch(/^["A-Z].*\.$/s)
          else expect(Object.keys(value as object).toSorted()).toEqual(['id', 'text', 'user'])
        },
      ),
    )
  })
})

test('a draft is copied without anything else', () => {
  const copy = asDraft({ ...good, extra: 1 } as Draft)
  expect(copy).toEqual(good)
})
