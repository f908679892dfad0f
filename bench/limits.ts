// Every default and bound of the bench, in one place. Units are in the names.

/** How much a profile measures. */
export interface Profile {
  readonly trickle: {
    readonly blocks: number
    readonly windowMs: number
    readonly subscribers: number
    readonly ratePerSecond: number
    readonly pollIntervalsMs: readonly number[]
  }
  readonly fanout: {
    readonly blocks: number
    readonly windowMs: number
    readonly subscribers: readonly number[]
    readonly ratePerSecond: number
    readonly pollIntervalMs: number
  }
  readonly saturate: { readonly blocks: number; readonly windowMs: number; readonly connections: number }
  readonly goals: { readonly rounds: number; readonly windowMs: number; readonly warmUpMs: number }
  readonly slow: {
    readonly blocks: number
    readonly windowMs: number
    /** The long stop. */
    readonly stopMs: number
    readonly memoryRounds: number
    /** Shorter than liveness takes to end who has stopped. */
    readonly memoryMs: number
  }
}

export const profiles = {
  /** Under 90 s in all; too few blocks to be cited. */
  quick: {
    trickle: {
      blocks: 2,
      windowMs: 1500,
      subscribers: 10,
      ratePerSecond: 2,
      pollIntervalsMs: [250, 1000],
    },
    fanout: { blocks: 2, windowMs: 500, subscribers: [10, 100], ratePerSecond: 20, pollIntervalMs: 250 },
    saturate: { blocks: 1, windowMs: 700, connections: 32 },
    goals: { rounds: 3, windowMs: 1000, warmUpMs: 1000 },
    slow: { blocks: 1, windowMs: 1500, stopMs: 3000, memoryRounds: 0, memoryMs: 0 },
  },
  standard: {
    trickle: {
      blocks: 2,
      windowMs: 4000,
      subscribers: 10,
      ratePerSecond: 2,
      pollIntervalsMs: [250, 1000, 5000],
    },
    fanout: {
      blocks: 4,
      windowMs: 1000,
      subscribers: [10, 100, 1000],
      ratePerSecond: 20,
      pollIntervalMs: 500,
    },
    saturate: { blocks: 3, windowMs: 1500, connections: 32 },
    goals: { rounds: 8, windowMs: 1500, warmUpMs: 1500 },
    slow: { blocks: 6, windowMs: 4000, stopMs: 60_000, memoryRounds: 3, memoryMs: 4000 },
  },
} as const satisfies Record<string, Profile>

export const benchLimits = {
  /** A message's text: about what a person types. */
  textBytes: 64,
  /** When nothing has come for that long, and one poll interval, what is missing is lost. */
  quietMs: 2000,
  /** A server must say its addresses by then. */
  startMs: 20_000,
  /** A child process that was asked to end is killed after that. */
  stopMs: 2000,
  /** All links of a cell must be open by then. */
  openMs: 30_000,
  /** Links that are being opened at a time. */
  openAtOnce: 32,
  /** Between the last link's opening and the first intended time. */
  settleMs: 100,
  /** Before the first cell of a scenario every subject carries this load, which is not measured. */
  warmUp: { windowMs: 400, subscribers: 20, ratePerSecond: 100 },
  /** Above this share of a core the generator, not the server, may be what is measured. */
  generatorUtilisation: 0.75,
  /** A cell whose sends are later than this at p99 was disturbed by something else on the machine. */
  sendLagMs: 2,
  /** From this many blocks on, intervals are worth citing. */
  citableBlocks: 6,
  /** A metric is ranked only when the A/A control's interval reaches no farther from 1 than this. */
  rankableShare: 0.15,
  /** Subscribers of a cell at most. */
  subscribers: 5000,
  /** The three loads of the goals. */
  pollGoal: { connections: 50, bound: 1.4 },
  pushGoal: { readers: 500, burstMessages: 10, bound: 1.15, timeoutMs: 10_000 },
  /** A reader that stops. 100 KB/s in messages that one generator can take in 200 times over. */
  slow: {
    readers: 200,
    ratePerSecond: 25,
    textBytes: 4000,
    pollIntervalMs: 250,
    /** More than loopback's buffers take for a connection, 4 MB as a rule. */
    fillBytes: 8_000_000,
    fillTextBytes: 8000,
    /** Under way at a time where memory is looked at: of a burst, more stays with the allocator. */
    slowFillMessages: 4,
    /** One that asks and does not read does so this often. */
    askEveryMs: 100,
    sampleEveryMs: 200,
    memoryEveryMs: 500,
    /** Readers that stop, where memory is looked at, and others beside them. */
    memoryReaders: 50,
    memoryOthers: 10,
    /** Who does not have everything by then does not come back. */
    catchUpMs: 60_000,
    /** A generator whose sends are later than this at p90 had not its core to itself. */
    sendLagMs: 10,
    boundBytes: 256 * 1024,
    boundRatio: 1.2,
  },
  sendGoal: { connections: 100, inFlight: 16, bound: 0.3 },
} as const
