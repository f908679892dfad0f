// The times of a comeback, against stories that are told by hand.
import { describe, expect, it } from 'vitest'
import { busiestShare, Comeback } from './comeback.ts'

describe('a comeback', () => {
  it('is told from a cut, a new link, and the messages that were missed', () => {
    const comeback = new Comeback(10)
    comeback.received(0, 10, 11)
    comeback.cut(100)
    comeback.changed(false, 101, 1)
    // Messages 1 and 2 are sent while it is away.
    comeback.changed(true, 300, 3)
    expect(comeback.times).toMatchObject({ reconnectedMs: 300, firstMessageMs: null, caughtUpMs: null })
    comeback.received(1, 150, 305)
    expect(comeback.isComplete).toBe(false)
    comeback.received(2, 200, 310)
    expect(comeback.times).toEqual({ cutMs: 100, reconnectedMs: 300, firstMessageMs: 305, caughtUpMs: 310 })
    expect(comeback.isComplete).toBe(true)
  })

  it('does not take what was sent before the cut for new', () => {
    const comeback = new Comeback(10)
    comeback.cut(100)
    comeback.received(0, 99, 102)
    expect(comeback.times).toMatchObject({ reconnectedMs: null, firstMessageMs: null })
  })

  it('takes the first new message for the new link where none was told of', () => {
    const comeback = new Comeback(10)
    comeback.cut(100)
    comeback.received(1, 130, 250)
    expect(comeback.times).toMatchObject({ reconnectedMs: 250, firstMessageMs: 250, caughtUpMs: null })
    comeback.received(0, 120, 250.5)
    expect(comeback.times.caughtUpMs).toBe(250.5)
  })

  it('has caught up at once where nothing was sent, and is complete with the next message', () => {
    const comeback = new Comeback(10)
    comeback.cut(100)
    comeback.changed(true, 101, 0)
    expect(comeback.times.reconnectedMs).toBeNull()
    comeback.changed(false, 102, 0)
    comeback.changed(true, 180, 0)
    expect(comeback.times).toMatchObject({ reconnectedMs: 180, caughtUpMs: 180, firstMessageMs: null })
    comeback.received(0, 200, 201)
    expect(comeback.isComplete).toBe(true)
  })

  it('has not caught up while one of the missed is missing, whatever else comes', () => {
    const comeback = new Comeback(10)
    comeback.cut(100)
    comeback.changed(false, 101, 0)
    comeback.changed(true, 150, 2)
    comeback.received(1, 120, 151)
    comeback.received(2, 160, 161)
    expect(comeback.isComplete).toBe(false)
    comeback.received(0, 110, 170)
    expect(comeback.times.caughtUpMs).toBe(170)
  })
})

describe('the busiest stretch', () => {
  it('is found wherever it lies', () => {
    expect(busiestShare([], 100)).toBe(0)
    expect(busiestShare([5], 100)).toBe(1)
    expect(busiestShare([0, 100, 200, 300], 100)).toBe(0.25)
    expect(busiestShare([300, 0, 250, 299, 900], 100)).toBe(0.6)
  })
})
