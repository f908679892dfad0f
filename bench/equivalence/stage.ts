// Where a cell is played: a server, two relays in front of it, and a way past them.
import type { Server } from 'node:net'
import { serverTransports } from '../../server/transports.ts'
import { type NodeTransports, nodeTransports } from '../../transports/all.node.ts'
import type { TransportName } from '../../transports/contract.ts'
import { MemoryLog } from '../../transports/hub/memory-log.ts'
import { type Lab, startLab } from '../../transports/lab.harness.ts'
import type { Draft, Message } from '../../transports/message.ts'
import type { Relay } from '../relay/contract.ts'
import { profiles } from '../relay/profile.ts'
import { startRelay } from '../relay/relay.ts'
import { QueueWatch } from './queued.ts'
import { scale } from './scale.ts'

/** Both ways to the server, treated alike. */
export class Path {
  readonly relays: readonly [tls: Relay, h2WebSocket: Relay]

  constructor(relays: readonly [Relay, Relay]) {
    this.relays = relays
  }

  /** Does the same to both relays. */
  all(act: (relay: Relay) => void): void {
    for (const relay of this.relays) act(relay)
  }

  /** The address of the server's TLS port, through the relay. */
  get base(): URL {
    return new URL(`https://127.0.0.1:${this.relays[0].port}`)
  }

  get h2WebSocketUrl(): URL {
    return new URL(`https://127.0.0.1:${this.relays[1].port}`)
  }

  async close(): Promise<void> {
    await Promise.all(this.relays.map((relay) => relay.close()))
  }
}

/** Ports of a server's that is behind the relays. */
export interface BehindPorts {
  readonly tls: number
  readonly h2WebSocket: number
}

export async function openPath(ports: BehindPorts, seed: number): Promise<Path> {
  const open = (port: number) => startRelay({ target: { port }, profile: profiles.none, seed })
  return new Path([await open(ports.tls), await open(ports.h2WebSocket)])
}

export interface Stage {
  readonly path: Path
  readonly transportNames: readonly TransportName[]
  /** Clients of their own, through the relays: people who are to fail apart need a set each. */
  clients(): NodeTransports
  /** Stores messages past the relays. Resolves when they are in the log. */
  publish(room: string, drafts: readonly Draft[]): Promise<void>
  /** All that was ever stored in a room of the present log, trimmed or not. */
  history(room: string): Promise<readonly Message[]>
  /** What the server holds for its fullest connection now; null: there is no server. */
  queuedBytes(): number | null
  /** Readers that the server counts; null where it can't be asked. */
  subscribers(): number | null
  /** Ends the server and starts it again on the same data. `how`: `kill` is SIGKILL, `stop` SIGTERM. */
  restart(how: 'kill' | 'stop'): Promise<void>
  /** The server loses its data: another log, with another epoch, takes its place. */
  replaceLog(): Promise<void>
  close(): Promise<void>
}

export interface LabStageOptions {
  readonly seed: number
  readonly keepMessages: number
  readonly heartbeatMs: number
}

/** The real transports over a log in memory, in this process. */
export async function openLabStage(options: LabStageOptions): Promise<Stage> {
  let room = await openRoom('first', options)
  const path = await openPath(portsOf(room.lab), options.seed)
  const { certificate } = room.lab
  const former: Lab[] = []
  return {
    path,
    transportNames,
    clients: () => clientsOn(path, certificate),
    publish: async (name, drafts) => {
      await Promise.all(drafts.map((draft) => room.lab.hub.publish(name, draft)))
    },
    history: (name) => Promise.resolve(room.history(name)),
    queuedBytes: () => room.queues.mostBytes,
    subscribers: () => room.lab.hub.stats().subscribers,
    restart: () => Promise.reject(new Error('A lab in this process is not restarted.')),
    async replaceLog() {
      former.push(room.lab)
      room = await openRoom('second', options)
      const { tls, h2WebSocket } = portsOf(room.lab)
      path.relays[0].retarget({ port: tls })
      path.relays[1].retarget({ port: h2WebSocket })
      path.all((relay) => relay.cut('rst'))
    },
    async close() {
      await path.close()
      await Promise.all([...former, room.lab].map((lab) => lab.close()))
    },
  }
}

async function openRoom(epoch: string, { keepMessages, heartbeatMs }: LabStageOptions) {
  const log = new MemoryLog({ epoch, unixMs: Date.now, keepMessages })
  const histories = new Map<string, Message[]>()
  for (const name of roomNames) {
    const history: Message[] = []
    histories.set(name, history)
    log.follow(name, (messages) => history.push(...messages))
  }
  const servers: Server[] = []
  const lab = await startLab({
    transports: serverTransports,
    log,
    heartbeatMs,
    begin: (app) => servers.push(app.server),
  })
  return { lab, queues: new QueueWatch(servers), history: (name: string) => histories.get(name) ?? [] }
}

/** What the server offers: a new transport is in its table, and nowhere here. */
export const transportNames: readonly TransportName[] = serverTransports.map(({ name }) => name)

/** The rooms of a cell: one in which much is said, and one in which nothing is said before the fault. */
const roomNames = ['busy', 'quiet'] as const

function portsOf(lab: Lab): BehindPorts {
  return { tls: Number(lab.https.port), h2WebSocket: Number(lab.h2WebSocket.port) }
}

export function clientsOn(path: Path, certificate: string): NodeTransports {
  const { h2WebSocketUrl } = path
  const { pollMs: intervalMs, longPollSeconds } = scale
  return nodeTransports({ certificate, intervalMs, longPollSeconds, h2WebSocketUrl })
}
