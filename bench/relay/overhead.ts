// What the relay itself costs: round trips to an echo on loopback, straight and through a relay without faults, in turns.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createHistogram, type Histogram, percentileUs, recordMs } from '../statistics/histogram.ts'
import { profiles } from './profile.ts'
import { startRelay } from './relay.ts'

const warmUpTrips = 100
const trips = 1000

export interface Overhead {
  /** Round trips measured each way. */
  readonly count: number
  readonly straight: { readonly p50Ms: number; readonly p99Ms: number }
  readonly relayed: { readonly p50Ms: number; readonly p99Ms: number }
}

/** Takes about a fifth of a second. */
export async function measureOverhead(): Promise<Overhead> {
  const echo = createServer({ noDelay: true }, (socket) => {
    // The relay ends with a reset.
    socket.on('error', () => socket.destroy()).pipe(socket)
  })
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const { port } = echo.address() as AddressInfo
  const relay = await startRelay({ target: { port }, profile: profiles.none, seed: 0 })
  const straight = connect({ port, host: '127.0.0.1', noDelay: true })
  const relayed = connect({ port: relay.port, host: '127.0.0.1', noDelay: true })
  try {
    const times = { straight: createHistogram(), relayed: createHistogram() }
    for (let trip = -warmUpTrips; trip < trips; trip++) {
      const [straightMs, relayedMs] = [await roundTripMs(straight), await roundTripMs(relayed)]
      if (trip < 0) continue
      recordMs(times.straight, straightMs)
      recordMs(times.relayed, relayedMs)
    }
    return { count: trips, straight: summary(times.straight), relayed: summary(times.relayed) }
  } finally {
    straight.destroy()
    relayed.destroy()
    await relay.close()
    echo.close()
  }
}

async function roundTripMs(socket: Socket): Promise<number> {
  const startedMs = performance.now()
  socket.write('x')
  await once(socket, 'data')
  return performance.now() - startedMs
}

function summary(histogram: Histogram): { readonly p50Ms: number; readonly p99Ms: number } {
  const inMs = (percent: number): number => (percentileUs(histogram, percent) ?? 0) / 1000
  return { p50Ms: inMs(50), p99Ms: inMs(99) }
}

/** `A round trip takes 0.12 ms through it and 0.06 ms without (p99: 0.31 and 0.15 ms).` */
export function overheadText({ straight, relayed }: Overhead): string {
  const text = (ms: number): string => ms.toFixed(2)
  return `A round trip takes ${text(relayed.p50Ms)} ms through it and ${text(straight.p50Ms)} ms without (p99: ${text(relayed.p99Ms)} and ${text(straight.p99Ms)} ms).`
}
