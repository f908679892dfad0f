// How each subject is told from the others: a hue, and for those who don't see it a shape and a dash of its own.
import { autoEntry, catalogue, type Hue, hues } from '../../../transports/catalogue.ts'
import type { Table } from '../../statistics/summary.ts'
import { isOverHttp1, transportNames, transportOf } from '../../subjects.ts'

export type Shape =
  | 'circle'
  | 'ring'
  | 'bullseye'
  | 'square'
  | 'triangle'
  | 'diamond'
  | 'plus'
  | 'cross'
  | 'wedge'
  | 'bar'
  | 'frame'
  | 'gem'
  | 'pane'
  | 'hourglass'
  | 'bow'
  | 'right'
  | 'left'
  | 'star'
  | 'hexagon'

export interface Mark {
  readonly subject: string
  readonly transport: string
  readonly intervalMs: number
  /** The class that sets the hue: `s0`. */
  readonly className: string
  readonly hue: Hue
  readonly shape: Shape
  /** SVG's `stroke-dasharray`; empty: a whole line. */
  readonly dash: string
  /** Not a choice, but what the choices are measured against. */
  readonly control: boolean
}

export type Marks = ReadonlyMap<string, Mark>

const polls: readonly { readonly shape: Shape; readonly dash: string }[] = [
  { shape: 'circle', dash: '2 3' },
  { shape: 'ring', dash: '6 3' },
  { shape: 'bullseye', dash: '10 3 2 3' },
  { shape: 'bar', dash: '10 4' },
]

/** The same over HTTP/1.1: hollow and angular where those are round. */
const pollsOverHttp1: typeof polls = [
  { shape: 'frame', dash: '2 3 2 6' },
  { shape: 'gem', dash: '6 3 1 3' },
  { shape: 'pane', dash: '10 3 2 3 2 3' },
]

const known: Readonly<Record<string, { readonly shape: Shape; readonly dash: string }>> = {
  websocket: { shape: 'triangle', dash: '' },
  // Where no interval matters: as at the shortest.
  polling: { shape: 'circle', dash: '2 3' },
  'polling-http1': { shape: 'frame', dash: '2 3 2 6' },
  'long-polling': { shape: 'hourglass', dash: '4 4' },
  'long-polling-http1': { shape: 'bow', dash: '4 2 1 2' },
  'server-sent-events': { shape: 'right', dash: '14 3' },
  'server-sent-events-http1': { shape: 'left', dash: '14 3 1 3' },
  'http2-push': { shape: 'square', dash: '8 3' },
  'websocket-h2': { shape: 'diamond', dash: '10 3 2 3' },
  'ws-library': { shape: 'star', dash: '12 3 1 3 1 3' },
  'socket-io': { shape: 'wedge', dash: '3 3' },
  auto: { shape: 'hexagon', dash: '3 6' },
  tcp: { shape: 'plus', dash: '1 2' },
  ws: { shape: 'cross', dash: '4 2' },
}

const others: readonly { readonly shape: Shape; readonly dash: string }[] = [
  { shape: 'wedge', dash: '12 3' },
  { shape: 'bar', dash: '3 1' },
  { shape: 'star', dash: '5 2 1 2' },
]

/** Neutral, and apart from each other: nearly ink, and grey. */
const neutral: readonly Hue[] = [{ light: '#3f4347', dark: '#c9ced3' }, hues.grey]

export function isControl(transport: string): boolean {
  return transportNames.includes(transport) && transportOf(transport).server !== 'parley'
}

function isHttp1(transport: string): boolean {
  return transportNames.includes(transport) && isOverHttp1(transport)
}

/** A mark for each subject of the tables, the same wherever it stands. */
export function marksOf(tables: readonly Table[]): Marks {
  const subjects = new Map<string, { readonly transport: string; readonly intervalMs: number }>()
  for (const table of tables) {
    if (
      table.kind !== 'delivery' &&
      table.kind !== 'idle' &&
      table.kind !== 'capacity' &&
      table.kind !== 'recovery' &&
      table.kind !== 'opening'
    )
      continue
    for (const row of table.rows) {
      const intervalMs = 'intervalMs' in row ? row.intervalMs : intervalIn(row.subject)
      if (!subjects.has(row.subject)) subjects.set(row.subject, { transport: row.transport, intervalMs })
    }
  }
  const intervals = [...new Set([...subjects.values()].map((one) => one.intervalMs))]
    .filter((intervalMs) => intervalMs > 0)
    .sort((one, other) => one - other)
  const strange = [...new Set([...subjects.values()].map((one) => one.transport))].filter(
    (name) => known[name] === undefined && !catalogue.some((entry) => entry.name === name),
  )
  const marks = new Map<string, Mark>()
  for (const [subject, { transport, intervalMs }] of subjects) {
    const asking = isHttp1(transport) ? pollsOverHttp1 : polls
    const sign =
      (intervalMs > 0 ? asking[intervals.indexOf(intervalMs) % asking.length] : known[transport]) ??
      others[Math.max(0, strange.indexOf(transport)) % others.length]
    const control = isControl(transport)
    // Over HTTP/1.1 it is the same transport: its hue, and a sign of its own.
    const named = isHttp1(transport) ? transportOf(transport).http1Of : transport
    const hue =
      [...catalogue, autoEntry].find((entry) => entry.name === named)?.hue ??
      neutral[transport === 'tcp' ? 0 : 1] ??
      hues.grey
    marks.set(subject, {
      subject,
      transport,
      intervalMs,
      className: `s${marks.size}`,
      hue,
      shape: sign?.shape ?? 'bar',
      dash: sign?.dash ?? '',
      control,
    })
  }
  return marks
}

/** `polling 0.5 s`: 500. Rows that have no interval of their own have it in their name. */
function intervalIn(subject: string): number {
  const seconds = /^\S+ ([\d.]+) s/.exec(subject)?.[1]
  return seconds === undefined ? 0 : Number(seconds) * 1000
}

export function markOf(marks: Marks, subject: string): Mark {
  const found = marks.get(subject)
  if (found !== undefined) return found
  return {
    subject,
    transport: subject,
    intervalMs: 0,
    className: 'sx',
    hue: hues.grey,
    shape: 'bar',
    dash: '3 1',
    control: true,
  }
}

/** The classes of all hues. */
export function markStyles(marks: Marks): string {
  const own = [...marks.values()].map(
    ({ className, hue }) => `.${className}{--hue:light-dark(${hue.light},${hue.dark})}`,
  )
  return [...own, `.sx{--hue:light-dark(${hues.grey.light},${hues.grey.dark})}`].join('\n')
}
