// The decision map: rate by latency, each cell in the colour of the cheapest transport that meets it, and the reader's own point.
import { describeTransport } from '../../../../transports/catalogue.ts'
import type { Table } from '../../../statistics/summary.ts'
import { share, short } from '../../table.ts'
import { Plot, round, shapePath } from '../chart.ts'
import {
  type Candidate,
  type Choice,
  type CostKind,
  candidatesOf,
  choiceOf,
  pollBoundsMs,
  rankingOf,
} from '../decision.ts'
import { escapeText, scriptJson } from '../escape.ts'
import { plotWidths, renderData } from '../figure.ts'
import { type Mark, type Marks, markOf } from '../marks.ts'
import { durationLabel, logScale, plain } from '../scale.ts'
import { tickCount } from './frame.ts'

const rates = [0.001, 100] as const
const latencies = [1, 60_000] as const
/** Where the reader's point is before it is moved: a chat. */
const firstPoint = { rate: 1, latencyMs: 1000 } as const
const grid = { columns: 80, rows: 60 } as const
const readers = 1000

/** From the cost of one reader and second to what is read out. */
const units: Readonly<
  Record<CostKind, { readonly factor: number; readonly unit: string; readonly title: string }>
> = {
  cpu: { factor: readers / 1e6, unit: ' cores', title: 'Server CPU' },
  wire: { factor: (readers * 8) / 1e6, unit: ' Mbit/s', title: 'Bytes on the wire' },
}

const costKinds = ['cpu', 'wire'] as const

/** `valid`: of the run; where it isn't, nothing is ranked, so there is no map. */
export function renderMap(tables: readonly Table[], marks: Marks, valid: boolean): string {
  const candidates = valid ? candidatesOf(tables) : []
  const ties = tiesOf(tables)
  const caption = `<figcaption><h3>Decision map</h3><p>For an update rate for each reader and a latency that 99 % of the deliveries must keep: the transport that costs the server least, by this run’s own figures. Polling asks as rarely as that latency allows. Move the point to your own case.</p><p class="wrong"><b>How it could be wrong:</b> it reaches far beyond the rates and rooms that were measured, on loopback without a path’s delay; a mostly idle server pays several times as much for an event as a busy one, so polling, which has most events, looks dearer than with thousands of readers; what is pushed counts as fast as its p99 in the largest room; it leaves out the cost of taking a message in, which is the same for all; ${resting(tables)}.</p></figcaption>`
  if (candidates.length === 0)
    return `<figure id="map" class="full">${caption}<p class="missing">${valid ? 'This run has no deliveries to fit costs from.' : 'This run is invalid, so nothing is ranked.'} <code>npm run bench -- trickle fanout</code> measures what is needed.</p></figure>`
  const signs = new Map(candidates.map((one) => [one.transport, signOf(one.transport, marks)]))
  const maps = costKinds.map((kind) => {
    const svg = (width: number): string => mapSvg(candidates, signs, kind, width, ties[kind])
    return `<div class="map-${kind}"><div class="wide">${svg(plotWidths.wide)}</div><div class="narrow">${svg(plotWidths.narrow)}</div>${ranking(candidates, kind)}</div>`
  })
  const legend = candidates
    .map(({ transport }) => {
      const sign = signs.get(transport)
      if (sign === undefined) return ''
      return `<li><svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true"><path class="${sign.className} dot" d="${shapePath(sign.shape, 8, 8, 5)}"/></svg>${escapeText(titleOf(transport))}</li>`
    })
    .join('')
  return `<figure id="map" class="full">${caption}
<div class="map-controls"><fieldset><legend>Cheapest by</legend><label><input type="radio" name="cost" id="by-cpu" checked> server CPU</label><label><input type="radio" name="cost" id="by-wire"> bytes on the wire</label></fieldset>
<label>Messages a second for each reader <input id="rate" type="number" min="${rates[0]}" max="${rates[1]}" step="any" value="${firstPoint.rate}"></label>
<label>99 % within, ms <input id="latency" type="number" min="${latencies[0]}" max="${latencies[1]}" step="any" value="${firstPoint.latencyMs}"></label></div>
<ul class="legend">${legend}<li><span class="none-sign"></span>none is that fast</li><li><span aria-hidden="true">▨</span>can’t be told apart from the next</li></ul>
<div class="maps">${maps.join('')}</div>
<p class="said" aria-live="polite">${plain(firstPoint.rate)} msg/s for each reader, 99 % within ${firstPoint.latencyMs.toLocaleString('en')} ms</p>
<p class="wrong">${tieWords(tables, ties)}</p>
<details><summary>The fitted costs</summary>${fitted(candidates)}</details>
<script type="application/json" id="map-data">${scriptJson(mapData(candidates, ties))}</script></figure>`
}

