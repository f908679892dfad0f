// WebSocket over HTTP/2 in a real Chromium, which chooses the protocol of a WebSocket by itself (docs/decisions/0011).
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { LabPage, type OpenOptions, RunningLab, startBrowser } from './browser.node.ts'

let lab: RunningLab
let browser: Browser
const pages: LabPage[] = []
let rooms = 0

beforeAll(async () => {
  ;[lab, browser] = await Promise.all([RunningLab.start(), startBrowser()])
}, 60_000)

afterEach(async () => {
  const errors = pages.flatMap((page) => page.errors)
  await Promise.all(pages.splice(0).map((page) => page.close()))
  expect(errors).toEqual([])
})

afterAll(async () => {
  await browser?.close()
  await lab?.end()
})

async function open(options: Partial<OpenOptions> = {}, base = lab.tls): Promise<LabPage> {
  rooms += 1
  const page = await LabPage.open(browser, base, { room: `room-${rooms}`, user: 'Ada', ...options })
  pages.push(page)
  return page
}

function badge(page: LabPage): Promise<string | null> {
  return page.page.locator('button.badge').textContent()
}

/** The handshakes of all WebSockets that a page opens, as Chromium has really sent them. */
async function handshakes(page: LabPage): Promise<string[]> {
  const client = await page.page.context().newCDPSession(page.page)
  const seen: string[] = []
  client.on('Network.webSocketHandshakeResponseReceived', ({ response }) => {
    const names = Object.keys(response.headers).map((name) => name.toLowerCase())
    seen.push(`${response.status} ${names.includes('sec-websocket-accept') ? 'with' : 'without'} accept`)
  })
  await client.send('Network.enable')
  return seen
}

test('is HTTP/2 from a cold start on, and messages flow both ways (RFC 8441 §5)', async () => {
  const room = 'cold'
  const ada = await open({ room })
  const seen = await handshakes(ada)
  const grace = await open({ room, user: 'Grace' })
  await ada.switchTo('websocket-h2')
  expect(await badge(ada)).toContain('HTTP/2 · TLS · json')
  await ada.say('from a stream')
  await grace.message('from a stream').waitFor()
  await grace.say('to a stream')
  await ada.message('to a stream').waitFor()
  expect(seen).toEqual(['200 without accept'])
})

test('leaves the plain WebSocket on HTTP/1.1, before and behind it (R12)', async () => {
  const page = await open()
  const seen = await handshakes(page)
  for (const [transport, protocol] of [
    ['websocket-h2', 'HTTP/2 · TLS'],
    ['websocket', 'HTTP/1.1 · TLS'],
    ['websocket-h2', 'HTTP/2 · TLS'],
    ['websocket', 'HTTP/1.1 · TLS'],
  ] as const) {
    await page.switchTo(transport)
    expect(await badge(page)).toContain(protocol)
  }
  const both = ['200 without accept', '101 with accept']
  expect(seen).toEqual([...both, ...both])
})

test('is there again when the page is loaded anew, as the choice is remembered', async () => {
  const page = await open()
  await page.switchTo('websocket-h2')
  await page.page.reload()
  await page.settled('websocket-h2')
  expect(await badge(page)).toContain('HTTP/2 · TLS')
})

test('is not what a new page begins with', async () => {
  const page = await open()
  expect(await page.radio('auto').isChecked()).toBe(true)
})

test('cannot run on the plain port, which says why and leads to where it can', async () => {
  const page = await open({}, lab.plain)
  expect(await page.radio('websocket-h2').isDisabled()).toBe(true)
  const row = page.page.locator('.offer', { has: page.radio('websocket-h2') })
  await row.getByText('Browsers speak HTTP/2 only over TLS, and this address is plain HTTP.').waitFor()
  await row.getByRole('link', { name: /^Open this room on/ }).waitFor()
})

test('whose port cannot be reached says so, with what to do about its certificate, and the old link stays (R10)', async () => {
  const page = await open()
  await page.page.route(`${lab.h2WebSocket}/**`, (route) => route.abort())
  await page.radio('websocket-h2').check()
  const { host } = new URL(lab.h2WebSocket)
  await page.page
    .getByText(
      `could not switch to WebSocket (h2): Port ${host} cannot be reached. If the lab is running, your browser may want its certificate accepted for that port too: open ${lab.h2WebSocket} once.`,
    )
    .waitFor()
  await page.settled('websocket')
  expect(await badge(page)).toContain('HTTP/1.1 · TLS')
})

test('that comes over HTTP/1.1 all the same is told so by the server, and the page says it (R11)', async () => {
  const page = await open()
  const seen = await handshakes(page)
  // Chromium opens no connection to the port by itself: the answer is the test's.
  await page.page.route(`${lab.h2WebSocket}/**`, (route) => route.fulfill({ status: 200, body: 'ok' }))
  await page.radio('websocket-h2').check()
  await page.page
    .getByText(
      'could not switch to WebSocket (h2): This port speaks WebSocket over HTTP/2 alone (RFC 8441). This one came over HTTP/1.1.',
    )
    .waitFor()
  await page.settled('websocket')
  // It was tried once more, in case that the connection had ended just then.
  expect(seen).toEqual(['101 with accept', '101 with accept'])
})
