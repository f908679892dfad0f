// Bytes a message over the rate: the model's curves, where they cross, and what was measured.
import { serverLimits } from '../../../../transports/limits.ts'
import { bytesOf } from '../../../model/bytes.ts'
import type { Wire } from '../../../model/wire.ts'
import type { DeliveryRow, DeliveryTable, Table } from '../../../statistics/summary.ts'
import { transportNames, transportOf } from '../../../subjects.ts'
import { bytesEach } from '../../columns.ts'
import { short } from '../../table.ts'
import { tableName } from '../../words.ts'
import { Plot } from '../chart.ts'
import { type Figure, missingFigure } from '../figure.ts'
import { isControl, type Mark, type Marks, markOf } from '../marks.ts'
import { bytesLabel, logScale, plain, roundBounds } from '../scale.ts'
import { marginFor } from './frame.ts'

const lowRate = 0.001
const highRate = 100
/** Long enough that no more than one message in a thousand matters. */
const seconds = 1e6

interface Subject {
  readonly mark: Mark
  readonly wire: Wire
  readonly intervalMs: number
  readonly textBytes: number
  readonly secure: boolean
  readonly protocol: string
}

export interface Crossing {
  readonly one: string
  readonly other: string
  readonly rate: number
  readonly bytes: number
}

/** The model's bytes a message, both ways, of one reader who gets so many messages a second. Null where it says nothing. */
export function modelBytes(subject: Omit<Subject, 'mark'>, transport: string, rate: number): number | null {
  const { wire, intervalMs, textBytes, secure, protocol } = subject
  const deliveries = rate * seconds
  const carried = bytesOf({
    wire,
    server: isControl(transport) ? 'ws' : 'parley',
    secure,
    protocol,
    upLink: 'publisher',
    textBytes,
    burst: 1,
    intervalMs,
    audience: 1,
    messagesOfRoom: 1000,
    deliveries,
    // Every message comes alone, and heartbeats are read too.
    reads: deliveries + (isControl(transport) ? 0 : seconds / 10),
    requests: questionsOf(wire, intervalMs, rate),
    connectionSeconds: seconds,
  })
  return carried === null ? null : carried.downPerDelivery + carried.upPerDelivery
}

/** In all: one an interval; of long polls one for each message, and one for each wait that was in vain. */
function questionsOf(wire: Wire, intervalMs: number, rate: number): number {
  if (wire !== 'long-poll') return intervalMs > 0 ? (seconds * 1000) / intervalMs : 0
  return (seconds * rate) / (1 - Math.exp((-rate * serverLimits.heartbeatMs) / 1000))
}

/** Where two curves cross, found on a grid and then by bisection. */
export function crossingOf(
  one: (rate: number) => number,
  other: (rate: number) => number,
  low: number,
  high: number,
): number | null {
  const sign = (rate: number): number => Math.sign(one(rate) - other(rate))
  const steps = 60
  let before = low
  for (let step = 1; step <= steps; step++) {
    const after = low * (high / low) ** (step / steps)
    if (sign(before) !== sign(after)) {
      let [from, until] = [before, after]
      for (let round = 0; round < 40; round++) {
        const middle = Math.sqrt(from * until)
        if (sign(middle) === sign(from)) from = middle
        else until = middle
      }
      return Math.sqrt(from * until)
    }
    before = after
  }
  return null
}

export function bytesFigure(tables: readonly DeliveryTable[], marks: Marks): Figure {
  const figure = {
    id: 'bytes',
    title: 'Bytes a message over the rate',
    shows:
      'What a message costs a reader on the socket, both ways, at each rate: lines are the model, marks are rows of this run, rings are where polling begins to need fewer bytes than a WebSocket.',
    wrong:
      'The model counts what the lab’s own clients say: a browser sends longer headers, so polling costs more there; TCP and IP are not in it, and in bursts messages share a frame.',
  }
  const subjects = subjectsOf(tables, marks)
  if (subjects.length === 0)
    return missingFigure(figure, 'This run has no deliveries. `npm run bench -- trickle` measures them.')
  const points = tables.flatMap((table) =>
    table.parameters.burst > 1
      ? []
      : table.rows.map((row) => ({ table, row, rate: rateOf(table), bytes: bytesEach(row) })),
  )
  const crossings = crossingsOf(subjects)
  return {
    ...figure,
    plots: [(width) => panel(subjects, points, crossings, marks, width)],
    missing: null,
    data: {
      columns: ['what', 'messages a second', 'bytes a message'],
      rows: [
        ...crossings.map(({ one, other, rate, bytes }) => [`${one} = ${other}`, short(rate), short(bytes)]),
        ...points.map(({ table, row, rate, bytes }) => [
          `${row.subject} (${tableName(table)})`,
          short(rate),
          short(bytes),
        ]),
      ],
    },
  }
}

