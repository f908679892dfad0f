// One reader of a busy room stops: what the server holds for it, whether the others notice, and what becomes of it (R38).
import type { Lab } from '../lab.ts'
import { benchLimits } from '../limits.ts'
import type { DeliverOrder } from '../load/deliver.ts'
import type { SlowWay } from '../load/slow-orders.ts'
import type { SlowCell, SlowPart } from '../measurement.ts'
import { type RunningServer, watchedOf } from '../processes.ts'
import { randomStream, shuffled } from '../random.ts'
import type { Settings } from '../settings.ts'
import { transportOf } from '../subjects.ts'
import { plainLoad } from './deliveries.ts'
import type { Scenario, Step } from './scenario.ts'
import { runSlowCell, type SlowPlan } from './slow-cell.ts'

const words: Readonly<Record<SlowWay, string>> = {
  stopped: 'stopped',
  unread: 'window shut',
  asks: 'asks on',
}

interface SlowSubject {
  readonly name: string
  readonly transport: string
  readonly way: SlowWay
}

export const slow: Scenario = {
  name: 'slow',
  summary:
    'One of 200 readers of a room with 100 KB/s stops for a minute: what it costs the server and the others.',
  usual: false,
  plan(settings) {
    const { blocks, memoryRounds } = settings.profile.slow
    const subjects = subjectsFor(settings)
    const steps: Step[] = []
    for (let block = 0; block <= blocks; block++) {
      const random = randomStream(settings.seed, `slow ${block}`)
      for (const subject of shuffled(random, subjects)) {
        // A block has the room with everybody reading twice, so that it is known how far two cells that are the same differ.
        const parts: readonly SlowPart[] =
          block === 0 ? ['stopped'] : shuffled(random, ['reading', 'stopped', 'twin'] as const)
        for (const part of parts) steps.push(stepOf(settings, subject, part, block))
      }
    }
    for (const subject of subjects) steps.push(stepOf(settings, subject, 'long', 1))
    for (let round = 1; round <= memoryRounds; round++) {
      const order: readonly SlowPart[] =
        round % 2 === 1 ? ['idle memory', 'memory'] : ['memory', 'idle memory']
      for (const subject of subjects)
        for (const part of order) steps.push(stepOf(settings, subject, part, round))
    }
    return steps
  },
}

function subjectsFor({ transports, secure }: Settings): readonly SlowSubject[] {
  return transports.flatMap((transport) =>
    transportOf(transport)
      .stops.filter((way) => secure || (transportOf(transport).plain !== null && way === 'stopped'))
      .map((way) => ({ name: `${transport}, ${words[way]}`, transport, way })),
  )
}

function stepOf(settings: Settings, subject: SlowSubject, part: SlowPart, block: number): Step {
  const { windowMs, stopMs, memoryMs } = settings.profile.slow
  const lastsMs = block === 0 ? 500 : part === 'long' ? stopMs : part.endsWith('memory') ? memoryMs : windowMs
  const load = loadName()
  return {
    scenario: 'slow',
    load,
    subject: `${subject.name}, ${part}`,
    block,
    estimateMs: lastsMs + (part.endsWith('memory') ? 8000 : 1800),
    run: async (lab) => {
      const measured = await runSlowCell(lab, planOf(lab, settings, subject, part, block, lastsMs))
      if (block === 0) return null
      return {
        kind: 'slow',
        scenario: 'slow',
        load,
        subject: subject.name,
        block,
        part,
        ...measured,
      } satisfies SlowCell
    },
  }
}

/** `200 readers, 25 messages/s of 4,000 bytes`. */
function loadName(): string {
  const { readers, ratePerSecond, textBytes } = benchLimits.slow
  return `${readers} readers, ${ratePerSecond} msg/s of ${textBytes.toLocaleString('en')} bytes`
}

function planOf(
  lab: Lab,
  settings: Settings,
  { transport, way }: SlowSubject,
  part: SlowPart,
  block: number,
  lastsMs: number,
): SlowPlan {
  const { pollIntervalMs, readers, memoryOthers, memoryReaders, askEveryMs } = benchLimits.slow
  const { secure, plain, polls } = transportOf(transport)
  const forMemory = part.endsWith('memory')
  const slowReaders = forMemory ? memoryReaders : 1
  const intervalMs = polls ? pollIntervalMs : 0
  const order = (followUrl: string, server: RunningServer, room: string): DeliverOrder => ({
    kind: 'deliver',
    ...plainLoad(settings, {
      subscribers: forMemory ? memoryOthers : readers - 1,
      ratePerSecond: benchLimits.slow.ratePerSecond,
      textBytes: benchLimits.slow.textBytes,
    }),
    ...watchedOf(server),
    transport,
    followUrl,
    publishUrl: server.publishUrl,
    roomNames: [room],
    windowMs: lastsMs,
    intervalMs,
    seed: Math.floor(randomStream(settings.seed, `slow ${transport} ${block}`)() * 2 ** 31),
    protocol: settings.secure ? secure : (plain ?? ''),
  })
  return {
    room: lab.newRoom(),
    transport,
    way,
    part,
    slowReaders,
    // An idle poller asks as often as one that stops and asks on.
    ownIntervalMs: way === 'asks' ? askEveryMs : intervalMs,
    secure: settings.secure,
    lastsMs,
    order,
  }
}
