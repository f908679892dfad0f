// The small pure parts: the lab's lines, the page's address, the light, the slider, and what the server says of itself.
import { describe, expect, test } from 'vitest'
import type { SessionState } from '../transports/session.state.ts'
import { readAddress, roomAddress } from './address.ts'
import { intervalAt, stepOf, steps } from './interval.ts'
import { readDescription } from './lab-server.ts'
import { fellBackNote, gapNote, notSwitchedNote, recoveredNote, switchedNote } from './notes.ts'
import { presenceOf } from './presence.ts'

describe('notes', () => {
  const report = { from: 'polling', to: 'websocket', durationMs: 12.3, overlapped: 0 }

  test('a switch says how long it took and what it lost', () => {
    expect(switchedNote(report, 0, false)).toBe('switched to WebSocket in 12 ms · nothing lost')
    expect(switchedNote(report, 1, false)).toBe('switched to WebSocket in 12 ms · 1 message lost')
  })

  test('a climb back to what another had stood in for says so', () => {
    expect(switchedNote(report, 0, true)).toBe('back on WebSocket in 12 ms · nothing lost')
  })

  test('what stands in is named with what it stands in for, and why', () => {
    expect(fellBackNote('websocket', 'server-sent-events', 'The handshake was refused.')).toBe(
      'WebSocket can’t be used here now · SSE stands in: The handshake was refused.',
    )
  })

  test('a switch that did not come about says why, of the ladder too', () => {
    expect(notSwitchedNote('http2-push', 'No TLS.')).toBe('could not switch to HTTP/2 push: No TLS.')
    expect(notSwitchedNote('auto', 'No TLS.')).toBe('could not switch to Auto: No TLS.')
  })

  test('a recovery says how long it took and what came after', () => {
    expect(recoveredNote(4200, 17)).toBe('offline for 4.2 s · 17 messages caught up')
    expect(recoveredNote(4200, 0)).toBe('offline for 4.2 s · nothing was said meanwhile')
  })

  test('a gap names the messages that are gone', () => {
    const at = (offset: number) => ({ epoch: 'e', offset })
    expect(gapNote(at(12), at(80))).toMatch(/^messages 13 to 80 were removed/)
    expect(gapNote(at(12), at(13))).toMatch(/^message 13 was removed/)
  })
})

describe('address', () => {
  test('a room goes into the fragment and comes out again', () => {
    const address = roomAddress(new URL('https://lab.example:8443/x?y'), 'my-room', 'Ada & co #1')
    expect(address.origin).toBe('https://lab.example:8443')
    expect(readAddress(address.hash)).toEqual({ room: 'my-room', problem: null, user: 'Ada & co #1' })
  })

  test('what cannot name a room is none', () => {
    expect(readAddress('#room=a%20b')).toMatchObject({
      room: null,
      problem: expect.stringContaining('64 letters'),
    })
    expect(readAddress('')).toMatchObject({ room: null, problem: null })
  })
})

describe('presence', () => {
  const state: SessionState = {
    phase: 'open',
    transport: 'polling',
    links: [],
    retryAtMs: null,
    wished: 'polling',
    skipped: [],
    ladder: [],
    failures: 0,
    trouble: null,
    pending: 0,
    cursor: null,
  }

  test.each([
    [{ ...state }, { tone: 'open', word: 'connected', seconds: null }],
    [
      { ...state, phase: 'connecting' as const },
      { tone: 'connecting', word: 'connecting', seconds: null },
    ],
    [
      { ...state, phase: 'waiting' as const, retryAtMs: 5500 },
      { tone: 'offline', word: 'offline', seconds: 5 },
    ],
    [
      { ...state, phase: 'closed' as const },
      { tone: 'offline', word: 'ended', seconds: null },
    ],
  ])('$phase', (at, expected) => expect(presenceOf(at, 1000)).toEqual(expected))
})

describe('the polling interval', () => {
  test('reaches both ends, in steps that grow', () => {
    expect(intervalAt(0)).toBe(100)
    expect(intervalAt(steps)).toBe(30_000)
    for (let step = 1; step <= steps; step++) expect(intervalAt(step)).toBeGreaterThan(intervalAt(step - 1))
  })

  test('stands where it was put', () => {
    for (let step = 0; step <= steps; step++)
      expect(Math.abs(stepOf(intervalAt(step)) - step)).toBeLessThanOrEqual(1)
  })
})

describe('the server’s description', () => {
  const base = new URL('http://localhost:8080/')

  test('gives the other port under the same name', () => {
    const server = readDescription({ transports: ['polling'], ports: { plain: 8080, tls: 8443 } }, base)
    expect(server).toEqual({
      tls: new URL('https://localhost:8443/'),
      plain: new URL('http://localhost:8080/'),
      transports: ['polling'],
    })
  })

  test.each([
    null,
    'x',
    {},
    { transports: 4, ports: [] },
    { ports: { tls: '8443' } },
    { ports: { tls: -1 } },
  ])('from nonsense gives nothing: %j', (nonsense) =>
    expect(readDescription(nonsense, base)).toEqual({ tls: null, plain: null, transports: [] }),
  )
})
