// Every default and bound of the bench, in one place. Units are in the names.

/** The loads of one delivery scenario. */
export interface DeliveryProfile {
  readonly windowMs: number
  /** In all rooms together. */
  readonly subscribers: readonly number[]
  readonly rooms: number
  readonly ratePerSecond: number
  readonly pollIntervalsMs: readonly number[]
  /** Measured in every so many blocks only: a cell takes two intervals more than its window. */
  readonly rarePollIntervalsMs: readonly number[]
}

/** Links that have nothing to do. */
export interface IdleProfile {
  readonly blocks: number
  /** A polling link is watched for one of its intervals at least. */
  readonly windowMs: number
  readonly connections: readonly number[]
  readonly pollIntervalsMs: readonly number[]
}

/** Clients whose connections are reset. */
export interface RecoveryProfile {
  readonly rounds: number
  readonly clients: number
  /** The cuts come at moments of this stretch that the seed draws; 0: all at once. */
  readonly spreadMs: number
  readonly ratePerSecond: number
  readonly pollIntervalMs: number
}

/** Sessions that begin. */
export interface OpeningProfile {
  readonly blocks: number
  /** Of each subject in a block, one after the other. */
  readonly opens: number
}

/** The search for the largest load that holds the objective. */
export interface RampProfile {
  /** At which rates start, in messages a second. */
  readonly startRate: number
  readonly subscribers: number
  readonly searchWindowMs: number
  readonly confirmWindowMs: number
  readonly confirmations: number
  /** Bisection ends when the smallest load that failed is at most this times the largest that held. */
  readonly resolution: number
  /** A search that has not ended by then has found nothing. */
  readonly mostSteps: number
}

