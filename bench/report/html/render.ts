// The report as one HTML file that needs no network: what was run, the verdict, tables, plots, method. Pure: a document in, text out.
import { createHash } from 'node:crypto'
import type { DeliveryTable } from '../../statistics/summary.ts'
import type { ReportDocument } from '../document.ts'
import { durationText } from '../progress.ts'
import {
  citableText,
  deliveryTables,
  hostLine,
  resolutionLine,
  tableName,
  validityLine,
  verdicts,
} from '../words.ts'
import { escapeText } from './escape.ts'
import { renderFigure } from './figure.ts'
import { markStyles, marksOf } from './marks.ts'
import { bytesFigure } from './plots/bytes.ts'
import { cpuFigure } from './plots/cpu.ts'
import { ecdfFigure } from './plots/ecdf.ts'
import { fanoutFigure } from './plots/fanout.ts'
import { loadFigures } from './plots/load.ts'
import { renderMap } from './plots/map.ts'
import { percentileFigure } from './plots/percentiles.ts'
import { recoveryFigures } from './plots/recovery.ts'
import { timelineFigure } from './plots/timeline.ts'
import { script } from './script.ts'
import { style } from './style.ts'
import { glossary, renderTableSection } from './tables.ts'

export function renderReport(document: ReportDocument): string {
  const marks = marksOf(document.tables)
  const css = `${style}\n${markStyles(marks)}`
  const policy = `default-src 'none'; style-src ${hashed(css)}; script-src ${hashed(script)}; base-uri 'none'; form-action 'none'`
  const { scripted, figures } = drawn(document, marks)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer">
<title>${escapeText(`Parley bench, commit ${document.environment.commit}, ${document.environment.startedAt.slice(0, 10)}`)}</title>
<style>${css}</style></head>
<body>${head(document)}
<main><section><h2>Verdict</h2>${verdict(document)}</section>
<section><h2>Decide</h2><div class="figures">${scripted}</div></section>
<section><h2>Tables</h2>${document.tables.map((table) => renderTableSection(table, marks, document.problems.length === 0)).join('\n')}
<p class="note">“!”, in red: farther from theory than the model may be. A percentile stands only where ten samples lie beyond it.</p></section>
<section><h2>Plots</h2>${plottedNote(deliveryTables(document))}<div class="figures">${figures}</div></section>
<section><h2>Method</h2>${method()}</section>
<section><h2>Glossary</h2><dl>${glossary(document.tables)
    .map(({ title, help }) => `<dt>${escapeText(title)}</dt><dd>${escapeText(help)}</dd>`)
    .join('')}</dl></section>
${record(document)}</main>
<footer>Parley’s bench, schema ${escapeText(document.schema)}. This file is complete: it asks nothing of any network.</footer>
<script>${script}</script></body></html>
`
}

function hashed(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

/** So many tables have plots of their own; with more of them the file would be larger than a megabyte. */
const mostPlotted = 6
const plottedOfMany = 3

/** All tables, or of many the one with most readers of each of the first scenarios. */
export function plotted(tables: readonly DeliveryTable[]): readonly DeliveryTable[] {
  if (tables.length <= mostPlotted) return tables
  const largest = new Map<string, DeliveryTable>()
  for (const table of tables) {
    const known = largest.get(table.scenario)
    if (known === undefined || table.parameters.subscribers > known.parameters.subscribers)
      largest.set(table.scenario, table)
  }
  return [...largest.values()].slice(0, plottedOfMany)
}

function plottedNote(tables: readonly DeliveryTable[]): string {
  const shown = plotted(tables)
  if (shown.length === tables.length) return ''
  const names = shown.map((table) => tableName(table)).join('; ')
  return `<p class="note">Cost, percentiles, shares, bytes and noise are drawn for ${escapeText(names)}; the other ${tables.length - shown.length} loads have their tables above.</p>`
}

function drawn(
  document: ReportDocument,
  marks: ReturnType<typeof marksOf>,
): { readonly scripted: string; readonly figures: string } {
  const tables = deliveryTables(document)
  const shown = plotted(tables)
  const figures = [
    ...shown.map((table, index) => cpuFigure(table, marks, index)),
    ...shown.map((table, index) => percentileFigure(table, marks, index)),
    ...shown.map((table, index) => ecdfFigure(table, marks, index)),
    fanoutFigure(tables, marks),
    ...loadFigures(document.tables, marks),
    bytesFigure(shown, marks),
    ...recoveryFigures(document.tables, marks),
    timelineFigure(shown, marks),
  ]
  return {
    scripted: renderMap(document.tables, marks, document.problems.length === 0),
    figures: figures.map(renderFigure).join('\n'),
  }
}

function head(document: ReportDocument): string {
  const { environment, settings } = document
  const citable = citableText(document, settings)
  const tone = document.problems.length > 0 ? 'bad' : citable === 'citable' ? 'good' : 'busy'
  const stamp = document.problems.length > 0 ? `INVALID · ${citable}` : `valid · ${citable}`
  const themes = ['system', 'light', 'dark']
    .map(
      (name, index) =>
        `<label><input type="radio" name="theme" value="${name}"${index === 0 ? ' checked' : ''}> ${name}</label>`,
    )
    .join('')
  return `<header><div class="top"><h1>What each transport costs, and how late it delivers</h1><fieldset id="theme" hidden><legend>Colours</legend>${themes}</fieldset></div>
<p class="host">${escapeText(hostLine(environment))}</p><p class="host">${escapeText(validityLine(document, settings))}</p>
<p class="stamp stamp-${tone}">${escapeText(stamp)}</p></header>`
}

function verdict(document: ReportDocument): string {
  const problems = sentences(document.problems, 'problem')
  const lines = verdicts(document).map((sentence) => {
    const said = sentence.sentences.map((one) => `<p>${escapeText(one)}</p>`).join('')
    return `<li><b>${escapeText(sentence.table)}</b>${said}</li>`
  })
  const ranked =
    document.problems.length > 0
      ? '<p class="problem"><b>This run is invalid: nothing in it is ranked, and nothing in it may be cited.</b></p>'
      : `<ul class="verdict">${lines.join('')}</ul>`
  const resolution = resolutionLine(document)
  return `${problems}${ranked}${resolution === null ? '' : `<p class="note">${escapeText(resolution)}</p>`}${sentences(document.warnings, 'note')}`
}

function sentences(list: readonly string[], className: string): string {
  return list.map((sentence) => `<p class="${className}">${escapeText(sentence)}</p>`).join('')
}

function method(): string {
  const points = [
    'Open loop: messages leave by a Poisson schedule of absolute times drawn from the seed; delivery latency is the receipt by the application less the intended time, one sample for each message and subscriber, never corrected afterwards.',
    'A block is one pass over all transports in a drawn order. Ratios are geometric means of pairs of one block with bootstrapped 95 % intervals (10,000 resamples), corrected by Holm’s method over a table’s comparisons.',
    'One transport is measured under two names (A/A): what these two differ by is what the run cannot resolve, and a metric is ranked only where that is small enough.',
    'A block in which sends were late is discarded whole and run again, so that no transport loses only its own bad cells.',
    'Histograms (HDR, µs) are merged, percentiles never averaged; a percentile is said only where ten samples lie beyond it.',
    'Theory comes from first principles: framing and records byte by byte, a poller’s wait uniform in its interval, a push’s place in the row of those that are written to.',
    'tcp and, where it is named, ws (the bare library, not the transport ws-library) are controls, not choices: they keep no log. ws sends message by message, tcp joins those of a tick.',
  ]
  return `<ul class="method">${points.map((point) => `<li>${escapeText(point)}</li>`).join('')}</ul>`
}

function record(document: ReportDocument): string {
  const { environment, settings, problems, warnings, discarded } = document
  const facts = Object.entries({ ...environment, duration: durationText(document.durationMs) }).map(
    ([name, value]) =>
      `<dt>${escapeText(name)}</dt><dd>${escapeText(typeof value === 'object' ? JSON.stringify(value) : String(value))}</dd>`,
  )
  const thrown = discarded.map(
    (one) =>
      `${one.scenario}, ${one.load}, block ${one.block}: sends of ${one.subject} were ${(one.sendLagP99Us / 1000).toFixed(1)} ms late at p99, the bound is ${(one.boundUs / 1000).toFixed(1)} ms.`,
  )
  const list = (title: string, items: readonly string[]): string =>
    `<h3>${title}</h3>${items.length === 0 ? '<p class="note">None.</p>' : sentences(items, 'note')}`
  return `<section><h2>Environment</h2><dl>${facts.join('')}</dl></section>
<section><h2>Problems, warnings, discarded blocks</h2>${list('Problems', problems)}${list('Warnings', warnings)}${list('Discarded blocks', thrown)}</section>
<section><h2>Settings</h2><pre>${escapeText(JSON.stringify(settings, null, 1))}</pre></section>`
}
