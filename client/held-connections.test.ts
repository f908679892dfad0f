// What counts as one of the six connections, and how tabs that can't see each other are counted (R9).
import { describe, expect, test } from 'vitest'
import type { Negotiated } from '../transports/contract.ts'
import { eventually } from '../transports/eventually.harness.ts'
import type { LinkView, SessionState } from '../transports/session.state.ts'
import { HeldConnections, holdsConnection, type Locks, waitsForConnection } from './held-connections.ts'

const http1: Negotiated = { protocol: 'http/1.1', tls: false, subprotocol: null, extensions: [] }

function link(
  transport: string,
  negotiated: Negotiated | null = http1,
  phase: LinkView['phase'] = 'live',
): LinkView {
  return { number: 1, transport, phase, negotiated }
}

describe('R9: a link keeps one of the six', () => {
  test.each([
    ['server-sent events over HTTP/1.1', link('server-sent-events'), true],
    ['a parked poll', link('long-polling'), true],
    ['Socket.IO that polls', link('socket-io', { ...http1, extensions: ['engine.io polling'] }), true],
    ['Socket.IO on a WebSocket', link('socket-io', { ...http1, extensions: ['engine.io websocket'] }), false],
    ['a WebSocket', link('websocket', { ...http1, subprotocol: 'json' }), false],
    ['short polls', link('polling'), false],
    ['anything over HTTP/2', link('server-sent-events', { ...http1, protocol: 'h2' }), false],
    ['one that is being opened', link('server-sent-events', null, 'opening'), false],
    ['one that is on its way out', link('server-sent-events', http1, 'closing'), true],
  ])('%s', (_what, view, expected) => expect(holdsConnection(view)).toBe(expected))
})

describe('R9: what waits for one of the six', () => {
  const idle: SessionState = {
    phase: 'open',
    transport: 'server-sent-events',
    wished: 'auto',
    skipped: [],
    ladder: [],
    links: [link('server-sent-events')],
    retryAtMs: null,
    failures: 0,
    trouble: null,
    pending: 0,
    cursor: null,
  }
  const socket = link('websocket', { ...http1, subprotocol: 'json' })

  test.each([
    ['nothing, where all is well', idle, false],
    ['a message that is sent by a request', { ...idle, pending: 1 }, true],
    [
      'no message over HTTP/2',
      { ...idle, pending: 1, links: [link('http2-push', { ...http1, protocol: 'h2' })] },
      false,
    ],
    ['no message over a WebSocket', { ...idle, pending: 1, links: [socket] }, false],
    [
      'a stream that is opened beside it',
      { ...idle, links: [socket, link('long-polling', null, 'opening')] },
      true,
    ],
    [
      'no WebSocket that is opened beside it',
      { ...idle, links: [...idle.links, link('websocket', null, 'opening')] },
      false,
    ],
    ['whatever is tried while nothing is open', { ...idle, phase: 'connecting', links: [] }, true],
  ] as const)('%s', (_what, state, expected) => expect(waitsForConnection(state)).toBe(expected))
})

/** One lock manager for several tabs, as a browser has it. */
class SharedLocks implements Locks {
  held: { name: string }[] = []

  async request(name: string, _options: { mode: 'shared' }, callback: () => Promise<void>): Promise<void> {
    const lock = { name }
    this.held.push(lock)
    await callback()
    this.held = this.held.filter((one) => one !== lock)
  }

  query() {
    return Promise.resolve({ held: [{ name: 'of something else' }, ...this.held] })
  }
}

describe('tabs', () => {
  test('count each other’s, and let go of their own', async () => {
    const locks = new SharedLocks()
    const [one, other] = [new HeldConnections(locks), new HeldConnections(locks)]
    one.hold(1)
    other.hold(2)
    await one.count()
    expect(one.inBrowser.value).toBe(3)
    other.hold(0)
    other.hold(0)
    await eventually(async () => {
      await one.count()
      expect(one.inBrowser.value).toBe(1)
    })
  })

  test('of a browser that has no locks say that they can’t tell', async () => {
    const tab = new HeldConnections(undefined)
    tab.hold(1)
    await tab.count()
    expect(tab.inBrowser.value).toBeNull()
  })
})
