// The faults: what each does to the path, the server or the reader while messages flow both ways. One entry a fault.
import { setTimeout as sleep } from 'node:timers/promises'
import { serverLimits } from '../../transports/limits.ts'
import { cutting, flood, type Play, publishMany, standing, staysOpen } from './acts.ts'
import { Follower } from './people.ts'
import { scale } from './scale.ts'

export interface Fault {
  readonly name: string
  /** What is done, for the page. */
  readonly how: string
  /** The requirements that it is about. */
  readonly requirements: readonly string[]
  /** `process`: the real server in a process of its own, on the log on disk. */
  readonly stage: 'lab' | 'process'
  /** Messages that a room keeps. */
  readonly keepMessages?: number
  /** The server's, where it isn't the usual one. */
  readonly heartbeatMs?: number
  /** Between two rounds of traffic, where it isn't the usual time. */
  readonly roundMs?: number
  /** Without one, no more than a commit takes is published in a tick. */
  readonly burst: boolean
  /** Plays the fault from its beginning to its end; traffic flows meanwhile. */
  readonly play: Play
}

/** Readers of a cell that have a place at the server. */
const everybody = 3
/** A server's end is told or reset, not missed: while a process starts, its neighbours must not miss each other. */
const processHeartbeatMs = 2000

export const faults: readonly Fault[] = [
  {
    name: 'none',
    how: 'nothing: what all others are compared with',
    requirements: [],
    stage: 'lab',
    burst: true,
    play: () => sleep(scale.longStallMs / 2),
  },
  {
    name: 'delay and jitter',
    how: '40 ms each way, and up to 30 ms more by chance',
    requirements: [],
    stage: 'lab',
    burst: true,
    play: standing({ delayUpMs: 40, delayDownMs: 40, jitterMs: 30 }),
  },
  {
    name: 'narrow bandwidth',
    how: '64 KiB a second each way, for each connection',
    requirements: [],
    stage: 'lab',
    burst: false,
    play: standing({ upBytesPerSecond: 64 * 1024, downBytesPerSecond: 64 * 1024 }),
  },
  {
    name: 'short stall',
    how: 'nothing passes for half of a heartbeat and more, twice; nothing is lost',
    requirements: ['R35'],
    stage: 'lab',
    burst: true,
    async play({ stage }) {
      for (let times = 0; times < 2; times++) {
        stage.path.all((relay) => relay.stall(scale.shortStallMs))
        await sleep(scale.shortStallMs * 2)
      }
    },
  },
  {
    name: 'long stall',
    how: 'nothing passes for four heartbeats; nothing is lost',
    requirements: ['R34'],
    stage: 'lab',
    burst: true,
    async play({ stage }) {
      stage.path.all((relay) => relay.stall(scale.longStallMs))
      await sleep(scale.longStallMs)
    },
  },
  {
    name: 'cut (RST)',
    how: 'every connection is reset, three times',
    requirements: ['R26', 'R27'],
    stage: 'lab',
    burst: true,
    play: cutting('rst'),
  },
  {
    name: 'cut (FIN)',
    how: 'every connection gets an orderly TCP end in the middle of what it carries, three times',
    requirements: ['R26', 'R27'],
    stage: 'lab',
    burst: true,
    play: cutting('fin'),
  },
  {
    name: 'half-open',
    how: 'every connection becomes a black hole, and neither end is told; new ones pass; twice',
    requirements: ['R27', 'R34'],
    stage: 'lab',
    burst: true,
    async play({ stage, until, follower, person, quiet }) {
      // One that never comes back: no newer link of its session takes its place, only the server's own watch frees it.
      const ghost = new Follower({ stage, transport: follower.transportName, room: 'busy' })
      await ghost.open()
      const [first] = follower.ledger.links
      let said = 0
      // A poll notices by its own time-out, which is not scaled.
      for (let times = 0; times < (staysOpen(follower.transportName) ? 2 : 1); times++) {
        const seen = person.ledger.opened.length + quiet.ledger.opened.length
        stage.path.all((relay) => relay.blackHole({ newConnections: 'pass' }))
        void ghost.leave()
        said = person.sent.length
        // Back while the server may still wait for the first one to time out, it falls into the next hole (R27).
        await until(
          'both sessions have another link',
          () => person.ledger.opened.length + quiet.ledger.opened.length >= seen + 2,
        )
      }
      // Before the hole heals, which would tell the ends: they must get out of it by themselves.
      await until('the bare link is given up', () => first !== undefined && first.closings.length > 0)
      await until('the server frees the dead places', () => (stage.subscribers() ?? 0) <= everybody)
      await until('what was said in the hole is stored', () =>
        person.sent.slice(0, said).every((id) => person.stored.has(id)),
      )
      ghost.end()
      stage.path.all((relay) => relay.heal())
    },
  },
  {
    name: 'slow reader',
    how: 'nothing of what the server sends is read for four heartbeats, while 12 MB are published (2 MB for polls)',
    requirements: ['R38'],
    stage: 'lab',
    burst: false,
    async play(scene) {
      const { path } = scene.stage
      path.all((relay) => relay.slowReader(0))
      await Promise.all([flood(scene), sleep(scale.longStallMs)])
      path.all((relay) => relay.heal())
    },
  },
  {
    name: 'slow application',
    how: 'the reader takes a delivery and is busy with it for four heartbeats, while 12 MB are published (2 MB for polls)',
    requirements: ['R38', 'R39'],
    stage: 'lab',
    burst: false,
    async play(scene) {
      const busy = Promise.withResolvers<void>()
      scene.follower.pause = busy.promise
      await Promise.all([flood(scene), sleep(scale.longStallMs)])
      scene.follower.pause = null
      busy.resolve()
    },
  },
  {
    name: 'buffering proxy',
    how: 'bytes pass only when there are 4 KB of them, or after a fifth of a heartbeat',
    requirements: ['R1'],
    stage: 'lab',
    burst: true,
    play: standing({ proxy: { bytes: 4096, holdMs: scale.proxyHoldMs } }),
  },
  {
    name: 're-chunked bytewise',
    how: 'every byte is written by itself, up to 512 of what is read at a time',
    requirements: ['R3', 'R14'],
    stage: 'lab',
    burst: false,
    // A byte costs a turn of the event loop that all cells share.
    roundMs: 250,
    heartbeatMs: 2000,
    play: standing({ chunks: 'bytewise' }),
  },
  {
    name: 're-chunked joined',
    how: 'everything up to a pause of 20 ms is written as one',
    requirements: ['R3', 'R14'],
    stage: 'lab',
    burst: true,
    play: standing({ chunks: 'joined' }),
  },
  {
    name: 'server killed',
    how: 'SIGKILL of the real server, and a start on the same data',
    requirements: ['R26'],
    stage: 'process',
    heartbeatMs: processHeartbeatMs,
    burst: true,
    async play({ stage }) {
      await stage.restart('kill')
      await sleep(scale.pollMs)
    },
  },
  {
    name: 'server restarted',
    how: 'SIGTERM of the real server, which says goodbye, and a start on the same data',
    requirements: ['R5', 'R33'],
    stage: 'process',
    heartbeatMs: processHeartbeatMs,
    burst: true,
    async play({ stage }) {
      await stage.restart('stop')
      await sleep(scale.pollMs)
    },
  },
  {
    name: 'switch under way',
    how: 'the link stalls; the session goes over to every other transport in turn, and another bare link takes over',
    requirements: ['R24'],
    stage: 'lab',
    burst: true,
    async play({ stage, person, follower, until }) {
      const before = person.session.state.transport
      const [first] = follower.ledger.links
      void follower.open()
      for (const name of [...stage.transportNames.filter((one) => one !== before), before]) {
        // What is open stands still, so that the new link has much to catch up with, and drafts are under way on the old one.
        for (const { connections } of stage.path.relays)
          for (const connection of connections) connection.stall(scale.shortStallMs / 3, 'down')
        await publishMany(stage, 100, 'switch '.padEnd(1024, 'x'))
        await person.session.switchTo(name)
        await sleep(scale.shortStallMs / 3)
      }
      await until('the former bare link is closed', () => first !== undefined && first.closings.length > 0)
    },
  },
  {
    name: 'log trimmed',
    how: 'readers are cut and kept out while so much is published that what they ask for has gone, from the log and from memory',
    requirements: ['R28'],
    stage: 'lab',
    keepMessages: 100,
    burst: false,
    async play({ stage }) {
      stage.path.all((relay) => {
        relay.refuse()
        relay.cut('rst')
      })
      for (let published = 0; published <= serverLimits.ringMessages * 1.2; published += 50)
        await publishMany(stage, 50, 'soon trimmed')
      await sleep(scale.pollMs * 2)
      stage.path.all((relay) => relay.heal())
    },
  },
  {
    name: 'new epoch',
    how: 'the server has lost its data: another log is in its place',
    requirements: ['R28'],
    stage: 'lab',
    burst: true,
    play: ({ stage }) => stage.replaceLog(),
  },
  {
    name: 'a delivery lost',
    how: 'the transport beneath the session swallows one delivery',
    requirements: ['R25'],
    stage: 'lab',
    burst: true,
    async play({ person, until }) {
      let lost = 0
      person.ledger.lose = (delivery) => {
        if (delivery.kind !== 'messages' || lost > 0) return false
        lost += 1
        return true
      }
      await until('a delivery is lost', () => lost > 0)
      await sleep(scale.pollMs)
    },
  },
]

export function faultOf(name: string): Fault {
  const found = faults.find((fault) => fault.name === name)
  if (found === undefined) throw new Error(`There is no fault "${name}".`)
  return found
}
