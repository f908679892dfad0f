// Checks of the meters: clock, timer, processor time, bytes, and the relay's own share.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import { cpuTimeUs } from '../load/cpu.ts'
import { pace, realClock } from '../load/pacing.ts'
import { poissonSchedule } from '../load/schedule.ts'
import { CountedSockets } from '../load/sockets.ts'
import { randomStream } from '../random.ts'
import { measureOverhead } from '../relay/overhead.ts'
import { profiles } from '../relay/profile.ts'
import { startRelay } from '../relay/relay.ts'
import { createHistogram, recordMs } from '../statistics/histogram.ts'
import { type Check, msText } from './check.ts'
import type { HelperAnswer, HelperQuestion } from './helper-process.ts'

const helperFile = fileURLToPath(new URL('helper-process.ts', import.meta.url))
const relayAtMostMs = 0.5
const timerAtMostMs = { p50: 0.1, p99: 2 }
const offsetAtMostMs = 0.1
const stepAtMostNs = 1000
const burnMs = 200
const burnShare = 0.05

type Ask = (question: HelperQuestion) => Promise<HelperAnswer>

/** Starts the helper, lets `work` ask it, one question at a time, and ends it. */
async function withHelper<T>(work: (ask: Ask, pid: number) => Promise<T>): Promise<T> {
  const helper: ChildProcess = fork(helperFile, { serialization: 'advanced', execArgv: [] })
  const closed = new Promise<void>((resolve) => helper.once('close', resolve))
  let answered = Promise.withResolvers<HelperAnswer>()
  // One listener for all answers: without any, Node would not wait for the channel.
  helper.on('message', (answer) => answered.resolve(answer as HelperAnswer))
  helper.once('exit', () => answered.reject(new Error('The helper ended.')))
  const ask: Ask = (question) => {
    answered = Promise.withResolvers<HelperAnswer>()
    helper.send(question)
    return answered.promise
  }
  try {
    return await work(ask, helper.pid ?? 0)
  } finally {
    answered.promise.catch(() => undefined)
    helper.kill('SIGTERM')
    await closed
  }
}

export const relayCheck: Check = {
  name: "relay's overhead",
  why: 'Round trips to an echo, straight and through a relay without faults, in turns: what it adds must be small beside what it models.',
  measure: async () => {
    const { straight, relayed } = await measureOverhead()
    const addedMs = relayed.p50Ms - straight.p50Ms
    return {
      passed: addedMs <= relayAtMostMs,
      figure: `${msText(addedMs)} at p50, ${msText(relayed.p99Ms - straight.p99Ms)} at p99`,
      bound: `≤ ${relayAtMostMs} ms at p50`,
      values: { addedMs, addedP99Ms: relayed.p99Ms - straight.p99Ms },
    }
  },
}

export function timerCheck(seed: number, short: boolean): Check {
  return {
    name: "timer's lag",
    why: 'A schedule of 200 sends a second that does nothing: how late each would leave.',
    measure: async () => {
      const lag = createHistogram()
      const options = { ratePerSecond: 200, durationMs: short ? 500 : 3000 }
      const times = poissonSchedule(randomStream(seed, 'timer'), options)
      const startMs = performance.now()
      const note = (place: number, nowMs: number): void =>
        recordMs(lag, Math.max(0, nowMs - startMs - (times[place] ?? 0)))
      await pace(realClock, startMs, times, note, () => false)
      const [p50Ms, p99Ms] = [lag.getValueAtPercentile(50) / 1000, lag.getValueAtPercentile(99) / 1000]
      // The p99 is the machine's: the tests run it beside others.
      return {
        passed: p50Ms <= timerAtMostMs.p50 && (short || p99Ms <= timerAtMostMs.p99),
        figure: `${msText(p50Ms)} at p50, ${msText(p99Ms)} at p99`,
        bound: `≤ ${timerAtMostMs.p50} ms${short ? ' at p50' : ` and ${timerAtMostMs.p99} ms`}`,
        values: { p50Ms, p99Ms },
      }
    },
  }
}

export const clockOffsetCheck: Check = {
  name: "clocks' offset",
  why: 'Another process is asked for its clock; the fastest of 300 round trips counts, from whose middle its answer is taken to come.',
  measure: () =>
    withHelper(async (ask) => {
      let fastest = { tripMs: Number.POSITIVE_INFINITY, offsetMs: 0 }
      for (let trip = 0; trip < 300; trip++) {
        const before = process.hrtime.bigint()
        const answer = await ask({ kind: 'clock' })
        const after = process.hrtime.bigint()
        if (!('clockNs' in answer)) throw new Error('The helper did not say its clock.')
        const tripMs = Number(after - before) / 1e6
        const offsetMs = Number(answer.clockNs - before) / 1e6 - tripMs / 2
        if (tripMs < fastest.tripMs) fastest = { tripMs, offsetMs }
      }
      const { offsetMs, tripMs } = fastest
      return {
        passed: Math.abs(offsetMs) <= offsetAtMostMs,
        figure: `${msText(offsetMs)} (round trip ${msText(tripMs)})`,
        bound: `± ${offsetAtMostMs} ms`,
        values: { offsetMs, tripMs },
      }
    }),
}

