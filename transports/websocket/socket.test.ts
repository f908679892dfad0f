// The pump on a wire whose back-pressure and time are in the test's hands.
import { describe, expect, it } from 'vitest'
import { frameArena, nodePrimitives } from './primitives.node.ts'
import { connectionSettings, type Role } from './protocol/connection.ts'
import { UsageError } from './protocol/errors.ts'
import { serverFrame } from './protocol/frame.ts'
import { defaultLimits } from './protocol/limits.ts'
import type { Message } from './protocol/message.ts'
import { concat, describeFrames, type FrameParts, peerFrame, utf8 } from './protocol/testing.ts'
import { SharedFrames } from './shared-frames.node.ts'
import { MessageSocket } from './socket.node.ts'
import type { SocketSettings } from './socket-handler.ts'
import { ManualClock, ManualWire, Notes, tick } from './testing.node.ts'

const roles: readonly Role[] = ['client', 'server']

function setUp(
  role: Role,
  head: readonly FrameParts[] = [],
  notes = new Notes<null>(),
  wire = new ManualWire(),
) {
  const clock = new ManualClock()
  const settings: SocketSettings<null> = {
    connection: connectionSettings(role, defaultLimits, nodePrimitives, frameArena),
    handler: notes,
    closeTimeoutMs: 100,
    clock,
  }
  const bytes = concat(...head.map((frame) => peerFrame(role, frame)))
  const socket = new MessageSocket(wire, settings, null, null, bytes)
  const receive = (...frames: FrameParts[]): void => {
    wire.push(Buffer.from(concat(...frames.map((frame) => peerFrame(role, frame)))))
  }
  return { clock, wire, notes, socket, receive, sent: () => describeFrames(wire.written) }
}

const text = (payload: string): FrameParts => ({ opcode: 1, payload })
const normal = { opcode: 8, payload: Uint8Array.of(3, 232) }

describe.each(roles)('writing, as %s (R19)', (role) => {
  it('makes one write of all that is sent in a tick, and says no delay', async () => {
    const { socket, wire, sent } = setUp(role)
    expect(wire.noDelay).toBe(true)
    socket.send('one')
    socket.send(Uint8Array.of(2))
    socket.ping()
    expect(wire.writes).toHaveLength(0)
    await tick()
    expect(wire.writes).toHaveLength(1)
    expect(wire.writes[0]).toHaveLength(1)
    expect(sent()).toEqual(['text one', 'binary 02', 'ping'])
  })

  it('makes one write of all answers to a chunk, at once', async () => {
    const notes = new Notes<null>()
    notes.message = (socket: MessageSocket<null>, message: Message) => {
      socket.sendParts('text', message.parts)
    }
    const { wire, receive, sent } = setUp(role, [], notes)
    await tick()
    receive(text('a'), { opcode: 9 }, text('b'), text('c'))
    await tick()
    expect(wire.writes).toHaveLength(1)
    expect(sent()).toEqual(['text a', 'pong', 'text b', 'text c'])
  })

  it('never writes a header and its payload apart', async () => {
    for (const length of [0, 125, 126, 2048, 2049, 20_000, 65_535, 65_536, 300_000]) {
      const { socket, wire } = setUp(role)
      socket.send(new Uint8Array(length).fill(1))
      socket.send('end')
      await tick()
      expect(wire.writes).toHaveLength(1)
      expect(describeFrames(wire.written).map((frame) => frame.length)).toEqual([
        length === 0 ? 6 : 7 + 2 * length,
        8,
      ])
    }
  })
})

describe('frames that are shared', () => {
  it('go out as they are, without a copy', async () => {
    const shared = Buffer.from(serverFrame('text', utf8('to all')))
    const setUps = [setUp('server'), setUp('server')]
    for (const { socket } of setUps) socket.sendFrames(shared)
    await tick()
    for (const { wire } of setUps) expect(wire.writes[0]?.[0]).toBe(shared)
  })

  it('join what else is sent in the tick, in order and in one write', async () => {
    const { socket, wire, sent } = setUp('server')
    socket.send('receipt')
    socket.sendFrames(serverFrame('text', utf8('batch 1')))
    socket.sendFrames(serverFrame('text', utf8('batch 2')))
    socket.send('last')
    await tick()
    expect(wire.writes).toHaveLength(1)
    expect(sent()).toEqual(['text receipt', 'text batch 1', 'text batch 2', 'text last'])
  })
})

