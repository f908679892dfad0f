// The target `socket`: a handshake and frames through the server's whole pump, on a wire in memory and a clock by hand.
import type { Socket } from 'node:net'
import { BareAcceptor } from '../accept.node.ts'
import { SharedFrames } from '../shared-frames.node.ts'
import type { SocketHandler } from '../socket-handler.ts'
import { ManualClock, ManualWire, tick } from '../testing.node.ts'
import { zlibInUse } from './compression.node.ts'
import { makeRequest } from './heads.ts'
import { fuzzLimits, fuzzMaxHeadBytes } from './limits.ts'
import { makeOpening } from './opening.node.ts'
import { fingerprint, Random } from './random.ts'
import { randomSplit } from './splits.ts'
import type { Checked, Target } from './target.ts'

const timeoutMs = 5

export const socketTarget: Target = {
  name: 'socket',
  summary: 'a handshake with frames behind it through the server’s pump, with back-pressure, to its end',
  weight: 1,
  prefixBytes: 0,
  make: (random) => ({ trace: makeOpening('server', () => makeRequest(random), random), expected: null }),
  check: ({ trace }) => check(trace),
}

async function check(trace: Uint8Array): Promise<Checked> {
  // What happens beside the bytes follows from them too.
  const random = new Random(fingerprint(trace) ^ 0x5eed)
  const clock = new ManualClock()
  const wire = new ManualWire(random.pick([16, 1024, 65_536]))
  const deflate = { thresholdBytes: random.pick([0, 100]), memLevel: 1 }
  const zlibBefore = zlibInUse()
  let opened = 0
  let closed = 0
  let messages = 0
  const handler: SocketHandler<null> = {
    message(socket, message) {
      messages++
      if (closed > 0) throw new Error('a message came after the end')
      const kind = message.text ? 'text' : 'binary'
      const goesOn = random.chance(0.2)
        ? socket.writeShared(new SharedFrames([{ kind, payload: message.bytes() }], deflate))
        : socket.sendParts(kind, message.parts)
      if (!goesOn) socket.pause()
      if (random.chance(0.05)) socket.close(1001, 'enough')
    },
    drained: (socket) => socket.resume(),
    closed() {
      closed++
    },
  }
  const acceptor = new BareAcceptor<null>({
    handler,
    subprotocols: 'any',
    deflate: random.chance(0.7) ? deflate : null,
    limits: fuzzLimits,
    clock,
    closeTimeoutMs: timeoutMs,
    handshakeTimeoutMs: timeoutMs,
    maxHeadBytes: fuzzMaxHeadBytes,
    admit: () => ({ context: null }),
    opened() {
      opened++
    },
  })
  // What the pump uses of a socket is what any duplex has.
  acceptor.take(wire as unknown as Socket)
  await play(wire, trace, random)
  for (let turns = 0; turns < 4 && !wire.closed; turns++) {
    await tick()
    clock.advance(timeoutMs + 1)
  }
  await tick()
  const outcome = `${opened} opened, ${closed} closed, ${messages} messages`
  const finding = fault({ opened, closed, wire, timers: clock.waiting, zlib: zlibInUse() - zlibBefore })
  return { outcome, rule: null, finding }
}

/** Hands the trace to the reading side, holds the writing side up now and then, and ends one way or another. */
async function play(wire: ManualWire, trace: Uint8Array, random: Random): Promise<void> {
  if (random.chance(0.3)) wire.hold()
  for (const chunk of randomSplit(trace, random)) {
    if (wire.destroyed) return
    wire.push(Buffer.from(chunk))
    if (random.chance(0.2)) await tick()
  }
  await tick()
  wire.release()
  if (wire.destroyed) return
  if (random.chance(0.3)) wire.destroy(new Error('the network is gone'))
  else wire.push(null)
}

function fault(seen: {
  opened: number
  closed: number
  wire: ManualWire
  timers: number
  zlib: number
}): string | null {
  if (seen.opened > 1) return `the connection was opened ${seen.opened} times`
  if (seen.closed !== seen.opened) return `closed was called ${seen.closed} times`
  if (!seen.wire.closed) return 'the connection has not ended'
  if (seen.zlib !== 0) return `${seen.zlib} streams of zlib are left`
  return seen.timers === 0 ? null : `${seen.timers} timers are left`
}