/** Of the clock that times every delivery. */
export const clockStepCheck: Check = {
  name: "clock's smallest step",
  why: 'performance.now() is read 200,000 times in a row; the smallest difference above zero. A histogram of whole µs needs 1 µs.',
  measure: async () => {
    let stepMs = Number.POSITIVE_INFINITY
    let backwards = 0
    let lastMs = performance.now()
    for (let reading = 0; reading < 200_000; reading++) {
      const nowMs = performance.now()
      if (nowMs < lastMs) backwards += 1
      else if (nowMs > lastMs) stepMs = Math.min(stepMs, nowMs - lastMs)
      lastMs = nowMs
    }
    const stepNs = stepMs * 1e6
    return {
      passed: stepNs <= stepAtMostNs && backwards === 0,
      figure: `${Math.round(stepNs)} ns, ${backwards} steps back`,
      bound: `≤ ${stepAtMostNs} ns, none back`,
      values: { stepNs, backwards },
    }
  },
}

export const processorCheck: Check = {
  name: "processor's meter",
  why: `Another process burns ${burnMs} ms of processor time, by what it is told itself; the meter watches it from here.`,
  measure: () =>
    withHelper(async (ask, pid) => {
      await ask({ kind: 'clock' })
      const beforeUs = cpuTimeUs(pid)
      const answer = await ask({ kind: 'burn', cpuMs: burnMs })
      const readMs = (cpuTimeUs(pid) - beforeUs) / 1000
      if (!('burntMs' in answer)) throw new Error('The helper did not say what it burnt.')
      const ratio = readMs / answer.burntMs
      return {
        passed: Math.abs(ratio - 1) <= burnShare,
        figure: `${msText(readMs)} of ${msText(answer.burntMs)} (${((ratio - 1) * 100).toFixed(2)} %)`,
        bound: `± ${burnShare * 100} %`,
        values: { readMs, burntMs: answer.burntMs },
      }
    }),
}

const bytesDown = 1_234_567
const bytesUp = 45_678

/** A stream of so many bytes each way, over a counted socket, is counted to the byte. */
export const bytesCheck: Check = {
  name: "bytes' counters, TCP",
  why: `A server sends ${bytesDown.toLocaleString('en')} bytes and takes ${bytesUp.toLocaleString('en')}; the client's counters must say the same.`,
  measure: async () => {
    const server = createServer((socket) => exchange(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const sockets = new CountedSockets()
    try {
      const socket = sockets.connect((server.address() as AddressInfo).port)
      socket.end(Buffer.alloc(bytesUp)).resume()
      await once(socket, 'close')
      return countFinding(sockets, { bytesUp, bytesDown })
    } finally {
      sockets.destroy()
      server.close()
    }
  },
}

/** Over TLS the client's counters must say what passed through a relay between the two, records and handshake included. */
export function secureBytesCheck(identity: { readonly cert: Buffer; readonly key: Buffer }): Check {
  return {
    name: "bytes' counters, TLS",
    why: 'The same over TLS, through the relay, which counts what passes below TLS; the handshake and 22 bytes a record come on top.',
    measure: async () => {
      const server = tls.createServer(identity, (socket) => exchange(socket))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const target = { port: (server.address() as AddressInfo).port }
      const relay = await startRelay({ target, profile: profiles.none, seed: 0 })
      const sockets = new CountedSockets()
      try {
        const socket = sockets.connectSecurely(relay.port, [])
        await once(socket, 'secureConnect')
        socket.end(Buffer.alloc(bytesUp)).resume()
        await once(socket, 'close')
        await Promise.all(relay.connections.map((connection) => connection.closed))
        return countFinding(sockets, relay.counts)
      } finally {
        sockets.destroy()
        await relay.close()
        server.close()
      }
    },
  }
}

/** Takes everything first, so that no close overtakes what is still on its way; then sends in uneven pieces. */
function exchange(socket: NodeJS.ReadWriteStream & { destroy(): unknown }): void {
  socket.on('error', () => socket.destroy())
  socket.on('end', () => {
    for (let sent = 0, piece = 1; sent < bytesDown; piece = (piece * 7 + 3) % 65_521) {
      const length = Math.min(piece, bytesDown - sent)
      socket.write(Buffer.alloc(length))
      sent += length
    }
    socket.end()
  })
  socket.resume()
}

function countFinding(
  sockets: CountedSockets,
  known: { readonly bytesUp: number; readonly bytesDown: number },
): Awaited<ReturnType<Check['measure']>> {
  const text = (up: number, down: number): string =>
    `${up.toLocaleString('en')} up, ${down.toLocaleString('en')} down`
  return {
    passed: sockets.bytesUp === known.bytesUp && sockets.bytesDown === known.bytesDown,
    figure: text(sockets.bytesUp, sockets.bytesDown),
    bound: text(known.bytesUp, known.bytesDown),
    values: { up: sockets.bytesUp, down: sockets.bytesDown },
  }
}
