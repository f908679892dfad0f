// The columns of each table: title, how a row fills it, and the line that `--help` says about it.
import type {
  CapacityRow,
  DeliveryRow,
  GoalRow,
  IdleRow,
  LatencySummary,
  OpeningRow,
  Predicted,
  RecoveryRow,
  ServiceRow,
} from '../statistics/summary.ts'
import { type Field, field, predictedMs, predictedText } from './field.ts'
import { milliseconds, percentText, ratioText, short, whole } from './table.ts'

/** A latency of a row; in place of a percentile, what makes it none. */
function latencyText(row: DeliveryRow, us: number | null): string {
  if (row.diverging) return 'diverging'
  return us !== null && row.generatorBound ? `≥ ${milliseconds(us)}` : milliseconds(us)
}

export function bytesEach(row: DeliveryRow): number {
  return row.bytesDownPerDelivery + row.bytesUpPerDelivery
}

/** The model's bytes both ways; what it says nothing of counts as measured. */
export function predictedBytes(row: DeliveryRow): Pick<Predicted, 'value' | 'flagged'> | null {
  const { bytesDown, bytesUp } = row.theory
  if (bytesDown === null) return null
  return {
    value: bytesDown.value + (bytesUp?.value ?? row.bytesUpPerDelivery),
    flagged: bytesDown.flagged || bytesUp?.flagged === true,
  }
}

export function deliveredText({ tally }: DeliveryRow | RecoveryRow): string {
  const { delivered, expected } = tally
  const clean = delivered === expected && tally.duplicated + tally.reordered + tally.foreign === 0
  if (clean) return delivered.toLocaleString('en')
  return `${delivered.toLocaleString('en')}/${expected.toLocaleString('en')}!`
}

const theoryHelp = 'what the model says; "!": the measured one is farther from it than the model may be'

export const deliveryFields: readonly Field<DeliveryRow>[] = [
  field('transport', 'left', 'what is measured, cheapest in CPU first', (row) => row.subject),
  field(
    'p50 ms',
    'right',
    'delivery latency: received by the application − intended time; half are faster. "≥": the generator was the limit',
    (row) => latencyText(row, row.latency.p50Us),
  ),
  field('theory', 'right', `of p50: ${theoryHelp}`, (row) => predictedMs(row.theory.p50Us)),
  field(
    'p99 ms',
    'right',
    'the same, 99 % are faster; a dash where fewer than ten samples lie beyond',
    (row) => (row.diverging ? '' : latencyText(row, row.latency.p99Us)),
  ),
  field('theory', 'right', 'of p99', (row) => predictedMs(row.theory.p99Us)),
  field('max ms', 'right', 'the slowest delivery', (row) => milliseconds(row.latency.maxUs)),
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
    (row) => (row.comparisons.cpu.ratio === null ? 'baseline' : ratioText(row.comparisons.cpu.ratio)),
  ),
  field(
    'tier',
    'right',
    'rank by CPU; those whose intervals overlap share it; a dash where the run may not rank',
    (row) => String(row.comparisons.cpu.tier ?? '–'),
  ),
  field(
    'bytes',
    'right',
    'bytes at the socket per delivery, both ways, TLS included, publishing not',
    (row) => short(bytesEach(row)),
  ),
  field('theory', 'right', 'of the bytes', (row) => predictedText(predictedBytes(row))),
  field('joins', 'right', 'coalescing factor: deliveries per read event of the client', (row) =>
    short(row.coalescing),
  ),
  field(
    'arrived',
    'right',
    'deliveries that arrived, once and in order; "delivered/expected!" where not all did',
    deliveredText,
  ),
]

export const idleFields: readonly Field<IdleRow>[] = [
  field('transport', 'left', 'links that are open and have nothing to do', (row) => row.subject),
  field('speaks', 'left', 'the protocol that the links really negotiated', (row) => row.protocol),
  field('CPU µs/s', 'right', "the server's CPU per connection and second", (row) =>
    short(row.cpuUsPerConnectionSecond),
  ),
  field('B/s down', 'right', 'bytes at the socket per connection and second, TLS included', (row) =>
    short(row.bytesDownPerConnectionSecond),
  ),
  field(
    'theory',
    'right',
    'questions and empty answers, or heartbeats, which a short window may miss',
    (row) => predictedText(row.theory?.bytesDown ?? null),
  ),
  field('B/s up', 'right', 'the same, to the server', (row) => short(row.bytesUpPerConnectionSecond)),
  field('theory', 'right', 'what the model says of it', (row) => predictedText(row.theory?.bytesUp ?? null)),
  field(
    'RSS KiB',
    'right',
    "slope of the server's resident memory over the number of connections, after forced collections; the kernel's share is not in it",
    (row) => (row.memoryBytesPerConnection === null ? '–' : short(row.memoryBytesPerConnection / 1024)),
  ),
  field('connect ms', 'right', "median until the link is open and has had the server's first word", (row) =>
    milliseconds(row.connect.p50Us),
  ),
  field('max ms', 'right', 'the slowest of them', (row) => milliseconds(row.connect.maxUs)),
]

