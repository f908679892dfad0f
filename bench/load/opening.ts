// How long it takes to be there: from a session's start to its first message, each time on connections of its own.
import { systemClock } from '../../transports/clock.ts'
import { auto, type Negotiated } from '../../transports/contract.ts'
import { Session } from '../../transports/session.ts'
import { benchLimits } from '../limits.ts'
import type { OpeningCell } from '../measurement.ts'
import { createHistogram, encodeHistogram, recordMs } from '../statistics/histogram.ts'
import { clientOf, httpOf } from '../subjects.ts'
import { nowMs } from './clock.ts'
import { newId, Publisher } from './publisher.ts'
import { CountedSockets, countedFetch } from './sockets.ts'
import { collectGarbage, pause, type Watched } from './window.ts'

export interface OpeningOrder extends Watched {
  readonly kind: 'opening'
  /** The name in `subjects.ts`, or `auto`. */
  readonly transport: string
  /** What `auto` goes by, the best first. */
  readonly ladder: readonly string[]
  readonly followUrl: string
  readonly publishUrl: string
  readonly room: string
  /** To the relays of the path: pairs of ports. */
  readonly detours: readonly (readonly [number, number])[]
  readonly opens: number
  readonly intervalMs: number
  /** What a transport's link must speak; null where the session chooses it. */
  readonly protocol: string | null
}

export type OpeningResult = Pick<OpeningCell, 'opens' | 'latency' | 'links' | 'protocol' | 'problems'>

/** Carries out one cell. An open that fails is a problem of it. */
export async function opening(order: OpeningOrder): Promise<OpeningResult> {
  await beginRoom(order)
  await collectGarbage(order)
  const latency = createHistogram()
  const links: Record<string, number> = {}
  const problems = new Set<string>()
  for (let open = 0; open < order.opens; open++) {
    const opened = await openOnce(order)
    if ('problem' in opened) {
      problems.add(opened.problem)
      continue
    }
    recordMs(latency, opened.ms)
    const link = order.transport === auto ? `${opened.transport}, ${opened.protocol}` : opened.protocol
    links[link] = (links[link] ?? 0) + 1
    if (order.protocol !== null && opened.protocol !== order.protocol)
      problems.add(`A link speaks ${opened.protocol} where ${order.protocol} is measured.`)
    await pause(benchLimits.opening.betweenMs)
  }
  return {
    opens: order.opens,
    latency: encodeHistogram(latency),
    links,
    protocol: Object.keys(links).join(' / '),
    problems: [...problems],
  }
}

/** The message that everybody waits for: it is there before anybody asks. */
async function beginRoom({ publishUrl, room }: OpeningOrder): Promise<void> {
  const publisher = new Publisher(new URL(publishUrl), room)
  publisher.send(newId())
  await publisher.settled()
  publisher.close()
  const problem = publisher.problems[0]
  if (problem !== undefined) throw new Error(problem)
}

type Opened =
  | { readonly ms: number; readonly transport: string; readonly protocol: string }
  | { readonly problem: string }

async function openOnce(order: OpeningOrder): Promise<Opened> {
  const { followUrl, room, detours, transport, ladder, intervalMs } = order
  const sockets = new CountedSockets(new Map(detours))
  const { fetch, close } = countedFetch(sockets, transport === auto ? 'h2' : httpOf(transport))
  const primitives = { fetch, sockets, intervalMs, clock: systemClock }
  const names = transport === auto ? ladder : [transport]
  const transports = names.map((name) => clientOf(name)(primitives))
  const outcome = Promise.withResolvers<Opened>()
  const timer = setTimeout(
    () => outcome.resolve({ problem: `Nothing came within ${benchLimits.opening.patienceMs / 1000} s.` }),
    benchLimits.opening.patienceMs,
  )
  let first: { readonly ms: number; readonly transport: string } | null = null
  const startMs = nowMs()
  const session: Session = new Session({
    base: new URL(followUrl),
    room,
    transports,
    transport: transport === auto ? auto : (transports[0]?.name ?? transport),
    ...(transport === auto ? { fallback: transports.map(({ name }) => name) } : {}),
    last: 1,
    onEvent: (event) => {
      if (event.kind === 'messages' && event.messages.length > 0)
        first ??= { ms: nowMs() - startMs, transport: event.transport }
      else if (event.kind === 'gap' || event.kind === 'reset')
        outcome.resolve({ problem: `A session had a ${event.kind}.` })
      else if (event.kind === 'state' && event.state.phase === 'closed')
        outcome.resolve({ problem: `A session gave up. ${event.state.trouble?.detail ?? ''}` })
      // What the link speaks is shown once it is open, which may be a moment after its first message.
      const link = session.state.links.find((one) => one.transport === first?.transport)
      if (first !== null && link?.negotiated != null)
        outcome.resolve({ ...first, protocol: spokenBy(link.negotiated) })
    },
  })
  session.start()
  try {
    return await outcome.promise
  } finally {
    clearTimeout(timer)
    await session.close()
    await close()
    sockets.destroy()
  }
}

function spokenBy({ protocol, tls }: Negotiated): string {
  return tls ? `${protocol}, TLS` : protocol
}
