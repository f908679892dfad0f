// The screen and the Markdown of a believable run: widths, words, marks and labels.
import { describe, expect, it } from 'vitest'
import type { DeliveryTable } from '../statistics/summary.ts'
import type { ReportDocument } from './document.ts'
import { exampleDocument } from './example.harness.ts'
import { renderMarkdown } from './markdown.ts'
import { renderScreen } from './screen.ts'
import { wrap } from './table.ts'

const document = exampleDocument()
const screen = renderScreen(document, document.settings)

/** The example with one delivery table changed. */
function changed(change: (table: DeliveryTable) => DeliveryTable): ReportDocument {
  const tables = document.tables.map((table) => (table.kind === 'delivery' ? change(table) : table))
  return { ...document, tables }
}

describe('renderScreen', () => {
  it('fits 120 columns', () => {
    const widest = Math.max(...screen.split('\n').map((line) => line.length))
    expect(widest).toBeLessThanOrEqual(120)
  })

  it('begins with the machine and whether the run is valid, and ends with what it can resolve', () => {
    const lines = screen.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^Example CPU .* × 4 · Node 26\.10\.0 · commit abcdef1 · 2026-11-22 20:15 UTC/)
    expect(lines[1]).toMatch(/^valid · citable · profile standard · seed 7 · everything over TLS/)
    expect(lines.slice(-3).join(' ')).toMatch(/Smallest difference that this run can resolve: p50 ± 4\.0 %/)
  })

  it('says what it may not rank and why, and what it can’t tell apart', () => {
    expect(screen).toContain('not ranked: p99 (A/A ± 41 %, limit ± 25 %).')
    expect(screen.replace(/\n +/g, ' ')).toContain('no difference that this run can resolve (± 6.0 %): ws.')
  })

  it('marks a residual that is too large, and a row that the generator bounds', () => {
    expect(screen).toMatch(/^ {2}ws .*\d!/m)
    expect(screen).toMatch(/≥ generator-bound: websocket-h2\./)
    expect(screen).toMatch(/^ {2}websocket-h2 +≥ \d/m)
  })

  it('puts a label in place of percentiles where the load diverges', () => {
    const diverging = changed((table) => ({
      ...table,
      rows: table.rows.map((row) => (row.subject === 'ws' ? { ...row, diverging: true } : row)),
    }))
    const text = renderScreen(diverging, document.settings)
    expect(text).toContain('diverging: offered load exceeds capacity: ws.')
    expect(text).toMatch(/^ {2}ws +diverging /m)
  })

  it('says what was lost beside what was delivered', () => {
    const lossy = changed((table) => ({
      ...table,
      rows: table.rows.map((row) => ({
        ...row,
        tally: { ...row.tally, delivered: row.tally.expected - 3, lost: 3 },
      })),
    }))
    const text = renderScreen({ ...lossy, problems: ['3 lost.'] }, document.settings)
    expect(text).toMatch(/477\/480!/)
    expect(text).toMatch(/^INVALID · not citable: invalid/m)
    expect(text).not.toMatch(/faster|cheaper|dearer/)
  })

  it('cannot be cited from a quick profile, and says so at once', () => {
    const quick = exampleDocument({ profileName: 'quick', blocks: 2 })
    expect(renderScreen(quick, quick.settings).split('\n')[1]).toContain('quick: not citable')
  })
})

describe('renderMarkdown', () => {
  const markdown = renderMarkdown(document)

  it('has the validity line, a table for each scenario, and folds the rest', () => {
    expect(markdown).toMatch(/^\*\*Parley bench:\*\* valid · citable/)
    expect(markdown.match(/^#### /gm)).toHaveLength(document.tables.length)
    expect(markdown.match(/<details>/g)?.length).toBe(markdown.match(/<\/details>/g)?.length)
    expect(markdown).toContain('Smallest difference that this run can resolve')
  })

  it('lets nothing of a document be markup', () => {
    const evil = { ...document, warnings: ['<img onerror=x> | [a](b)'] }
    expect(renderMarkdown(evil)).toContain('&lt;img onerror=x&gt; \\| \\[a\\](b)')
  })
})

describe('wrap', () => {
  it('keeps the indentation of the first line and hangs the others', () => {
    expect(wrap('  one two three', 9, 4)).toEqual(['  one two', '    three'])
  })
})
