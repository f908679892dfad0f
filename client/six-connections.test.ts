// What six connections mean (R9), and how a browser's own EventSource gets on with this server: in a real Chromium, by scripts of the test's own.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { LabPage, RunningLab, startBrowser } from './browser.node.ts'

/** Passes everything, notes when a stream is asked for, and can cut what is open. */
class Path {
  target = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** The heads of the requests for a stream, and when they came, in ms. */
  readonly heads: { readonly text: string; readonly atMs: number }[] = []
  /** The waits that streams asked for, in ms, as they passed. */
  readonly waitsMs: number[] = []

  constructor() {
    this.#server = createServer((near) => {
      const far = connect(this.target, '127.0.0.1')
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.on('error', () => socket.destroy())
        socket.on('close', () => this.#sockets.delete(socket))
      }
      near.on('data', (chunk: Buffer) => {
        const text = chunk.toString('latin1')
        if (/^GET \S+\/stream/.test(text)) this.heads.push({ text, atMs: performance.now() })
      })
      far.on('data', (chunk: Buffer) => {
        const wait = /^retry: (\d+)$/m.exec(chunk.toString('latin1'))?.[1]
        if (wait !== undefined) this.waitsMs.push(Number(wait))
      })
      near.pipe(far).pipe(near)
    })
  }

  async open(): Promise<number> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }
}

const path = new Path()
let origin: string
let lab: RunningLab
let browser: Browser
let context: BrowserContext | null = null

beforeAll(async () => {
  origin = `http://127.0.0.1:${await path.open()}`
  ;[lab, browser] = await Promise.all([RunningLab.start(['--origin', origin]), startBrowser()])
  path.target = Number(new URL(lab.plain).port)
}, 60_000)

afterEach(async () => {
  await context?.close()
  context = null
})

afterAll(async () => {
  path.close()
  await browser?.close()
  await lab?.end()
})

/** Tabs of one browser at an address that shows text alone: the page's own connections would count as well. */
async function tabs(base: string, count: number): Promise<readonly Page[]> {
  const shared = context ?? (await browser.newContext({ ignoreHTTPSErrors: true }))
  context = shared
  return Promise.all(
    Array.from({ length: count }, async () => {
      const page = await shared.newPage()
      await page.goto(new URL('/healthz', base).href)
      return page
    }),
  )
}

/** Follows a room by the browser's own EventSource. Resolves with the protocol that the server says it speaks. */
function follow(page: Page, room: string): Promise<string> {
  return page.evaluate(
    (address) =>
      new Promise<string>((resolve, reject) => {
        const source = new EventSource(address)
        const heard: { readonly id: string; readonly data: string }[] = []
        Object.assign(globalThis, { heard, source })
        source.onmessage = ({ data, lastEventId }) => {
          heard.push({ id: lastEventId, data })
          const document = JSON.parse(data) as {
            kind: string
            negotiated?: { protocol: string }
          }
          if (document.kind === 'hello') resolve(document.negotiated?.protocol ?? '')
        }
        source.onerror = () => {
          if (source.readyState === EventSource.CLOSED) reject(new Error('The stream was refused.'))
        }
      }),
    `/rooms/${room}/stream?last=0`,
  )
}

/** Whether a request is answered within so many ms. */
function answers(page: Page, withinMs: number): Promise<boolean> {
  return page.evaluate(
    (timeoutMs) =>
      fetch('/readyz', { cache: 'no-store', signal: AbortSignal.timeout(timeoutMs) }).then(
        (response) => response.ok,
        () => false,
      ),
    withinMs,
  )
}

describe('R9: tabs of one browser that stream', () => {
  test('over HTTP/1.1, six of them, starve the seventh’s request; one that goes lets it through', {
    timeout: 60_000,
  }, async () => {
    const open = await tabs(lab.plain, 7)
    const [first, seventh] = [open[0], open[6]]
    if (first === undefined || seventh === undefined) throw new Error('There are not seven tabs.')
    expect(await answers(seventh, 2000)).toBe(true)
    const protocols = await Promise.all(open.slice(0, 6).map((page) => follow(page, 'six')))
    expect(protocols).toEqual(Array.from({ length: 6 }, () => 'http/1.1'))
    expect(await answers(seventh, 1500)).toBe(false)
    await first.close()
    expect(await answers(seventh, 5000)).toBe(true)
  })

  test('over HTTP/2, ten of them, do not: they share a connection', { timeout: 60_000 }, async () => {
    const open = await tabs(lab.tls, 11)
    const protocols = await Promise.all(open.slice(0, 10).map((page) => follow(page, 'ten')))
    expect(protocols).toEqual(Array.from({ length: 10 }, () => 'h2'))
    const last = open[10]
    if (last === undefined) throw new Error('There are not eleven tabs.')
    expect(await answers(last, 5000)).toBe(true)
  })
})

