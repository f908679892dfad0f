// One cell of `slow`: readers that stop, or don't, beside readers that go on; the server's queues are watched meanwhile.
import { parseCursor } from '../../transports/cursor.ts'
import type { Lab } from '../lab.ts'
import { benchLimits } from '../limits.ts'
import type { DeliverOrder } from '../load/deliver.ts'
import { newId, Publisher } from '../load/publisher.ts'
import type { SlowReport, SlowWay } from '../load/slow-orders.ts'
import { pause } from '../load/window.ts'
import type { SlowCell, SlowFate, SlowPart } from '../measurement.ts'
import type { ParleyServer, RunningServer, SlowReaders } from '../processes.ts'

export interface SlowPlan {
  readonly room: string
  readonly transport: string
  readonly way: SlowWay
  readonly part: SlowPart
  /** How many stop. */
  readonly slowReaders: number
  /** Between the questions of a poller that may stop, ms. */
  readonly ownIntervalMs: number
  readonly secure: boolean
  readonly lastsMs: number
  /** The load of those that read. */
  order(followUrl: string, server: RunningServer, room: string): DeliverOrder
}

type SlowResult = Omit<SlowCell, 'kind' | 'scenario' | 'load' | 'subject' | 'block' | 'part'>

/** Carries out a cell. What goes wrong with the readers stands in its problems; rejects when it can't be measured. */
export async function runSlowCell(lab: Lab, plan: SlowPlan): Promise<SlowResult> {
  const watched = plan.part.endsWith('memory') ? await lab.watchedParley() : null
  try {
    const server = watched ?? (await lab.server('parley'))
    const readers = await lab.slowReaders()
    try {
      return await measure(lab, plan, server, watched, readers)
    } finally {
      await readers.stop()
    }
  } finally {
    await watched?.stop()
  }
}

async function measure(
  lab: Lab,
  plan: SlowPlan,
  server: RunningServer,
  watched: ParleyServer | null,
  readers: SlowReaders,
): Promise<SlowResult> {
  const { part, way, transport, ownIntervalMs, slowReaders, room, lastsMs } = plan
  const followUrl = plan.secure ? server.secureUrl : server.plainUrl
  const stops = part !== 'reading' && part !== 'twin' && part !== 'idle memory'
  // Idle readers are in a room of their own, in which nobody says anything.
  const theirRoom = part === 'idle memory' ? lab.newRoom() : room
  await readers.order({
    kind: 'open',
    transport,
    // Who is to read on does so as everybody does.
    way: stops ? way : 'stopped',
    followUrl,
    room: theirRoom,
    readers: slowReaders,
    intervalMs: ownIntervalMs,
  })
  if (stops) await stop(readers, way)
  if (part !== 'long')
    await fill(server, room, watched === null ? Number.POSITIVE_INFINITY : benchLimits.slow.slowFillMessages)
  if (part === 'reading' || part === 'twin') {
    if ((await catchUp(readers, plan, server)) === null) throw new Error('A reader did not get everything.')
  }
  const queues = watchQueues(server.plainUrl)
  const memory = watched === null ? null : watchMemory(watched, lastsMs)
  const generator = await lab.generator()
  const order = plan.order(followUrl, server, room)
  let delivered: Awaited<ReturnType<typeof generator.order<DeliverOrder>>>
  try {
    delivered = await generator.order(order)
  } finally {
    await queues.stop()
  }
  const memoryBytes = memory === null ? null : await memory
  const fate = stops ? await returnOf(readers, plan, server) : null
  const { latency, sendLag, tally, protocol, problems, serverUtilisation, generatorUtilisation } = delivered
  return {
    latency,
    sendLag,
    tally,
    protocol,
    serverUtilisation,
    generatorUtilisation,
    slowReaders,
    stoppedMs: stops ? lastsMs : 0,
    heldBytes: queues.mostBytes(),
    memoryBytes,
    fate,
    problems: [...problems, ...(fate === null ? [] : problemsOf(fate))],
  }
}

function stop(readers: SlowReaders, way: SlowWay): Promise<unknown> {
  if (way !== 'stopped') return readers.order({ kind: 'stop' })
  readers.signal('SIGSTOP')
  return Promise.resolve()
}

