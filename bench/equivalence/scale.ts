// The times and bounds of the suite: everything is scaled down together, so that hundreds of cells fit into a minute.

const heartbeatMs = 500

export const scale = {
  /** The server's; a client gives a silent link up after two of them. A real server's is 10 s. */
  heartbeatMs,
  /** Between two polls: the shortest that there is. */
  pollMs: 100,
  /** The shortest that a long poll is held: a dead one is missed ten seconds after it. */
  longPollSeconds: 1,
  /** A stall that no end may take for the other's death. */
  shortStallMs: heartbeatMs * 0.6,
  /** A stall, and a black hole, that both ends must. */
  longStallMs: heartbeatMs * 4,
  /** A proxy's patience: a second beside heartbeats of ten. */
  proxyHoldMs: heartbeatMs / 5,
  /** Between two rounds of traffic: two messages past the relay, one draft through it. */
  roundMs: 25,
  /** Published in one tick: more than a commit takes. */
  burst: 300,
  /** What is published while a reader is slow, in messages of the greatest length. */
  floodMessages: 1500,
  /** The same for polls, each of which is answered with three of them at most. */
  pollingFloodMessages: 250,
  /** How long nothing may happen that is waited for: longer than two requests' time-outs, one for each hole, and a drain's time to come back. */
  settleMs: 30_000,
} as const

/** What may be held for, or by, one reader at any time, in bytes. */
export const bounds = {
  /** By the server, in its own memory, for one connection. */
  serverBytes: 256 * 1024,
  /** By a client: what came and wasn't taken by the application, and what it sent and hasn't left. */
  clientBytes: 256 * 1024,
} as const