describe('messages for many', () => {
  const shared = (text: string): SharedFrames =>
    new SharedFrames([
      { kind: 'text', payload: utf8(text) },
      { kind: 'binary', payload: Uint8Array.of(1) },
    ])

  it('are written at once and as one buffer for all', () => {
    const setUps = [setUp('server'), setUp('server')]
    const frames = shared('to all')
    for (const { socket } of setUps) expect(socket.writeShared(frames)).toBe(true)
    for (const { wire, sent } of setUps) {
      expect(wire.writes).toHaveLength(1)
      expect(wire.writes[0]?.[0]).toBe(frames.bytes(null))
      expect(sent()).toEqual(['text to all', 'binary 01'])
    }
  })

  it('stay behind what was sent before, and before what is sent after', async () => {
    const { socket, sent } = setUp('server')
    socket.send('before')
    expect(socket.writeShared(shared('to all'))).toBe(true)
    socket.send('after')
    await tick()
    expect(sent()).toEqual(['text before', 'text to all', 'binary 01', 'text after'])
  })

  it.each(['', 'before'])('say when to wait and when to go on, after "%s"', async (before) => {
    const { socket, wire, notes, sent } = setUp('server')
    wire.hold()
    if (before !== '') socket.send(before)
    const big = shared('x'.repeat(70_000))
    expect(socket.writeShared(big)).toBe(false)
    expect(socket.bufferedBytes).toBeGreaterThan(70_000)
    expect(notes.drains).toBe(0)
    wire.release()
    await tick()
    expect(notes.drains).toBe(1)
    expect(sent()).toHaveLength(before === '' ? 2 : 3)
  })

  it('are dropped once the socket closes', async () => {
    const { socket, wire } = setUp('server')
    socket.close()
    await tick()
    const writes = wire.writes.length
    expect(socket.writeShared(shared('late'))).toBe(false)
    await tick()
    expect(wire.writes).toHaveLength(writes)
  })

  it('are not for clients, whose frames are masked one by one', () => {
    const { socket } = setUp('client')
    expect(() => socket.writeShared(shared('no'))).toThrow(UsageError)
  })
})

