// A closed loop, in a process of its own: sends, waits until that message is delivered, sends the next. What the bench must not do.
import http from 'node:http'
import { messageOf } from '../../transports/errors.ts'
import { newId } from '../load/publisher.ts'
import { createHistogram, recordMs } from '../statistics/histogram.ts'
import { followOf } from '../subjects.ts'

/** Of the time from a message's sending to its delivery. */
export interface ClosedLoop {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

const [transport = '', followUrl = '', publishUrl = '', room = '', countText = ''] = process.argv.slice(2)
const count = Number(countText)
const latency = createHistogram()
const agent = new http.Agent({ keepAlive: true })
const address = new URL(`/rooms/${room}/messages`, publishUrl)
const ended = Promise.withResolvers<void>()
let sentMs = 0
let delivered = 0
let answered = 0

function send(): void {
  const body = JSON.stringify({ id: newId(), user: 'bench', text: 'a'.repeat(64) })
  sentMs = performance.now()
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }
  const request = http.request(address, { agent, method: 'POST', headers })
  request.on('error', ended.reject)
  request.on('response', (response) => {
    if (response.statusCode !== 201) ended.reject(new Error(`A message got a ${response.statusCode}.`))
    response.resume().on('end', () => {
      answered += 1
      goOn()
    })
  })
  request.end(body)
}

/** Both are waited for, so that the next message meets an idle server and an idle connection. */
function goOn(): void {
  if (delivered !== answered) return
  if (delivered < count) send()
  else ended.resolve()
}

try {
  const link = await followOf(transport)({
    base: new URL(followUrl),
    room,
    start: { last: 0 },
    intervalMs: 0,
    firstWaitMs: 0,
    receive: (messages) => {
      for (const _ of messages) recordMs(latency, performance.now() - sentMs)
      delivered += messages.length
      goOn()
    },
    closed: (detail) => ended.reject(new Error(detail)),
  })
  send()
  await ended.promise
  await link.close()
  const inMs = (percent: number): number => latency.getValueAtPercentile(percent) / 1000
  const result: ClosedLoop = {
    count: delivered,
    p50Ms: inMs(50),
    p99Ms: inMs(99),
    maxMs: latency.maxValue / 1000,
  }
  process.stdout.write(JSON.stringify(result))
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 1
} finally {
  agent.destroy()
  process.disconnect?.()
}
