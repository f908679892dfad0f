// docs/transports.md against the code: its heads are what the real server answers, its words the catalogue's, its bytes the model's, its diagrams whole.
import { existsSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cursor, type Exchange, http2LongPoll, http2Poll, http2Post } from '../bench/model/exchanges.ts'
import {
  deliveryBytes,
  documentOnWire,
  receiptBytes,
  sendBytes,
  webSocketHeaderBytes,
  writeBytes,
} from '../bench/model/wire.ts'
import { startTestServer, type TestServer } from '../server/server.harness.ts'
import { serverTransports } from '../server/transports.ts'
import { autoEntry, catalogue, groupTitles } from '../transports/catalogue.ts'
import { eventually } from '../transports/eventually.harness.ts'
import { ask, exchangesOf, goingOn, patternOf, type Scene, sceneOn, shownOf } from './heads.harness.ts'
import { diagramFaults } from './mermaid.harness.ts'

const page = readFileSync(new URL('transports.md', import.meta.url), 'utf8')
const exchanges = exchangesOf(page)
const offered = serverTransports.map(({ name }) => name)

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** The text under a heading, up to the next one of its level or above. */
function under(heading: string, text = page): string {
  const [marks = ''] = heading.split(' ')
  const start = `\n${text}`.indexOf(`\n${heading}\n`)
  if (start < 0) throw new Error(`There is no "${heading}".`)
  const rest = text.slice(start + heading.length)
  const end = rest.search(new RegExp(`^#{1,${marks.length}} `, 'm'))
  return end < 0 ? rest : rest.slice(0, end)
}

describe('the heads in docs/transports.md', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
  })
  afterAll(() => server.end())

  /** Of the exchange before: some requests go on with its session. */
  let last: Scene | null = null
  for (const exchange of exchanges) {
    const { transport, what, line } = exchange
    test(`line ${line}: ${transport}, ${what}`, async () => {
      const goesOn = exchange.request.includes('<sid>')
      const scene = (goesOn ? last : null) ?? (await sceneOn(server, 'lobby'))
      const before = server.hub.stats().subscribers
      const answer = ask(exchange, scene, 5000)
      if (what === 'parked') {
        await eventually(() => expect(server.hub.stats().subscribers).toBeGreaterThan(before))
        await scene.publish()
      }
      // A mismatch is shown as the page's text beside what came, which is what one wants to see.
      const text = await answer
      last = goingOn(scene, text)
      const shown = shownOf(exchange)
      if (!patternOf(shown, scene.values).test(text)) expect(text).toBe(shown)
    })
  }

  test.each(offered)('%s is shown', (name) => {
    expect(exchanges.map(({ transport }) => transport)).toContain(name)
  })

  test('an answer that is another is noticed', () => {
    const shown = 'HTTP/1.1 200 OK\ndate: <date>\n\n<head>'
    const values = { head: 'e.1' }
    const said = 'HTTP/1.1 200 OK\ndate: Mon, 23 Nov 2026 02:18:22 GMT\n\ne.1'
    expect(patternOf(shown, values).test(said)).toBe(true)
    expect(patternOf(shown, values).test(said.replace('e.1', 'ex1'))).toBe(false)
    expect(patternOf(shown, values).test(said.replace('\n\n', '\nvary: origin\n\n'))).toBe(false)
    expect(() => patternOf('<nothing>', values)).toThrow(/stands for/)
  })
})