/** How much a profile measures. */
export interface Profile {
  /** Randomised passes over all subjects, of the scenarios whose blocks are interleaved. */
  readonly blocks: number
  readonly trickle: DeliveryProfile
  readonly fanout: DeliveryProfile
  /** `ratePerSecond` counts messages, of which so many leave at a moment: see `burstMessages`. */
  readonly burst: DeliveryProfile
  readonly rooms: DeliveryProfile
  readonly duplex: DeliveryProfile
  readonly size: DeliveryProfile & { readonly textBytes: readonly number[] }
  readonly idle: IdleProfile
  readonly network: DeliveryProfile
  readonly cut: RecoveryProfile
  readonly storm: RecoveryProfile
  readonly opening: OpeningProfile
  readonly ramp: RampProfile
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
  /** Within a minute and a half; too few blocks to be cited. */
  quick: {
    blocks: 2,
    trickle: {
      windowMs: 1000,
      subscribers: [10],
      rooms: 1,
      ratePerSecond: 2,
      pollIntervalsMs: [500],
      rarePollIntervalsMs: [],
    },
    fanout: {
      windowMs: 400,
      subscribers: [100],
      rooms: 1,
      ratePerSecond: 20,
      pollIntervalsMs: [250],
      rarePollIntervalsMs: [],
    },
    burst: {
      windowMs: 600,
      subscribers: [20],
      rooms: 1,
      ratePerSecond: 400,
      pollIntervalsMs: [250],
      rarePollIntervalsMs: [],
    },
    rooms: {
      windowMs: 800,
      subscribers: [100],
      rooms: 10,
      ratePerSecond: 50,
      pollIntervalsMs: [250],
      rarePollIntervalsMs: [],
    },
    duplex: {
      windowMs: 600,
      subscribers: [10],
      rooms: 1,
      ratePerSecond: 20,
      pollIntervalsMs: [250],
      rarePollIntervalsMs: [],
    },
    size: {
      windowMs: 500,
      subscribers: [10],
      rooms: 1,
      ratePerSecond: 20,
      pollIntervalsMs: [250],
      rarePollIntervalsMs: [],
      textBytes: [32, 8192],
    },
    idle: { blocks: 1, windowMs: 1000, connections: [50, 100, 200], pollIntervalsMs: [1000] },
    network: {
      windowMs: 800,
      subscribers: [10],
      rooms: 1,
      ratePerSecond: 20,
      pollIntervalsMs: [250],
      rarePollIntervalsMs: [],
    },
    cut: { rounds: 1, clients: 8, spreadMs: 300, ratePerSecond: 20, pollIntervalMs: 250 },
    storm: { rounds: 1, clients: 100, spreadMs: 0, ratePerSecond: 10, pollIntervalMs: 1000 },
    opening: { blocks: 2, opens: 1 },
    ramp: {
      startRate: 50,
      subscribers: 20,
      searchWindowMs: 1000,
      confirmWindowMs: 1500,
      confirmations: 2,
      resolution: 1.2,
      mostSteps: 24,
    },
    saturate: { blocks: 1, windowMs: 700, connections: 32 },
    goals: { rounds: 3, windowMs: 1000, warmUpMs: 1000 },
    slow: { blocks: 1, windowMs: 1500, stopMs: 3000, memoryRounds: 0, memoryMs: 0 },
  },
  /** Within ten minutes: every transport of the field, twelve times each. */
  standard: {
    blocks: 12,
    trickle: {
      windowMs: 1000,
      subscribers: [10],
      rooms: 1,
      ratePerSecond: 2,
      pollIntervalsMs: [500],
      rarePollIntervalsMs: [5000],
    },
    fanout: {
      windowMs: 750,
      subscribers: [100],
      rooms: 1,
      ratePerSecond: 20,
      pollIntervalsMs: [500],
      rarePollIntervalsMs: [],
    },
    burst: {
      windowMs: 400,
      subscribers: [50],
      rooms: 1,
      ratePerSecond: 400,
      pollIntervalsMs: [500],
      rarePollIntervalsMs: [],
    },
    rooms: {
      windowMs: 2000,
      subscribers: [1000],
      rooms: 100,
      ratePerSecond: 100,
      pollIntervalsMs: [1000],
      rarePollIntervalsMs: [],
    },
    duplex: {
      windowMs: 1000,
      subscribers: [10, 100],
      rooms: 1,
      ratePerSecond: 20,
      pollIntervalsMs: [500],
      rarePollIntervalsMs: [],
    },
    size: {
      windowMs: 1000,
      subscribers: [20],
      rooms: 1,
      ratePerSecond: 20,
      pollIntervalsMs: [500],
      rarePollIntervalsMs: [],
      textBytes: [32, 256, 2048, 8192],
    },
    idle: { blocks: 1, windowMs: 1000, connections: [200], pollIntervalsMs: [1000] },
    network: {
      windowMs: 1500,
      subscribers: [10],
      rooms: 1,
      ratePerSecond: 20,
      pollIntervalsMs: [500],
      rarePollIntervalsMs: [],
    },
    cut: { rounds: 1, clients: 30, spreadMs: 500, ratePerSecond: 20, pollIntervalMs: 500 },
    storm: { rounds: 3, clients: 300, spreadMs: 0, ratePerSecond: 10, pollIntervalMs: 1000 },
    opening: { blocks: 5, opens: 2 },
    ramp: {
      startRate: 50,
      subscribers: 50,
      searchWindowMs: 3000,
      confirmWindowMs: 10_000,
      confirmations: 3,
      resolution: 1.05,
      mostSteps: 40,
    },
    saturate: { blocks: 3, windowMs: 1500, connections: 32 },
    goals: { rounds: 8, windowMs: 1500, warmUpMs: 1500 },
    slow: { blocks: 6, windowMs: 4000, stopMs: 60_000, memoryRounds: 3, memoryMs: 4000 },
  },
  /** Everything, in longer cells: an hour or more. */
  full: {
    blocks: 15,
    trickle: {
      windowMs: 4000,
      subscribers: [10],
      rooms: 1,
      ratePerSecond: 2,
      pollIntervalsMs: [250, 1000, 5000],
      rarePollIntervalsMs: [],
    },
    fanout: {
      windowMs: 2000,
      subscribers: [10, 30, 100, 250, 1000, 2000],
      rooms: 1,
      ratePerSecond: 20,
      pollIntervalsMs: [500],
      rarePollIntervalsMs: [],
    },
    burst: {
      windowMs: 2000,
      subscribers: [50, 200, 500],
      rooms: 1,
      ratePerSecond: 200,
      pollIntervalsMs: [500],
      rarePollIntervalsMs: [],
    },
    rooms: {
      windowMs: 4000,
      subscribers: [1000],
      rooms: 100,
      ratePerSecond: 100,
      pollIntervalsMs: [1000],
      rarePollIntervalsMs: [],
    },
    duplex: {
      windowMs: 2000,
      subscribers: [10, 100, 300],
      rooms: 1,
      ratePerSecond: 20,
      pollIntervalsMs: [500],
      rarePollIntervalsMs: [],
    },
    size: {
      windowMs: 1000,
      subscribers: [20],
      rooms: 1,
      ratePerSecond: 20,
      pollIntervalsMs: [500],
      rarePollIntervalsMs: [],
      textBytes: [32, 512, 8192],
    },
    idle: { blocks: 3, windowMs: 5000, connections: [100, 500, 1000, 2000], pollIntervalsMs: [1000, 5000] },
    network: {
      windowMs: 1500,
      subscribers: [10],
      rooms: 1,
      ratePerSecond: 20,
      pollIntervalsMs: [500],
      rarePollIntervalsMs: [],
    },
    cut: { rounds: 10, clients: 30, spreadMs: 1000, ratePerSecond: 20, pollIntervalMs: 500 },
    storm: { rounds: 5, clients: 500, spreadMs: 0, ratePerSecond: 10, pollIntervalMs: 1000 },
    opening: { blocks: 20, opens: 10 },
    ramp: {
      startRate: 50,
      subscribers: 50,
      searchWindowMs: 5000,
      confirmWindowMs: 20_000,
      confirmations: 3,
      resolution: 1.05,
      mostSteps: 50,
    },
    saturate: { blocks: 6, windowMs: 3000, connections: 32 },
    goals: { rounds: 12, windowMs: 1500, warmUpMs: 1500 },
    slow: { blocks: 8, windowMs: 4000, stopMs: 60_000, memoryRounds: 3, memoryMs: 4000 },
  },
} as const satisfies Record<string, Profile>