/** What the script needs: see `costSource`. */
export function mapData(candidates: readonly Candidate[], ties: Ties = { cpu: 0, wire: 0 }): unknown {
  const costs = (candidate: Candidate, kind: CostKind): readonly number[] => {
    const { delivery, answer, question, connectionSecond } = candidate[kind]
    return [delivery, answer, question, connectionSecond]
  }
  return {
    rates,
    latencies,
    bounds: [pollBoundsMs.least, pollBoundsMs.most],
    point: [firstPoint.rate, firstPoint.latencyMs],
    ties,
    titles: { cpu: 'server CPU', wire: 'bytes on the wire' },
    units: {
      cpu: [units.cpu.factor, units.cpu.unit],
      wire: [units.wire.factor, units.wire.unit],
    },
    candidates: candidates.map((one) => ({
      name: titleOf(one.transport),
      polls: one.polls,
      ms: one.latencyMs,
      cpu: costs(one, 'cpu'),
      wire: costs(one, 'wire'),
    })),
  }
}

function titleOf(transport: string): string {
  return describeTransport(transport).short
}

/** A transport's sign; of one that polls, that of its first interval. */
function signOf(transport: string, marks: Marks): Mark {
  const own = [...marks.values()].filter((mark) => mark.transport === transport)
  return own.sort((one, other) => one.intervalMs - other.intervalMs)[0] ?? markOf(marks, transport)
}

/** The rate and the latency in the middle of a cell. */
function centre(column: number, row: number): { readonly rate: number; readonly latencyMs: number } {
  return {
    rate: rates[0] * (rates[1] / rates[0]) ** ((column + 0.5) / grid.columns),
    latencyMs: latencies[0] * (latencies[1] / latencies[0]) ** ((row + 0.5) / grid.rows),
  }
}

/** The cheapest in each cell, by row and column; null: none is that fast. */
export function winners(
  candidates: readonly Candidate[],
  kind: CostKind,
): readonly (readonly (string | null)[])[] {
  return Array.from({ length: grid.rows }, (_, row) =>
    Array.from({ length: grid.columns }, (_cell, column) => {
      const { rate, latencyMs } = centre(column, row)
      let best: Choice | null = null
      for (const candidate of candidates) {
        const choice = choiceOf(candidate, kind, rate, latencyMs)
        if (choice.costPerReaderSecond === null) continue
        if (best?.costPerReaderSecond == null || choice.costPerReaderSecond < best.costPerReaderSecond)
          best = choice
      }
      return best?.transport ?? null
    }),
  )
}

/** Costs that are nearer to each other than this share can't be told apart. */
export type Ties = Readonly<Record<CostKind, number>>

/** Bytes fitted from several loads repeat to about this. */
const wireTie = 0.05

/** What the run's controls say: the widest of the tables that may rank by CPU; everything, where none may. */
export function tiesOf(tables: readonly Table[]): Ties {
  const shares = tables.flatMap((table) => {
    const control = table.kind === 'delivery' ? table.controls?.cpu : undefined
    return control?.rankable === true ? [control.resolution] : []
  })
  return { cpu: shares.length === 0 ? Number.MAX_VALUE : Math.max(...shares), wire: wireTie }
}

function tieWords(tables: readonly Table[], { cpu }: Ties): string {
  const none = !tables.some((table) => table.kind === 'delivery' && table.controls?.cpu.rankable === true)
  return none
    ? 'No table of this run may rank by CPU, so all of that map is a tie: a longer run on a quieter machine may tell.'
    : `Hatched: the next is within ${share(cpu)} by CPU, or ${share(wireTie)} by bytes, which this run can’t tell from nothing.`
}

/** Where the cheapest and the next are too near to each other, by row and column. */
export function tied(
  candidates: readonly Candidate[],
  kind: CostKind,
  tie: number,
): readonly (readonly boolean[])[] {
  return Array.from({ length: grid.rows }, (_, row) =>
    Array.from({ length: grid.columns }, (_cell, column) => {
      const { rate, latencyMs } = centre(column, row)
      const costs = rankingOf(candidates, kind, rate, latencyMs).map((one) => one.costPerReaderSecond)
      const [first, second] = costs
      return first != null && second != null && second <= first * (1 + tie)
    }),
  )
}

