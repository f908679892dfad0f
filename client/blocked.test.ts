// The page behind a proxy that doesn't want WebSockets: in a real Chromium, it works over HTTP soon, says why, and comes back (R31, R32).
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { LabPage, RunningLab, startBrowser } from './browser.node.ts'

/** What the proxy does with a request to upgrade: resets its connection, never answers, answers for whatever is asked of the socket's path, or cuts it soon after the hello. */
type Manner = 'refuse' | 'swallow' | 'answer 502' | 'cut soon' | 'pass'

/** A proxy for plain HTTP that passes everything but WebSockets. */
class BlockingProxy {
  manner: Manner = 'pass'
  target = 0
  upgrades = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor() {
    this.#server = createServer((near) => {
      const far = connect(this.target, '127.0.0.1')
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.on('error', () => socket.destroy())
        socket.on('close', () => this.#sockets.delete(socket))
      }
      near.on('close', () => far.destroy())
      far.on('close', () => near.destroy())
      near.on('data', (chunk: Buffer) => {
        const text = chunk.toString('latin1')
        if (this.manner === 'answer 502' && /^GET \/rooms\/[^/]+\/socket[? ]/.test(text)) {
          near.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
          return
        }
        const isUpgrade = /^GET \S+ HTTP\/1\.1\r\n[\s\S]*^upgrade: *websocket\r$/im.test(text)
        if (isUpgrade) this.upgrades += 1
        if (isUpgrade && this.manner === 'refuse') near.resetAndDestroy()
        else if (!isUpgrade || this.manner !== 'swallow') far.write(chunk)
      })
      far.on('data', (chunk: Buffer) => {
        near.write(chunk)
        const opens = chunk.includes('"kind":"hello","transport":"websocket"')
        if (opens && this.manner === 'cut soon') setTimeout(() => near.resetAndDestroy(), 200)
      })
    })
  }

  async open(): Promise<number> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  /** Resets whatever is open. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }
}

const proxy = new BlockingProxy()
let origin: string
let lab: RunningLab
let browser: Browser
let page: LabPage | null = null
let rooms = 0

beforeAll(async () => {
  origin = `http://127.0.0.1:${await proxy.open()}`
  ;[lab, browser] = await Promise.all([RunningLab.start(['--origin', origin]), startBrowser()])
  proxy.target = Number(new URL(lab.plain).port)
}, 60_000)

afterEach(async () => {
  const errors = page?.errors ?? []
  await page?.close()
  page = null
  expect(errors).toEqual([])
})

afterAll(async () => {
  proxy.close()
  await browser?.close()
  await lab?.end()
})

async function open(manner: Manner): Promise<LabPage> {
  proxy.manner = manner
  proxy.upgrades = 0
  rooms += 1
  page = await LabPage.open(browser, origin, { room: `blocked-${rooms}`, user: 'Ada' })
  return page
}

/** How long it took from the page's first script until its note said that something stands in, in ms. */
async function fallbackMs(opened: LabPage): Promise<number> {
  await opened.page.getByText(/^WebSocket can’t be used here now · SSE stands in: /).waitFor()
  // From when the browser began to run the page's code: how long it took to load is the machine's business.
  return opened.page.evaluate(() => {
    const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
    return performance.now() - (navigation?.domInteractive ?? 0)
  })
}

test('R9: over HTTP/1.1 the page says that tabs share six connections, and where they need one', async () => {
  const opened = await open('pass')
  await opened.switchTo('polling')
  const words = opened.page.getByText('six connections to an address, shared by all tabs')
  await words.waitFor()
  await opened.page.goto(`${lab.tls}#room=blocked-tls`)
  await opened.switchTo('polling')
  await words.waitFor({ state: 'detached' })
})

/** What the page can know of each. */
const why = {
  refuse:
    /^WebSocket left alone: The handshake failed, though the server answers the same path by fetch.* Tried again in /,
  swallow:
    /^WebSocket left alone: The handshake had no answer within [\d.]+ s, though the server answers the same path by fetch.* Tried again in /,
  'answer 502':
    /^WebSocket left alone: The handshake was refused; the same path by fetch answers 502\. Tried again in /,
} as const

describe('R32: a proxy', () => {
  test.each(['refuse', 'swallow', 'answer 502'] as const)(
    'that would rather %s: works over HTTP within 3 s, and says why',
    async (manner) => {
      const opened = await open(manner)
      expect(await fallbackMs(opened)).toBeLessThan(3000)
      await opened.settled('server-sent-events')
      // What was asked for stays asked for.
      expect(await opened.radio('auto').isChecked()).toBe(true)
      const steps = opened.page.locator('.offer', { has: opened.radio('auto') }).getByRole('listitem')
      await steps.getByText(why[manner]).waitFor()
      await steps.getByText('SSE in use').waitFor()
      await opened.say('over HTTP')
      await opened.message('over HTTP').locator('.message-end', { hasText: '✓' }).waitFor()
      expect(await opened.violations()).toEqual([])
    },
  )

  test('that lets WebSockets through no more: the first handshake that it stops is the last', async () => {
    const opened = await open('pass')
    await opened.settled('websocket')
    expect(proxy.upgrades).toBe(1)
    proxy.manner = 'refuse'
    proxy.cut()
    await opened.page.getByText(/^WebSocket can’t be used here now · SSE stands in: /).waitFor()
    await opened.settled('server-sent-events')
    expect(proxy.upgrades).toBe(2)
  })

  test('that changes its mind, or another network: the page goes back when it is told so', async () => {
    const opened = await open('refuse')
    await opened.settled('server-sent-events')
    await opened.say('before')
    proxy.manner = 'pass'
    await opened.page.evaluate(() => dispatchEvent(new Event('online')))
    await opened.settled('websocket')
    await opened.page.getByText(/^back on WebSocket in .* · nothing lost$/).waitFor()
    const steps = opened.page.locator('.offer', { has: opened.radio('auto') }).getByRole('listitem')
    expect(await steps.allTextContents()).toEqual(['WebSocket in use'])
    await opened.say('after')
    await opened.message('after').locator('.message-end', { hasText: '✓' }).waitFor()
    expect(Object.values(await opened.history())).toEqual(['before', 'after'])
  })
})

test('R31: a proxy that lets WebSockets open and cuts them soon: after three of them something else carries the room', {
  timeout: 60_000,
}, async () => {
  const opened = await open('cut soon')
  await opened.page
    .getByText(/^WebSocket can’t .* SSE stands in: It opened 3 times/)
    .waitFor({ timeout: 30_000 })
  await opened.settled('server-sent-events')
  expect(proxy.upgrades).toBe(3)
  await opened.say('calm')
  await opened.message('calm').locator('.message-end', { hasText: '✓' }).waitFor()
})
