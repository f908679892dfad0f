// The report as text: complete, small, without a network, and with nothing of a document as markup.
import { describe, expect, it } from 'vitest'
import { catalogue } from '../../../transports/catalogue.ts'
import { transportIn, transportNames, transportOf } from '../../subjects.ts'
import { exampleDocument } from '../example.harness.ts'
import { marksOf } from './marks.ts'
import { renderReport } from './render.ts'

const document = exampleDocument()
const html = renderReport(document)

describe('renderReport', () => {
  it('stays under a megabyte and gives the same text for the same document', () => {
    expect(Buffer.byteLength(html)).toBeLessThan(1_000_000)
    expect(renderReport(document)).toBe(html)
  })

  it('stays under a megabyte with as many loads as a full run has', () => {
    const few = exampleDocument()
    const [first] = few.tables.filter((table) => table.kind === 'delivery')
    if (first?.kind !== 'delivery') throw new Error('The example has deliveries.')
    const many = Array.from({ length: 27 }, (_, index) => ({
      ...first,
      scenario: `scenario ${index % 7}`,
      load: `load ${index}`,
    }))
    const html = renderReport({ ...few, tables: [...many, ...few.tables.slice(1)] })
    expect(Buffer.byteLength(html)).toBeLessThan(1_000_000)
    expect(html).toContain('load 26')
    expect(html).toContain('loads have their tables above')
  })

  it('needs no network and allows none', () => {
    expect(html).not.toMatch(/https?:\/\//)
    expect(html).not.toMatch(/<(link|img|iframe|object|embed|base|form)\b|\bsrc=|@import|url\((?!#)/)
    expect(html).toMatch(
      /Content-Security-Policy" content="default-src 'none'; style-src 'sha256-[^"]*; script-src 'sha256-/,
    )
  })

  it('says of every plot what it shows and how it could be wrong', () => {
    const figures = html.match(/<figure .*?<\/figure>/gs) ?? []
    expect(figures.length).toBeGreaterThan(15)
    for (const figure of figures) {
      expect(figure).toMatch(/<figcaption><h3>[^<]+<\/h3><p>[^<]{30,}<\/p>/)
      expect(figure).toMatch(/<b>How it could be wrong:<\/b> [^<]{30,}<\/p>/)
    }
  })

  it('has each plot that is asked for, and the numbers behind it', () => {
    for (const id of [
      'map',
      'cpu-0',
      'percentiles-0',
      'ecdf-0',
      'load-0',
      'bytes',
      'fanout',
      'timeline',
      'recovery-0',
    ]) {
      const figure = new RegExp(`<figure id="${id}".*?</figure>`, 's').exec(html)?.[0] ?? ''
      expect(figure, id).toContain('<svg')
      expect(figure, id).toContain('<details>')
    }
  })

  it('says of a plot without data which command measures it', () => {
    const sparse = renderReport(exampleDocument({ without: ['delivery', 'recovery', 'capacity'] }))
    for (const id of ['map', 'load-0', 'bytes', 'fanout', 'timeline', 'recovery-0']) {
      const figure = new RegExp(`<figure id="${id}".*?</figure>`, 's').exec(sparse)?.[0] ?? ''
      expect(figure, id).toContain('npm run bench')
      expect(figure, id).not.toContain('<svg')
    }
  })

  it('escapes whatever a document says', () => {
    const evil = '<script>alert("1")</script>&\''
    const text = JSON.stringify(document).replaceAll('websocket-h2', evil.replaceAll('"', '\\"'))
    const hurt = { ...JSON.parse(text), warnings: [evil], problems: [] }
    const rendered = renderReport(hurt)
    expect(rendered).not.toContain('<script>alert')
    expect(rendered).toContain('&lt;script&gt;alert')
    // Its own one and the map's data.
    expect(rendered.match(/<script/g)).toHaveLength(2)
    const invalid = renderReport({ ...hurt, problems: [evil] })
    expect(invalid).not.toContain('<script>alert')
    expect(invalid).toContain('so nothing is ranked')
  })

  it('cannot be taken for more than it is', () => {
    const quick = renderReport(exampleDocument({ profileName: 'quick', blocks: 2 }))
    expect(quick).toContain('quick: not citable')
    expect(html).toContain('valid · citable')
    const invalid = renderReport({ ...document, valid: false, problems: ['Lost 3.'] })
    expect(invalid).toContain('INVALID')
    expect(invalid).not.toContain('in multiples of')
  })

  it('renders a document that went through JSON, with intervals without an end', () => {
    const text = JSON.stringify(exampleDocument({ blocks: 1 }), (key, value) =>
      key === 'high' || key === 'resolution' ? null : value,
    )
    expect(renderReport(JSON.parse(text))).toContain('</html>')
  })
})

describe('marks', () => {
  const marks = [...marksOf(document.tables).values()]

  it('uses the page’s own hues', () => {
    for (const { name, hue } of catalogue)
      for (const mark of marks) if (mark.transport === name) expect(mark.hue).toEqual(hue)
  })

  it('tells subjects apart by more than colour', () => {
    expect(new Set(marks.map((mark) => mark.shape)).size).toBe(marks.length)
    expect(new Set(marks.map((mark) => `${mark.dash} ${mark.transport}`)).size).toBe(marks.length)
  })

  it('tells every transport that can be in one table apart, and those over HTTP/1.1 by their sign alone', () => {
    const subjects = transportNames.flatMap((transport) =>
      transportOf(transport).polls ? [`${transport} 0.25 s`, `${transport} 1 s`] : [transport],
    )
    const [first] = document.tables.filter((table) => table.kind === 'delivery')
    const [row] = first?.rows ?? []
    if (first === undefined || row === undefined) throw new Error('The example has deliveries.')
    const rows = subjects.map((subject) => ({
      ...row,
      subject,
      transport: transportIn(subject) ?? '',
      intervalMs: subject.endsWith(' 1 s') ? 1000 : subject.endsWith(' 0.25 s') ? 250 : 0,
    }))
    const all = [...marksOf([{ ...first, rows }]).values()]
    expect(all.map(({ subject }) => subject)).toEqual(subjects)
    expect(new Set(all.map(({ shape }) => shape)).size).toBe(subjects.length)
    expect(new Set(all.map(({ dash }) => dash)).size).toBe(subjects.length)
    const hueOf = (subject: string) => all.find((mark) => mark.subject === subject)?.hue
    expect(hueOf('polling-http1 1 s')).toEqual(hueOf('polling 0.25 s'))
    expect(hueOf('long-polling-http1')).toEqual(hueOf('long-polling'))
  })

  it('keeps 3:1 on the surface, light and dark', () => {
    for (const { hue } of marks) {
      expect(contrast(hue.light, '#ffffff')).toBeGreaterThanOrEqual(3)
      expect(contrast(hue.dark, '#16191c')).toBeGreaterThanOrEqual(3)
    }
  })
})

/** WCAG's contrast of two colours. */
function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

function luminance(colour: string): number {
  const parts = [1, 3, 5].map((from) => Number.parseInt(colour.slice(from, from + 2), 16) / 255)
  const [red = 0, green = 0, blue = 0] = parts.map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
  )
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