describe.each(roles)('back-pressure, as %s', (role) => {
  it('says when to wait and when to go on', async () => {
    const { socket, wire, notes } = setUp(role)
    wire.hold()
    expect(socket.send('small')).toBe(true)
    expect(socket.send(new Uint8Array(70_000))).toBe(false)
    expect(socket.bufferedBytes).toBeGreaterThan(70_000)
    await tick()
    expect(socket.send('more')).toBe(false)
    await tick()
    expect(notes.drains).toBe(0)
    wire.release()
    await tick()
    expect(notes.drains).toBe(1)
    expect(socket.bufferedBytes).toBe(0)
    expect(socket.send('again')).toBe(true)
    await tick()
    expect(notes.drains).toBe(1)
  })

  it('says to go on after a wait that the wire did not need', async () => {
    const notes = new Notes<null>()
    const wire = new ManualWire(1_000_000)
    const clock = new ManualClock()
    const connection = connectionSettings(role, defaultLimits, nodePrimitives, frameArena)
    const socket = new MessageSocket(
      wire,
      { connection, handler: notes, closeTimeoutMs: 1, clock },
      null,
      null,
      Buffer.alloc(0),
    )
    expect(socket.send(new Uint8Array(70_000))).toBe(false)
    await tick()
    expect(notes.drains).toBe(1)
  })

  it('reads no more while the application does not want to, even within a chunk', async () => {
    const notes = new Notes<null>()
    const { message } = notes
    notes.message = (socket: MessageSocket<null>, received: Message) => {
      message.call(notes, socket, received)
      socket.pause()
    }
    const { socket, wire, receive } = setUp(role, [], notes)
    receive(text('one'), text('two'), text('three'))
    receive(text('four'))
    await tick()
    expect(notes.messages).toEqual(['one'])
    expect(wire.isPaused()).toBe(true)
    for (const count of [2, 3, 4]) {
      socket.resume()
      await tick()
      expect(notes.messages).toHaveLength(count)
    }
    expect(notes.messages).toEqual(['one', 'two', 'three', 'four'])
    socket.resume()
    await tick()
    expect(wire.isPaused()).toBe(false)
  })

  it('hands up nothing within resume, and nothing twice', async () => {
    const { socket, notes, receive } = setUp(role)
    socket.pause()
    receive(text('one'))
    await tick()
    socket.resume()
    expect(notes.messages).toEqual([])
    socket.pause()
    await tick()
    expect(notes.messages).toEqual([])
    socket.resume()
    socket.resume()
    await tick()
    expect(notes.messages).toEqual(['one'])
  })

  it('reads on to the end when the peer has ended while it was paused', async () => {
    const notes = new Notes<null>()
    const { message } = notes
    notes.message = (socket: MessageSocket<null>, received: Message) => {
      message.call(notes, socket, received)
      if (received.payloadBytes === 3) socket.pause()
    }
    const { socket, wire, receive } = setUp(role, [], notes)
    receive(text('one'), text('other'), normal)
    wire.push(null)
    await tick()
    expect(notes.messages).toEqual(['one'])
    socket.resume()
    await tick()
    expect(notes.messages).toEqual(['one', 'other'])
    expect(notes.ends).toMatchObject([{ code: 1000, wasClean: true }])
  })

  it('answers all of it when the peer has ended behind its close frame, on a duplex that would end by itself', async () => {
    const notes = new Notes<null>()
    notes.message = (socket: MessageSocket<null>, message: Message) => {
      if (!socket.sendParts('binary', message.parts)) socket.pause()
    }
    notes.drained = () => socket.resume()
    const wire = new ManualWire()
    // As sockets of a bare net.Server are.
    wire.allowHalfOpen = false
    const { socket, receive, sent } = setUp(role, [], notes, wire)
    wire.hold()
    receive({ opcode: 2, payload: new Uint8Array(100_000) }, text('last'), normal)
    wire.push(null)
    await tick()
    expect(wire.ended).toBe(false)
    wire.release()
    await notes.until(() => notes.ends.length === 1)
    expect(sent().slice(1)).toEqual(['binary 6c617374', 'close 1000'])
    expect(notes.ends[0]).toMatchObject({ code: 1000, wasClean: true })
  })

  it('stops reading from a peer that pings and never reads', async () => {
    const { wire, receive } = setUp(role)
    wire.hold()
    const pings = Array.from({ length: 500 }, () => ({ opcode: 9, payload: new Uint8Array(125) }))
    for (let chunk = 0; chunk < 4; chunk++) {
      receive(...pings)
      await tick()
    }
    expect(wire.isPaused()).toBe(true)
    const waiting = wire.writableLength
    expect(waiting).toBeLessThan(250_000)
    for (let chunk = 0; chunk < 10; chunk++) receive(...pings)
    await tick()
    expect(wire.writableLength).toBe(waiting)
    wire.release()
    await tick()
    expect(wire.isPaused()).toBe(false)
    expect(describeFrames(wire.written)).toHaveLength(14 * 500)
  })
})

describe.each(roles)('bytes that are borrowed, as %s', (role) => {
  it('are kept when a handler throws in the midst of them', async () => {
    const notes = new Notes<null>()
    const plain = notes.message.bind(notes)
    notes.message = (socket, message) => {
      plain(socket, message)
      if (notes.messages.length === 1) throw new Error('a fault of the application')
    }
    const { socket } = setUp(role, [], notes)
    const chunk = concat(...['a', 'b', 'c'].map((payload) => peerFrame(role, text(payload))))
    const readBuffer = Buffer.from(chunk)
    expect(() => socket.onData(readBuffer, true)).toThrow('a fault of the application')
    // Somebody else's read.
    readBuffer.fill(0xdd)
    socket.onData(Buffer.from(peerFrame(role, text('d'))), true)
    expect(notes.messages).toEqual(['a', 'b', 'c', 'd'])
    expect(socket.isOpen).toBe(true)
  })

  it('are read on after that, though nothing more arrives', async () => {
    const notes = new Notes<null>()
    const plain = notes.message.bind(notes)
    notes.message = (socket, message) => {
      plain(socket, message)
      if (notes.messages.length === 1) throw new Error('a fault of the application')
    }
    const { socket } = setUp(role, [], notes)
    const chunk = concat(...['a', 'b'].map((payload) => peerFrame(role, text(payload))))
    expect(() => socket.onData(Buffer.from(chunk), true)).toThrow('a fault of the application')
    await tick()
    expect(notes.messages).toEqual(['a', 'b'])
  })
})

