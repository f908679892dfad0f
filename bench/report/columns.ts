// The columns of each table: title, how a row fills it, and the line that `--help` says about it.
import type { RatioEstimate } from '../statistics/ratio.ts'
import type { DeliveryRow, GoalRow, ServiceRow } from '../statistics/summary.ts'
import { type Column, milliseconds, short } from './table.ts'

export interface Field<Row> extends Column {
  readonly help: string
  text(row: Row): string
}

/** `1.12 [1.08–1.17]`. */
export function ratioText(estimate: RatioEstimate): string {
  if (estimate.pairs < 2) return `${short(estimate.ratio)} [one block]`
  return `${short(estimate.ratio)} [${short(estimate.low)}–${short(estimate.high)}]`
}

const percent = (value: number): string => `${Math.round(value * 100)} %`

export const deliveryFields: readonly Field<DeliveryRow>[] = [
  field('transport', 'left', 'what is measured, cheapest in CPU first', (row) => row.subject),
  field('speaks', 'left', 'the protocol that the links really negotiated', (row) => row.protocol),
  field('n', 'right', 'deliveries timed: one for each message and subscriber', (row) =>
    short(row.latency.samples),
  ),
  field(
    'p50 ms',
    'right',
    'delivery latency: received by the application − intended time; half are faster',
    (row) => milliseconds(row.latency.p50Us),
  ),
  field(
    'p99 ms',
    'right',
    'the same, 99 % are faster; a dash where fewer than ten samples lie beyond',
    (row) => milliseconds(row.latency.p99Us),
  ),
  field(
    'max ms',
    'right',
    'the slowest delivery; "*": the generator was busy or late, these latencies are partly its own',
    (row) => `${milliseconds(row.latency.maxUs)}${row.generatorBound ? '*' : ''}`,
  ),
  field(
    'CPU µs',
    'right',
    "the server's CPU per delivery, user and system, taking the message in included",
    (row) => short(row.cpuUsPerDelivery),
  ),
  field(
    'ratio',
    'right',
    "CPU against the table's baseline, pairs of one block, with its 95 % interval",
    (row) => (row.cpuRatio === null ? 'baseline' : ratioText(row.cpuRatio)),
  ),
  field(
    'tier',
    'right',
    'rank by CPU; those whose intervals overlap share it; a dash where the run may not rank',
    (row) => (row.tier === null ? '–' : String(row.tier)),
  ),
  field('B down', 'right', 'bytes at the socket from server to client per delivery, TLS included', (row) =>
    short(row.bytesDownPerDelivery),
  ),
  field('overhead', 'right', 'of those, what is neither body nor payload', (row) =>
    short(row.bytesDownPerDelivery - row.payloadBytesDownPerDelivery),
  ),
  field('B up', 'right', 'bytes from client to server per delivery, publishing not included', (row) =>
    short(row.bytesUpPerDelivery),
  ),
  field('per read', 'right', 'coalescing: deliveries per read event of the client', (row) =>
    short(row.coalescing),
  ),
  field(
    'delivered',
    'right',
    'deliveries that arrived, of those expected',
    (row) => `${row.tally.delivered.toLocaleString('en')}/${row.tally.expected.toLocaleString('en')}`,
  ),
]

export const serviceFields: readonly Field<ServiceRow>[] = [
  field('request', 'left', 'route and answer', (row) => row.subject),
  field('n', 'right', 'requests timed', (row) => short(row.latency.samples)),
  field(
    'p50 ms',
    'right',
    'closed-loop service time, half are faster; it does not see waiting that a user would',
    (row) => milliseconds(row.latency.p50Us),
  ),
  field('p99 ms', 'right', 'the same, 99 % are faster', (row) => milliseconds(row.latency.p99Us)),
  field('max ms', 'right', 'the slowest', (row) => milliseconds(row.latency.maxUs)),
  field('per s', 'right', 'requests answered a second', (row) => short(row.requestsPerSecond)),
  field('CPU µs', 'right', "the server's CPU per request", (row) => short(row.cpuUsPerRequest)),
  field(
    'server',
    'right',
    "the server's share of a core; well below 100 % the generator was the limit",
    (row) => percent(row.serverUtilisation),
  ),
]

export const goalFields: readonly Field<GoalRow>[] = [
  field('server', 'left', 'Parley, or the bare server that does the same work', (row) => row.subject),
  field('median', 'right', 'of the rounds: µs of server CPU, or messages a second', (row) =>
    short(row.value),
  ),
  field(
    'range',
    'right',
    'the lowest and the highest round',
    (row) => `${short(row.low)}–${short(row.high)}`,
  ),
  field('server load', 'right', "the server's share of a core", (row) => percent(row.serverUtilisation)),
  field(
    'generator',
    'right',
    "the generator's busy share of its event loop; it should not be the limit",
    (row) => percent(row.generatorUtilisation),
  ),
  field('B each', 'right', 'bytes of body per delivery, where the load counts them', (row) =>
    row.bytesPerDelivery === null ? '' : short(row.bytesPerDelivery),
  ),
  field('Parley to it', 'right', 'ratio of pairs of one round, with its 95 % interval', (row) =>
    row.ratio === null ? '' : ratioText(row.ratio),
  ),
  field(
    'goal',
    'left',
    'what is promised of that ratio; "within the error": the interval reaches over the bound',
    (row) => goalText(row.goal),
  ),
]

function goalText(goal: GoalRow['goal']): string {
  if (goal === null) return ''
  const verdict = goal.met ? 'met' : 'NOT MET'
  return `${goal.atMost ? '≤' : '≥'} ${goal.bound} ${verdict}${goal.clear ? '' : ', within the error'}`
}

export function field<Row>(
  title: string,
  align: 'left' | 'right',
  help: string,
  text: (row: Row) => string,
): Field<Row> {
  return { title, align, help, text }
}