/** Messages a second for each reader. */
function rateOf({ parameters }: DeliveryTable): number {
  return parameters.ratePerSecond / parameters.rooms
}

function subjectsOf(tables: readonly Table[], marks: Marks): readonly Subject[] {
  const found = new Map<string, Subject>()
  for (const table of tables) {
    if (table.kind !== 'delivery') continue
    const { textBytes, secure } = table.parameters
    for (const row of table.rows) {
      if (!transportNames.includes(row.transport) || isControl(row.transport) || found.has(row.subject))
        continue
      const { wire } = transportOf(row.transport)
      const { intervalMs, protocol } = row
      found.set(row.subject, {
        mark: markOf(marks, row.subject),
        wire,
        intervalMs,
        textBytes,
        secure,
        protocol,
      })
    }
  }
  return [...found.values()]
}

function curveOf(subject: Subject): (rate: number) => number {
  return (rate) => modelBytes(subject, subject.mark.transport, rate) ?? Number.NaN
}

function crossingsOf(subjects: readonly Subject[]): readonly Crossing[] {
  const socket = subjects.find((one) => one.mark.transport === 'websocket')
  if (socket === undefined) return []
  return subjects
    .filter((one) => one.intervalMs > 0)
    .flatMap((one) => {
      const rate = crossingOf(curveOf(one), curveOf(socket), lowRate, highRate)
      if (rate === null) return []
      return [{ one: one.mark.subject, other: socket.mark.subject, rate, bytes: curveOf(socket)(rate) }]
    })
}

function panel(
  subjects: readonly Subject[],
  points: readonly { readonly row: DeliveryRow; readonly rate: number; readonly bytes: number }[],
  crossings: readonly Crossing[],
  marks: Marks,
  width: number,
): string {
  const rates = Array.from({ length: 61 }, (_, step) => lowRate * (highRate / lowRate) ** (step / 60))
  const lines = subjects.map((subject) => ({
    subject,
    values: rates.map((x) => ({ x, y: curveOf(subject)(x) })).filter(({ y }) => Number.isFinite(y)),
  }))
  const [low, high] = roundBounds([
    ...lines.flatMap(({ values }) => values.map(({ y }) => y)),
    ...points.map(({ bytes }) => bytes),
  ])
  const y = logScale(low, high, 8, bytesLabel)
  const plot = new Plot({
    width,
    height: 330,
    margin: marginFor(
      subjects.map((one) => one.mark.subject),
      y.ticks.map((tick) => tick.label),
    ),
    x: logScale(lowRate, highRate, 6, plain),
    y,
    xTitle: 'messages a second for each reader',
    yTitle: 'bytes a message, both ways',
    label: 'Bytes a message over the rate: the model’s curves and measured points',
  })
  for (const { subject, values } of lines) plot.line(values, subject.mark)
  for (const { row, rate, bytes } of points) {
    const says = `${row.subject}, measured at ${plain(rate)} msg/s: ${short(bytes)} B`
    plot.dot({ x: rate, y: bytes }, markOf(marks, row.subject), says)
  }
  for (const { one, other, rate, bytes } of crossings) {
    const says = `From ${plain(rate)} msg/s on ${one} needs fewer bytes than ${other} (${short(bytes)} B)`
    plot.dot({ x: rate, y: bytes }, markOf(marks, one), says, 'hollow')
  }
  plot.endLabels(
    lines.flatMap(({ subject, values }) => {
      const value = values.at(-1)
      return value === undefined ? [] : [{ mark: subject.mark, value }]
    }),
  )
  return plot.svg()
}