describe('a handler that throws when it is told to go on', () => {
  it('holds up nobody else who has something to send', async () => {
    const notes = new Notes<null>()
    notes.drained = () => {
      throw new Error('a fault of the application')
    }
    const [first, second] = [setUp('server', [], notes, new ManualWire(1024 * 1024)), setUp('server')]
    // What the process would be told.
    const faults: unknown[] = []
    const told = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (fault) => faults.push(fault))
    try {
      first.socket.send(new Uint8Array(64 * 1024))
      second.socket.send('hello')
      await tick()
      await tick()
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of told) process.on('uncaughtException', listener)
    }
    expect(faults).toHaveLength(1)
    expect(second.sent()).toEqual(['text hello'])
  })
})

describe.each(roles)('opening, as %s', (role) => {
  it('decodes the bytes that came with the handshake, after the constructor (R20)', async () => {
    const { notes, receive } = setUp(role, [text('head'), text('more')])
    expect(notes.messages).toEqual([])
    receive(text('later'))
    await tick()
    expect(notes.messages).toEqual(['head', 'more', 'later'])
  })

  it('closes once on a wire that has died meanwhile', async () => {
    const wire = new ManualWire()
    wire.destroy()
    await tick()
    const notes = new Notes<null>()
    const connection = connectionSettings(role, defaultLimits, nodePrimitives, frameArena)
    const settings = { connection, handler: notes, closeTimeoutMs: 1, clock: new ManualClock() }
    const socket = new MessageSocket(wire, settings, null, null, Buffer.alloc(0))
    expect(socket.send('x')).toBe(false)
    expect(notes.ends).toEqual([])
    await tick()
    expect(notes.ends).toHaveLength(1)
  })
})