export const capacityFields: readonly Field<CapacityRow>[] = [
  field('transport', 'left', 'whose load is raised', (row) => row.subject),
  field('speaks', 'left', 'the protocol that the links really negotiated', (row) => row.protocol),
  field(
    'capacity',
    'right',
    'the largest load that held p99 ≤ 100 ms, all delivered, no backlog, in every fresh window; "≥": the server was not saturated',
    (row) =>
      row.capacity === null ? 'none held' : `${row.atLeast ? '≥ ' : ''}${row.capacity.toLocaleString('en')}`,
  ),
  field('p99 ms', 'right', 'at that load', (row) => milliseconds(lastHeld(row)?.p99Us ?? null)),
  field('server', 'right', "the server's share of a core at that load", (row) =>
    shareAt(lastHeld(row)?.serverUtilisation),
  ),
  field('generator', 'right', "the generator's busy share of its event loop at that load", (row) =>
    shareAt(lastHeld(row)?.generatorUtilisation),
  ),
  field('steps', 'right', 'loads that were tried', (row) => String(row.steps.length)),
  field(
    'stopped by',
    'left',
    'why the smallest load above it did not hold',
    (row) => firstFailed(row)?.reason ?? '',
  ),
]

function lastHeld(row: CapacityRow): CapacityRow['steps'][number] | undefined {
  return row.steps.filter((step) => step.holds && step.offered === row.capacity).at(-1)
}

/** Of the smallest load that did not hold. */
function firstFailed(row: CapacityRow): CapacityRow['steps'][number] | undefined {
  const failed = row.steps.filter((step) => !step.holds)
  return failed.sort((one, other) => one.offered - other.offered)[0]
}

function shareAt(value: number | undefined): string {
  return value === undefined ? '–' : percentText(value)
}

function halfAndMax({ p50Us, maxUs }: LatencySummary): string {
  return `${milliseconds(p50Us)} / ${milliseconds(maxUs)}`
}

export const recoveryFields: readonly Field<RecoveryRow>[] = [
  field('transport', 'left', 'whose links are cut', (row) => row.subject),
  field('clients', 'right', 'clients times blocks whose return was timed', (row) => whole(row.clients)),
  field('cuts', 'right', 'how many cuts there were', (row) => whole(row.cuts)),
  field('linked ms', 'right', 'from the cut until a link is open again: median / slowest', (row) =>
    halfAndMax(row.reconnected),
  ),
  field('live ms', 'right', 'until the first message that is new to the client: median / slowest', (row) =>
    halfAndMax(row.firstMessage),
  ),
  field('caught up ms', 'right', 'until all that it had missed: median / slowest', (row) =>
    halfAndMax(row.caughtUp),
  ),
  field('95 % ms', 'right', 'until so many of the clients had a link again', (row) =>
    milliseconds(row.live95Us),
  ),
  field('100 % ms', 'right', 'until all had', (row) => milliseconds(row.live100Us)),
  field('lost', 'right', 'messages that never came', (row) => whole(row.tally.lost)),
  field('doubled', 'right', 'messages that came twice', (row) => whole(row.tally.duplicated)),
  field('reordered', 'right', 'messages that came out of order', (row) => whole(row.tally.reordered)),
]

export const openingFields: readonly Field<OpeningRow>[] = [
  field(
    'transport',
    'left',
    'what the session goes by; in brackets what becomes of WebSockets',
    (row) => row.subject,
  ),
  field('opens', 'right', 'sessions that were started, each on connections of its own', (row) =>
    whole(row.opens),
  ),
  field('mean ms', 'right', 'from the start to the first message', (row) => milliseconds(row.latency.meanUs)),
  field(
    'theory',
    'right',
    'round trips alone: TCP, TLS, question and answer; of auto the 300 ms before a race',
    (row) => predictedMs(row.theory),
  ),
  field('p50 ms', 'right', 'half were faster', (row) => milliseconds(row.latency.p50Us)),
  field('p90 ms', 'right', '90 % were faster', (row) => milliseconds(row.latency.p90Us)),
  field('max ms', 'right', 'the slowest', (row) => milliseconds(row.latency.maxUs)),
  field(
    'over',
    'left',
    'the links that brought the message, and how often where there were several',
    linksText,
  ),
]

function linksText({ links }: OpeningRow): string {
  const all = Object.entries(links)
  return all.map(([link, count]) => (all.length === 1 ? link : `${link} × ${count}`)).join('; ')
}

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
    (row) => percentText(row.serverUtilisation),
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
  field('server load', 'right', "the server's share of a core", (row) => percentText(row.serverUtilisation)),
  field(
    'generator',
    'right',
    "the generator's busy share of its event loop; it should not be the limit",
    (row) => percentText(row.generatorUtilisation),
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