function mapSvg(
  candidates: readonly Candidate[],
  signs: ReadonlyMap<string, Mark>,
  kind: CostKind,
  width: number,
  tie: number,
): string {
  const y = logScale(latencies[0], latencies[1], 6, durationLabel)
  const plot = new Plot({
    width,
    height: width > 400 ? 400 : 320,
    margin: { top: 22, right: 16, bottom: 38, left: 56 },
    x: logScale(rates[0], rates[1], tickCount(width), plain),
    y,
    xTitle: 'messages a second for each reader',
    yTitle: 'latency that 99 % must keep',
    label: `Decision map by ${units[kind].title}: arrow keys move your point, with Shift by more; the ranking is read out below`,
  })
  const cells = winners(candidates, kind)
  const edge = (column: number, row: number): { x: number; y: number } => ({
    x: plot.left + (column / grid.columns) * (plot.right - plot.left),
    y: plot.bottom - (row / grid.rows) * (plot.bottom - plot.top),
  })
  const marked: string[] = []
  for (const [row, line] of cells.entries()) {
    for (let from = 0; from < line.length; ) {
      const winner = line[from] ?? null
      let until = from + 1
      while (until < line.length && line[until] === winner) until += 1
      if (winner !== null) {
        const [low, high] = [edge(from, row), edge(until, row + 1)]
        plot.raw(
          `<path class="cell ${signs.get(winner)?.className ?? 'sx'}" d="M${round(low.x)} ${round(high.y)}H${round(high.x)}V${round(low.y)}H${round(low.x)}Z"/>`,
        )
      }
      from = until
    }
    if (row % 10 !== 5) continue
    for (let column = 5; column < line.length; column += 10) {
      const sign = signs.get(line[column] ?? '')
      const place = edge(column + 0.5, row + 0.5)
      if (sign !== undefined)
        marked.push(`<path class="sign" d="${shapePath(sign.shape, place.x, place.y, 4)}"/>`)
    }
  }
  const pattern = `tie-${kind}-${width}`
  plot.raw(
    `<defs><pattern id="${pattern}" width="7" height="7" patternUnits="userSpaceOnUse"><path class="hatch" d="M0 7L7 0"/></pattern></defs>`,
  )
  for (const [row, line] of tied(candidates, kind, tie).entries()) {
    for (let from = line.indexOf(true); from >= 0; ) {
      const end = line.indexOf(false, from)
      const until = end < 0 ? line.length : end
      const [low, high] = [edge(from, row), edge(until, row + 1)]
      plot.raw(
        `<path fill="url(#${pattern})" d="M${round(low.x)} ${round(high.y)}H${round(high.x)}V${round(low.y)}H${round(low.x)}Z"/>`,
      )
      from = line.indexOf(true, until)
    }
  }
  plot.raw(marked.join(''))
  const at = plot.at(firstPoint.rate, firstPoint.latencyMs)
  plot.raw(
    `<g class="point" transform="translate(${round(at.x)} ${round(at.y)})"><circle r="9" class="halo"/><circle r="9"/><path d="M-14 0h9M5 0h9M0 -14v9M0 5v9"/></g>`,
  )
  return plot.svg()
}

function ranking(candidates: readonly Candidate[], kind: CostKind): string {
  const { factor, unit, title } = units[kind]
  const rows = rankingOf(candidates, kind, firstPoint.rate, firstPoint.latencyMs).map((choice) => {
    const cost = choice.costPerReaderSecond
    const how =
      cost === null
        ? 'can’t be that fast'
        : choice.intervalMs > 0
          ? `asks every ${plain(choice.intervalMs / 1000)} s`
          : 'delivers at once'
    const said = cost === null ? '–' : `${plain(cost * factor)}${unit}`
    return `<tr><th scope="row">${escapeText(titleOf(choice.transport))}</th><td>${how}</td><td>${said}</td></tr>`
  })
  return `<div class="ranking-${kind}"><table><caption>At your point, for ${readers.toLocaleString('en')} readers</caption><thead><tr><th scope="col">transport</th><th scope="col">how</th><th scope="col">${title}</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`
}

function fitted(candidates: readonly Candidate[]): string {
  const rows = candidates.flatMap((one) =>
    costKinds.map((kind) => {
      const { delivery, answer, question, connectionSecond, message } = one[kind]
      const numbers = [delivery, answer, question, connectionSecond, message].map(short)
      return [
        `${titleOf(one.transport)}, ${kind === 'cpu' ? 'CPU µs' : 'wire B'}`,
        ...numbers,
        `${short(one.latencyMs)} ms`,
        String(one.rows),
      ]
    }),
  )
  const columns = [
    'of',
    'a delivery',
    'an answer with news',
    'an empty answer',
    'a connection and second',
    'a message taken in',
    'latency',
    'rows fitted',
  ]
  return renderData({ columns, rows }, 'The fitted costs')
}

function resting(tables: readonly Table[]): string {
  return tables.some(({ kind }) => kind === 'idle')
    ? 'and what a link costs that rests comes from one number of links'
    : 'and a link that rests counts as nothing, as this run did not measure <code>idle</code>'
}
