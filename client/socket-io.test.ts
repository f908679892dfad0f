// Socket.IO in a real Chromium: polls first, then a WebSocket, and its library only where it is chosen (docs/decisions/0018).
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { LabPage, RunningLab, startBrowser } from './browser.node.ts'

let lab: RunningLab
let browser: Browser
const pages: LabPage[] = []

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

test.each([
  ['TLS', () => lab.tls, 'HTTP/1.1 · TLS'],
  ['plain HTTP', () => lab.plain, 'HTTP/1.1'],
])('leaves polling for a WebSocket over %s, and messages flow both ways', async (name, base, protocol) => {
  const room = name.replace(' ', '-')
  const ada = await LabPage.open(browser, base(), { room, user: 'Ada' })
  const grace = await LabPage.open(browser, base(), { room, user: 'Grace' })
  pages.push(ada, grace)
  const scripts: string[] = []
  const polls: string[] = []
  ada.page.on('request', (request) => {
    if (request.resourceType() === 'script') scripts.push(request.url())
    if (request.url().includes('transport=polling')) polls.push(request.method())
  })
  await ada.switchTo('socket-io')
  expect(scripts).toHaveLength(1)
  expect(polls.slice(0, 2).sort()).toEqual(['GET', 'POST'])
  const badge = await ada.page.locator('button.badge').textContent()
  expect(badge).toContain(protocol)
  await ada.say('by the library')
  await grace.message('by the library').waitFor()
  await grace.say('to the library')
  await ada.message('to the library').waitFor()
})
