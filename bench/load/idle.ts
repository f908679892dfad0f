// Links that have nothing to do: what they cost the server while nobody says anything, and its memory beneath them.
import { benchLimits } from '../limits.ts'
import type { IdleCell } from '../measurement.ts'
import { randomStream } from '../random.ts'
import { createHistogram, encodeHistogram, recordMs } from '../statistics/histogram.ts'
import { followOf } from '../subjects.ts'
import { nowMs } from './clock.ts'
import type { Following } from './follow.ts'
import { askProbe } from './probe.ts'
import { collectGarbage, openWindow, pause, type Watched } from './window.ts'

export interface IdleOrder extends Watched {
  readonly kind: 'idle'
  /** The name in `subjects.ts`. */
  readonly transport: string
  readonly followUrl: string
  readonly room: string
  readonly connections: number
  /** Of a link that polls, ms; 0 for what is pushed. A window is one of these at least. */
  readonly intervalMs: number
  readonly windowMs: number
  readonly seed: number
  readonly protocol: string
}

export type IdleResult = Omit<
  IdleCell,
  'kind' | 'scenario' | 'load' | 'subject' | 'block' | 'startedMs' | 'epoch'
>

/** Carries out one cell. The server's probe must be able to collect garbage. Rejects when a link cannot be opened. */
export async function idle(order: IdleOrder): Promise<IdleResult> {
  const problems = new Set<string>()
  const links: Following[] = []
  const state = { isClosing: false }
  try {
    const connect = await openAll(order, links, (problem) => {
      if (!state.isClosing && problems.size < 5) problems.add(problem)
    })
    const wrong = links.find(({ protocol }) => protocol !== order.protocol)
    if (wrong !== undefined)
      problems.add(`A link speaks ${wrong.protocol} where ${order.protocol} is measured.`)
    // Every poller has asked once at a phase of its own by then.
    await pause(benchLimits.idle.settleMs + order.intervalMs)
    await collectGarbage(order)
    const closeWindow = await openWindow(order)
    const before = bytesOf(links)
    await pause(order.windowMs)
    const after = bytesOf(links)
    const window = await closeWindow()
    const { rssBytes } = await askProbe(order.serverProbe, true)
    return {
      ...window,
      connections: order.connections,
      intervalMs: order.intervalMs,
      bytesUp: after.up - before.up,
      bytesDown: after.down - before.down,
      rssBytes,
      connect,
      protocol: order.protocol,
      problems: [...problems],
    }
  } finally {
    state.isClosing = true
    await Promise.all(links.map((link) => link.close()))
  }
}

/** Opens every link; gives the times from asking until the first word, as a histogram. */
async function openAll(
  order: IdleOrder,
  links: Following[],
  failed: (problem: string) => void,
): Promise<string> {
  const { connections, intervalMs, transport, followUrl, room, seed } = order
  const connect = createHistogram()
  const phases = randomStream(seed, 'phases')
  const waits = Array.from({ length: connections }, () => phases() * intervalMs)
  const opener = async (): Promise<void> => {
    for (let firstWaitMs = waits.pop(); firstWaitMs !== undefined; firstWaitMs = waits.pop()) {
      const startMs = nowMs()
      const link = await followOf(transport)({
        base: new URL(followUrl),
        room,
        start: { last: 0 },
        intervalMs,
        firstWaitMs,
        receive: (messages) => {
          if (messages.length > 0) failed('Something was said in a silent room.')
        },
        closed: (detail) => failed(`A link ended. ${detail}`),
      })
      recordMs(connect, nowMs() - startMs)
      links.push(link)
    }
  }
  await Promise.all(Array.from({ length: Math.min(connections, benchLimits.openAtOnce) }, opener))
  return encodeHistogram(connect)
}

function bytesOf(links: readonly Following[]): { readonly up: number; readonly down: number } {
  let up = 0
  let down = 0
  for (const link of links) {
    const { bytesUp, bytesDown } = link.traffic()
    up += bytesUp
    down += bytesDown
  }
  return { up, down }
}