export type ProfileName = keyof typeof profiles

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
  /** About what one more link takes to open, and to close. */
  openingMs: 1.5,
  /** Links that are being opened at a time. */
  openAtOnce: 32,
  /** Between the last link's opening and the first intended time: what TLS and HTTP/2 say after their handshakes has arrived. */
  settleMs: 30,
  /** After the last delivery: long enough for a second copy to show itself. */
  lingerMs: 40,
  /** A server's first cells: every subject carries this load, which is not measured. */
  warmUp: { windowMs: 500, subscribers: 20, ratePerSecond: 500, pollIntervalMs: 100 },
  /** Then one subscriber alone: what a delivery takes where nobody is before it. The theory of latency starts from it. */
  base: { windowMs: 600, subscribers: 1, ratePerSecond: 20, pollIntervalMs: 100 },
  /** Servers and generator are started anew after so many blocks: how well a process happens to be laid out is part of the error. */
  blocksOfAnEpoch: 5,
  /** Intervals that are rare are measured in the first of so many blocks. */
  rareEvery: 12,
  /** The publisher's thread has its order this long before the first message is due. */
  publishAheadMs: 20,
  /** Kept connections of the publisher, or as many as a burst has messages. */
  publishConnections: 32,
  /** Above this share of a core the generator, not the server, may be what is measured. */
  generatorUtilisation: 0.75,
  /** A cell that takes more than this share of the generator's core makes its sends late by itself. */
  ownWorkShare: 0.5,
  /** The generator's event loop may be later than this at p99 only where it is what is measured. */
  generatorDelayMs: 5,
  /** A cell whose sends are later than this at p99, or than this share of the baseline's p50, was disturbed by something else. */
  sendLagMs: 2,
  sendLagShare: 0.2,
  /** More than this share of a table's blocks discarded, and the machine is too busy to measure on. */
  discardedShare: 0.4,
  /** So many are put up with however few blocks there are. */
  discardedAtLeast: 2,
  /** A run that was to fit into this, ms, runs no block again that would make it longer; a full run takes what it takes. */
  budgetMs: { quick: 90_000, standard: 600_000, full: Number.POSITIVE_INFINITY },
  /** Messages of a burst: what a transport joins, it joins here. */
  burstMessages: 200,
  /** Clients that are cut. */
  recovery: {
    /** Messages flow for so long before the first cut. */
    leadMs: 200,
    /** Who has not come back by then has not come back. The waits before retries grow to 10 s. */
    patienceMs: 30_000,
    /** The publisher gets its orders in stretches of this length. */
    stretchMs: 200,
    publishConnections: 4,
    /** The width of the busiest stretch (R33). */
    busiestMs: 100,
  },
  /** Sessions that begin, on a path with a delay, so that round trips are what counts. */
  opening: {
    /** One way. */
    delayMs: 10,
    /** What the last one has left is gone before the next one begins. */
    betweenMs: 5,
    /** Who has nothing by then has failed. A session tries for 10 s before it waits and tries again. */
    patienceMs: 15_000,
    /** Of those that poll: their first question brings the message. */
    pollIntervalMs: 1000,
  },
  /** Paths to the readers. */
  network: {
    jitterMs: 50,
    /** 1 Mbit/s, for each reader, and texts that it is narrow for. */
    narrowBytesPerSecond: 125_000,
    narrowTextBytes: 4000,
    /** Everything stands still for 200 ms, twice a second on average. */
    stalls: { everyMs: 300, shortestMs: 200, longestMs: 200 },
    /** About what it takes to start the relays and to end them. */
    relayMs: 150,
  },
  /** Links without news. */
  idle: {
    /** After the last has opened, before the window: what opening left to do is done. */
    settleMs: 500,
    /** About what a server of its own takes to start and to end. */
    serverMs: 700,
  },
  /** The objective of a capacity, and when a search has failed. */
  objective: {
    p99Ms: 100,
    /** The window's stretches, in whose medians there must be no upward trend. */
    stretches: 10,
    /** A server whose event loop is busier than this is saturated: what it carries then is what it can. */
    saturatedShare: 0.9,
    /** Below this rate nothing is looked for. */
    leastRate: 1,
    /** Before a search its subject carries the first load for so long, which is not measured. */
    warmUpMs: 500,
    /** Doublings that a search takes as a rule, for the estimate. */
    usualDoublings: 7,
  },
  /** What one generator carries without being the limit. */
  generatorReaders: 300,
  /** From this many blocks on, intervals are worth citing. */
  citableBlocks: 12,
  /** A metric is ranked only when the A/A control's interval reaches no farther from 1 than this. */
  rankableShare: 0.15,
  /** The same for p99. */
  rankableTailShare: 0.25,
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