describe('R9: the page in six tabs of one browser', () => {
  const transport = 'server-sent-events'
  const holding = (tab: LabPage, count: number) =>
    tab.page.locator('.links').getByText(`${count} links of this browser’s tabs hold a connection`)

  /** Opens them one after the other: each needs connections to load, and gives them back but for one. */
  async function openTabs(base: string, room: string): Promise<readonly LabPage[]> {
    const shared = context ?? (await browser.newContext({ ignoreHTTPSErrors: true }))
    context = shared
    const opened: LabPage[] = []
    for (let count = 1; count <= 6; count++)
      opened.push(await LabPage.openTab(shared, base, { room, user: `Tab ${count}`, transport }))
    return opened
  }

  test('over HTTP/1.1 counts them, says why a message waits and where it would not, and sends it once a tab goes', {
    timeout: 60_000,
  }, async () => {
    context = await browser.newContext({ ignoreHTTPSErrors: true })
    const late = await LabPage.openTab(context, lab.plain, {
      room: 'six-pages',
      user: 'Late',
      transport: 'websocket',
    })
    const opened = await openTabs(lab.plain, 'six-pages')
    const [first, second] = opened
    if (first === undefined || second === undefined) throw new Error('There are not six tabs.')
    for (const tab of opened) await holding(tab, 6).waitFor()
    await first.say('Is anybody there?')
    const trouble = first.page.getByRole('region', { name: 'Connection' })
    await trouble.getByText('What you sent waits for a free connection.').waitFor()
    await trouble.getByText(/^6 links of this browser’s tabs hold a connection/).waitFor()
    const elsewhere = trouble.getByRole('link', { name: new URL(lab.tls).host })
    expect(await elsewhere.getAttribute('href')).toContain(new URL(lab.tls).origin)
    expect(await first.violations()).toEqual([])
    // A seventh stream can't be opened: a WebSocket could.
    await late.radio(transport).check()
    await late.page.getByRole('region', { name: 'Connection' }).getByText('No connection is free.').waitFor()
    await late.radio('websocket').check()
    await opened[5]?.page.close()
    await first.message('Is anybody there?').locator('.message-end', { hasText: '✓' }).waitFor()
    await second.message('Is anybody there?').waitFor()
    await trouble.waitFor({ state: 'detached' })
    await holding(first, 5).waitFor()
  })

  test('over HTTP/2 has nothing to say: what is sent goes through', { timeout: 60_000 }, async () => {
    const opened = await openTabs(lab.tls, 'six-pages-tls')
    const [first] = opened
    if (first === undefined) throw new Error('There are not six tabs.')
    await first.say('Is anybody there?')
    for (const tab of opened) await tab.message('Is anybody there?').waitFor()
    expect(await first.page.getByText(/hold a connection/).count()).toBe(0)
  })
})

describe('the browser’s own EventSource', () => {
  interface Heard {
    readonly id: string
    readonly data: string
  }

  const heardOn = (page: Page): Promise<readonly Heard[]> =>
    page.evaluate(() => (globalThis as unknown as { heard: Heard[] }).heard)

  function textsIn(heard: readonly Heard[]): readonly string[] {
    return heard.flatMap(({ data }) => {
      const { messages = [] } = JSON.parse(data) as { messages?: { readonly text: string }[] }
      return messages.map(({ text }) => text)
    })
  }

  async function until(page: Page, count: number): Promise<readonly Heard[]> {
    await page.waitForFunction(
      (least) =>
        (globalThis as unknown as { heard: Heard[] }).heard.filter(({ data }) =>
          data.startsWith('{"kind":"messages"'),
        ).length >= least,
      count,
    )
    return heardOn(page)
  }

  test('reads texts of every kind, comes back after a cut within the wait it was given, with its last id: nothing lost, nothing twice (R26)', {
    timeout: 60_000,
  }, async () => {
    const room = 'events'
    const [page] = await tabs(origin, 1)
    if (page === undefined) throw new Error('There is no tab.')
    expect(await follow(page, room)).toBe('http/1.1')
    const texts = ['two\nlines\r\nand\rmore', 'é漢🧪\u2028', 'data: x\n\nid: evil']
    for (const [index, text] of texts.entries()) {
      await lab.say(room, 'ada', text)
      await until(page, index + 1)
    }
    const before = await heardOn(page)
    path.cut()
    const cutAtMs = performance.now()
    await lab.say(room, 'ada', 'said meanwhile')
    const after = await until(page, texts.length + 1)
    expect(textsIn(after)).toEqual([...texts, 'said meanwhile'])
    expect(path.heads).toHaveLength(2)
    const again = path.heads[1]
    expect(again?.text).toContain(`Last-Event-ID: ${before.at(-1)?.id}\r\n`)
    // Chromium waits for three seconds where it is not told.
    const waitMs = path.waitsMs[0] ?? Number.NaN
    const tookMs = (again?.atMs ?? Number.NaN) - cutAtMs
    expect(tookMs).toBeGreaterThan(waitMs - 50)
    expect(tookMs).toBeLessThan(waitMs + 900)
    expect(after.filter(({ data }) => data.includes('"hello"')).map(({ id }) => id)).toHaveLength(2)
  })
})
