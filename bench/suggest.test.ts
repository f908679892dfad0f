// Suggestions for what was mistyped.
import { describe, expect, it } from 'vitest'
import { oneOf, suggestionFor } from './suggest.ts'

const known = ['trickle', 'fanout', 'burst', 'websocket', 'websocket-h2', 'ws', 'tcp']

describe('suggestionFor', () => {
  it.each([
    ['fanuot', 'fanout'],
    ['Burst', 'burst'],
    ['brust', 'burst'],
    ['websockets', 'websocket'],
    ['websocket-h3', 'websocket-h2'],
    ['wss', 'ws'],
    ['tric', 'trickle'],
  ])('takes %s for %s', (typed, meant) => {
    expect(suggestionFor(typed, known)).toBe(meant)
  })

  it.each(['pigeon', 'x', 'udp2'])('has nothing for %s', (typed) => {
    expect(suggestionFor(typed, known)).toBeNull()
  })

  it('stands in the complaint, which names what is known', () => {
    expect(() => oneOf('transport', 'websoket', known)).toThrow(
      'There is no transport "websoket". Did you mean websocket? Known: trickle, fanout',
    )
    expect(oneOf('transport', 'tcp', known)).toBe('tcp')
  })
})