describe('the sections of docs/transports.md', () => {
  test.each(catalogue.map((entry) => [entry.title, entry] as const))(
    '%s: the catalogue’s words, and a diagram',
    (_, entry) => {
      const section = under(`### ${entry.title}`, under(`## ${groupTitles[entry.group]}`))
      for (const sentence of [entry.how, entry.cost, entry.when]) expect(section).toContain(`| ${sentence} |`)
      if (entry.note !== null) expect(section).toContain(entry.note)
      expect(section).toMatch(/```mermaid\n/)
    },
  )

  test('the ladder over them has the same', () => {
    const section = under(`## ${autoEntry.title}`)
    for (const sentence of [autoEntry.how, autoEntry.cost, autoEntry.when])
      expect(section).toContain(`| ${sentence} |`)
    expect(section).toMatch(/```mermaid\n/)
  })

  test('they stand in the catalogue’s order, and each has a row in the table at the top', () => {
    const headings = [...page.matchAll(/^### (.+)$/gm)].map(([, title = '']) => title)
    const titles = catalogue.map(({ title }) => title)
    expect(headings.filter((title) => titles.includes(title))).toEqual(titles)
    const rows = [...page.slice(0, page.indexOf('\n## ')).matchAll(/^\| \[([^\]]+)\]\(#/gm)].map(
      ([, title = '']) => title,
    )
    expect(rows).toEqual([...titles, autoEntry.title])
  })

  test.each(catalogue.map(({ title, pushesBack }) => [title, pushesBack] as const))(
    '%s pushes back in a browser: %s',
    (title, pushesBack) => {
      const row = page.split('\n').find((line) => line.startsWith(`| [${title}]`)) ?? ''
      expect(row.split(' | ')[5]).toMatch(pushesBack ? /^yes/ : /^no \(R39\)/)
    },
  )

  test('links within the page lead to its headings', () => {
    const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    )
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = '']) => anchor)
    expect(links.length).toBeGreaterThanOrEqual(catalogue.length)
    for (const link of links) expect(anchors).toContain(link)
  })

  test('links to files lead to files', () => {
    const links = [...page.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path = '']) => path)
    for (const path of links) expect(existsSync(new URL(path, import.meta.url)), path).toBe(true)
  })
})

describe('the bytes in docs/transports.md', () => {
  const shape = { epochCharacters: 12, textBytes: 64, offsetDigits: 3 }
  const document = deliveryBytes(shape, 1)
  const both = ({ up, down }: Exchange): number => up + down
  /** The last cell of a transport's row. */
  const cellOf = (title: string): string =>
    new RegExp(`^\\| \\[${escaped(title)}\\].* \\| ([^|]+) \\|$`, 'm').exec(page)?.[1] ?? ''

  test('the document is as long as it says', () => {
    expect(page).toContain(`a document of ${document} bytes`)
  })

  test.each<[string, string]>([
    [
      'Polling',
      `${both(http2Poll(shape, 1, 1000))}, and ${both(http2Poll(shape, 0, 1000))} for each question in vain`,
    ],
    [
      'Long polling',
      `${both(http2LongPoll(shape, 1, 1000))}, and ${both(http2LongPoll(shape, 0, 1000))} for each question in vain`,
    ],
    ['Server-sent events', String(documentOnWire('events', document, { secure: true, id: cursor(shape) }))],
    ['HTTP/2 push', String(documentOnWire('http2-stream', document, { secure: true }))],
    ['WebSocket (by hand)', String(documentOnWire('websocket', document, { secure: true }))],
    ['WebSocket over HTTP/2', String(documentOnWire('websocket-h2', document, { secure: true }))],
    ['WebSocket (ws library)', String(documentOnWire('websocket', document, { secure: true }))],
    ['Socket.IO', `${documentOnWire('socket-io', document, { secure: true })}, once it has upgraded`],
  ])('%s: %s', (title, bytes) => {
    expect(cellOf(title)).toBe(bytes)
  })

  test('sending', () => {
    const sent = writeBytes(webSocketHeaderBytes(sendBytes(shape), true) + sendBytes(shape), true)
    const receipt = documentOnWire('websocket', receiptBytes(shape), { secure: true })
    expect(page).toContain(
      `takes ${both(http2Post(shape, 1000))} bytes by POST and ${sent + receipt} on a WebSocket`,
    )
  })
})

test('README.md says the same of when to take each, and leads here', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const rows = [...readme.matchAll(/^\| \[([^\]]+)\]\(docs\/transports\.md#([^)]+)\) \| ([^|]+) \|/gm)]
  expect(rows.length).toBeGreaterThanOrEqual(9)
  for (const [, title, anchor, when] of rows) {
    expect([...catalogue, autoEntry].find((entry) => entry.title === title)?.when, title).toBe(when)
    expect(page).toContain(`[${title}](#${anchor})`)
  }
})

describe('what is not offered', () => {
  test('is still not: there is no QUIC in this runtime', () => {
    expect(isBuiltin('node:quic')).toBe(false)
    expect(typeof Reflect.get(globalThis, 'WebTransport')).toBe('undefined')
    expect(typeof Reflect.get(globalThis, 'RTCPeerConnection')).toBe('undefined')
  })
})

describe('the diagrams of docs/transports.md', () => {
  const diagrams = [...page.matchAll(/^```mermaid\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)

  test.each(diagrams.map((text, index) => [index + 1, text] as const))('the %i. is whole', (_, text) => {
    expect(diagramFaults(text)).toEqual([])
  })

  test('one that is not is noticed', () => {
    const whole =
      'sequenceDiagram\n  participant A\n  participant B as the server\n  loop ever\n    A->>B: hello\n  end\n'
    expect(diagramFaults(whole)).toEqual([])
    expect(diagramFaults(whole.replace('A->>B', 'A->>C'))).toHaveLength(1)
    expect(diagramFaults(whole.replace('->>', '=>'))).not.toEqual([])
    expect(diagramFaults(whole.replace('  end\n', ''))).toHaveLength(1)
    expect(diagramFaults('flowchart LR\n')).toHaveLength(2)
  })
})