/**
 * Publishes more than the system's buffers take, as fast as it goes: who has stopped is then stopped as the server sees it. Without
 * it, a loopback's buffers hold what flows in 40 s.
 */
async function fill(server: RunningServer, room: string, atOnce: number): Promise<void> {
  const { fillBytes, fillTextBytes } = benchLimits.slow
  const publisher = new Publisher(new URL(server.publishUrl), room, fillTextBytes)
  for (let sent = 0; sent * fillTextBytes < fillBytes; sent++) {
    publisher.send(newId())
    if ((sent + 1) % atOnce === 0) await publisher.settled()
  }
  await publisher.settled()
  publisher.close()
  const problem = publisher.problems[0]
  if (problem !== undefined) throw new Error(problem)
}

/** The room's newest offset. */
async function headOf(server: RunningServer, room: string): Promise<number> {
  const answer = await fetch(new URL(`/rooms/${room}/messages?last=0`, server.plainUrl))
  const cursor = parseCursor(((await answer.json()) as { readonly cursor: string }).cursor)
  if (cursor === null) throw new Error('A poll was answered without a cursor.')
  return cursor.offset
}

/** Resolves with the time it took, ms, until the readers have everything; null when they don't get it. */
async function catchUp(
  readers: SlowReaders,
  { room }: SlowPlan,
  server: RunningServer,
): Promise<number | null> {
  const startMs = performance.now()
  const offset = await headOf(server, room)
  const late = Promise.withResolvers<null>()
  const timer = setTimeout(() => late.resolve(null), benchLimits.slow.catchUpMs)
  const reached = readers.order({ kind: 'reach', offset }).then(() => performance.now() - startMs)
  try {
    return await Promise.race([reached, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

async function returnOf(readers: SlowReaders, plan: SlowPlan, server: RunningServer): Promise<SlowFate> {
  const { way, part } = plan
  if (way === 'stopped') readers.signal('SIGCONT')
  else await readers.order({ kind: 'resume' })
  // Fifty at once would tell of the load that they are.
  if (part === 'memory') return { catchUpMs: null, ...nothing }
  const catchUpMs = await catchUp(readers, plan, server)
  if (catchUpMs === null) return { catchUpMs, ...nothing }
  const { repeated, missing, gaps, ends } = await readers.order({ kind: 'close' })
  return { catchUpMs, repeated, missing, gaps, ends, returned: true }
}

const nothing: Omit<SlowReport, 'offset'> & { readonly returned: boolean } = {
  repeated: 0,
  missing: 0,
  gaps: 0,
  ends: {},
  returned: false,
}

function problemsOf({ repeated, missing }: SlowFate): readonly string[] {
  const problems: string[] = []
  if (repeated > 0) problems.push(`The reader that had stopped got ${repeated} messages twice.`)
  if (missing > 0)
    problems.push(`The reader that had stopped never got ${missing} messages, and was told of no gap.`)
  return problems
}

/** Asks for the largest queue again and again. */
function watchQueues(plainUrl: string): { mostBytes(): number; stop(): Promise<void> } {
  let most = 0
  let stopped = false
  const run = async (): Promise<void> => {
    while (!stopped) {
      const text = await (await fetch(new URL('/metrics', plainUrl))).text()
      for (const name of [
        'parley_queued_bytes_max',
        'parley_subscriber_queued_bytes_max',
        'parley_poll_unread_bytes_max',
      ])
        most = Math.max(most, Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN))
      await pause(benchLimits.slow.sampleEveryMs)
    }
  }
  const running = run()
  running.catch(() => undefined)
  return {
    mostBytes: () => most,
    stop: () => {
      stopped = true
      return running
    },
  }
}

/** The median of resident memory after forced collections, in the second half of the cell. */
async function watchMemory(server: ParleyServer, lastsMs: number): Promise<number> {
  await pause(lastsMs / 2)
  const samples: number[] = []
  const untilMs = performance.now() + lastsMs / 2
  while (performance.now() < untilMs || samples.length === 0) {
    samples.push((await server.memory()).rss)
    await pause(benchLimits.slow.memoryEveryMs)
  }
  return samples.sort((one, other) => one - other)[Math.floor(samples.length / 2)] ?? Number.NaN
}
