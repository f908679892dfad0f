// What is compared, under which load, and what is promised: the table of goals as data.

/** Who is measured: the hand-built WebSocket, the `ws` library, and the floor of bare sockets. */
export const serverNames = ['ours', 'ws', 'tcp'] as const
export type ServerName = (typeof serverNames)[number]

/** How the server is asked to behave, and what the generator does to it. */
export type Mode = 'echo' | 'broadcast' | 'idle' | 'compressed'

export interface Load {
  readonly mode: Mode
  readonly connections: number
  readonly payloadBytes: number
  /** Messages that one connection has under way at a time; in a broadcast, those of one burst. */
  readonly inFlight: number
  readonly kind: 'text' | 'binary'
}

export interface Workload extends Load {
  readonly name: string
  readonly summary: string
  /** What ours may cost at most, as a ratio to each; none: it isn't held against that server, which then isn't started. */
  readonly goals: Readonly<Partial<Record<Exclude<ServerName, 'ours'>, number>>>
}

const text = { kind: 'text' } as const

/** What is counted: processor time for each message that is delivered, or memory for each connection that does nothing. */
export function unitOf({ mode }: Load): string {
  return mode === 'idle' ? 'KiB a connection' : 'µs a message'
}

export const workloads: readonly Workload[] = [
  {
    ...text,
    name: 'echo-1',
    summary: 'echo, 100 connections, one message of 64 B in flight',
    mode: 'echo',
    connections: 100,
    payloadBytes: 64,
    inFlight: 1,
    goals: { ws: 0.92, tcp: 1.1 },
  },
  {
    ...text,
    name: 'echo-16',
    summary: 'echo, 100 connections, 16 messages of 64 B in flight',
    mode: 'echo',
    connections: 100,
    payloadBytes: 64,
    inFlight: 16,
    goals: { ws: 0.14, tcp: 1.25 },
  },
  {
    ...text,
    name: 'broadcast-1',
    summary: 'broadcast of 128 B to 1,000, one message at a time',
    mode: 'broadcast',
    connections: 1000,
    payloadBytes: 128,
    inFlight: 1,
    goals: { ws: 0.94, tcp: 1.08 },
  },
  {
    ...text,
    name: 'broadcast-10',
    summary: 'broadcast of 128 B to 1,000, bursts of 10',
    mode: 'broadcast',
    connections: 1000,
    payloadBytes: 128,
    inFlight: 10,
    goals: { ws: 0.11, tcp: 1.15 },
  },
  {
    ...text,
    name: 'broadcast-1k-10',
    summary: 'broadcast of 1 KiB to 200, bursts of 10',
    mode: 'broadcast',
    connections: 200,
    payloadBytes: 1024,
    inFlight: 10,
    goals: { ws: 0.12, tcp: 1.15 },
  },
  {
    name: 'echo-1m',
    summary: 'echo of 1 MiB binary messages, 4 connections',
    kind: 'binary',
    mode: 'echo',
    connections: 4,
    payloadBytes: 1024 * 1024,
    inFlight: 1,
    goals: { ws: 0.6 },
  },
  {
    ...text,
    name: 'echo-64k',
    summary: 'echo of 64 KiB text messages, 16 connections',
    mode: 'echo',
    connections: 16,
    payloadBytes: 64 * 1024,
    inFlight: 1,
    goals: { ws: 0.6 },
  },
  {
    ...text,
    name: 'idle-9000',
    summary: 'memory of 9,000 idle connections',
    mode: 'idle',
    connections: 9000,
    payloadBytes: 0,
    inFlight: 0,
    goals: { ws: 0.75, tcp: 1.1 },
  },
  {
    ...text,
    name: 'deflate-1k',
    summary: '1 KiB of JSON with permessage-deflate, broadcast to 1,000',
    mode: 'compressed',
    connections: 1000,
    payloadBytes: 1024,
    inFlight: 1,
    goals: { ws: 0.15 },
  },
]

/** Who takes part in a workload, of those that were asked for. */
export function serversOf(workload: Workload, asked: readonly ServerName[]): readonly ServerName[] {
  return asked.filter((name) => name === 'ours' || workload.goals[name] !== undefined)
}