describe.each(roles)('closing, as %s (R21)', (role) => {
  it('finishes the handshake that this side began', async () => {
    const { socket, wire, notes, receive, sent, clock } = setUp(role)
    socket.send('last words')
    socket.close(4000, 'enough')
    socket.close(4001, 'again')
    expect(socket.isOpen).toBe(false)
    expect(socket.send('too late')).toBe(false)
    expect(socket.sendFrames(Uint8Array.of(0x81, 0))).toBe(false)
    await tick()
    expect(sent()).toEqual(['text last words', 'close 4000 enough'])
    expect(wire.ended).toBe(false)
    receive(text('not heard any more'), { opcode: 8, payload: Uint8Array.of(15, 160) })
    await tick()
    expect(wire.ended).toBe(role === 'server')
    wire.push(null)
    await tick()
    expect(notes.messages).toEqual([])
    expect(notes.ends).toEqual([{ code: 4000, reason: '', wasClean: true, failure: null, error: null }])
    expect(clock.waiting).toBe(0)
  })

  it('finishes the handshake that the peer began', async () => {
    const { wire, notes, receive, sent } = setUp(role)
    receive(text('bye'), { opcode: 8, payload: concat(Uint8Array.of(3, 233), utf8('leaving')) })
    await tick()
    expect(sent()).toEqual(['close 1001'])
    wire.push(null)
    await tick()
    expect(notes.messages).toEqual(['bye'])
    expect(notes.ends).toEqual([
      { code: 1001, reason: 'leaving', wasClean: true, failure: null, error: null },
    ])
  })

  it('closes once when both begin at once', async () => {
    const { socket, wire, notes, receive, sent } = setUp(role)
    socket.close(1000)
    receive({ opcode: 8, payload: Uint8Array.of(3, 233) })
    await tick()
    socket.close(1000)
    wire.push(null)
    await tick()
    socket.terminate()
    await tick()
    expect(sent()).toEqual(['close 1000'])
    expect(notes.ends).toMatchObject([{ code: 1001, wasClean: true }])
  })

  it('cuts a peer that does not finish, when the time is over', async () => {
    const { socket, wire, notes, clock } = setUp(role)
    socket.close()
    await tick()
    clock.advance(99)
    await tick()
    expect(wire.destroyed).toBe(false)
    clock.advance(1)
    await tick()
    expect(wire.destroyed).toBe(true)
    expect(notes.ends).toMatchObject([{ code: 1006, wasClean: false }])
  })

  it('sees the peer’s close frame although the application had paused', async () => {
    const { socket, wire, notes, receive } = setUp(role)
    socket.pause()
    await tick()
    receive(text('not read'), normal)
    socket.close()
    await tick()
    wire.push(null)
    await tick()
    expect(notes.messages).toEqual([])
    expect(notes.ends).toMatchObject([{ code: 1000, wasClean: true }])
  })

  it('says why, and drops what follows, when the peer breaks the rules', async () => {
    const { wire, notes, receive, sent, clock } = setUp(role)
    receive(text('fine'), { opcode: 7 }, text('dropped'))
    await tick()
    receive(text('dropped too'))
    await tick()
    expect(sent()).toEqual(['close 1002 opcode 7 is reserved'])
    expect(notes.messages).toEqual(['fine'])
    expect(wire.ended).toBe(role === 'server')
    expect(clock.waiting).toBe(1)
    wire.push(null)
    await tick()
    expect(notes.ends).toMatchObject([{ code: 1006, wasClean: false, failure: { closeCode: 1002 } }])
  })

  it.each(['end', 'destroy', 'error', 'terminate'])('closes once with 1006 on a sudden %s', async (way) => {
    const { socket, wire, notes, clock } = setUp(role)
    await tick()
    if (way === 'end') wire.push(null)
    else if (way === 'destroy') wire.destroy()
    else if (way === 'error') wire.destroy(new Error('ECONNRESET'))
    else socket.terminate()
    await tick()
    expect(notes.ends).toMatchObject([{ code: 1006, wasClean: false, failure: null }])
    expect(notes.ends[0]?.error?.message ?? null).toBe(way === 'error' ? 'ECONNRESET' : null)
    expect(socket.isOpen).toBe(false)
    expect(clock.waiting).toBe(0)
  })

  it('takes an error while it closes', async () => {
    const { socket, wire, notes } = setUp(role)
    socket.close()
    await tick()
    wire.destroy(new Error('EPIPE'))
    await tick()
    expect(notes.ends).toMatchObject([{ code: 1006, error: { message: 'EPIPE' } }])
  })

  it('terminates within a message: nothing more is handed up', async () => {
    const notes = new Notes<null>()
    const { message } = notes
    notes.message = (socket: MessageSocket<null>, received: Message) => {
      message.call(notes, socket, received)
      socket.terminate()
    }
    const { receive } = setUp(role, [], notes)
    receive(text('one'), text('two'))
    await tick()
    expect(notes.messages).toEqual(['one'])
    expect(notes.ends).toHaveLength(1)
  })

  it('throws for the application’s own mistakes', () => {
    const { socket } = setUp(role)
    expect(() => socket.close(1005)).toThrow(UsageError)
    expect(() => socket.close(1000, 'x'.repeat(124))).toThrow(UsageError)
    expect(() => socket.ping(new Uint8Array(126))).toThrow(UsageError)
    expect(socket.isOpen).toBe(true)
  })
})

describe.each(roles)('liveness, as %s', (role) => {
  it('notes what was heard and when a pong came', async () => {
    const { socket, clock, receive } = setUp(role)
    socket.heard = false
    clock.advance(5)
    receive({ opcode: 10 })
    await tick()
    expect(socket.heard).toBe(true)
    expect(socket.lastPongMs).toBe(clock.now())
  })
})
