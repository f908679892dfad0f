// The report in a real Chromium, from a file: the map by keyboard and by fields, and the rules of accessibility, light and dark.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import axe from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '../../../client/chromium.node.ts'
import { exampleDocument } from '../example.harness.ts'
import { renderReport } from './render.ts'

let browser: Browser
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-report-'))
  await writeFile(join(folder, 'report.html'), renderReport(exampleDocument()))
  browser = await chromium.launch({
    executablePath: await findChromium(),
    headless: true,
    args: ['--no-sandbox', '--disable-quic', '--disable-background-networking'],
  })
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})

async function open(width: number, colorScheme: 'light' | 'dark'): Promise<{ page: Page; errors: string[] }> {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme })
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  page.on('request', (request) => {
    if (!request.url().startsWith('file:')) errors.push(request.url())
  })
  await page.goto(pathToFileURL(join(folder, 'report.html')).href)
  return { page, errors }
}

const sideways = (page: Page): Promise<boolean> =>
  page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')

describe('the report in a browser', () => {
  it('moves the point by keyboard and by its fields, and reads the ranking out', async () => {
    const { page, errors } = await open(1280, 'light')
    const said = page.locator('#map .said')
    await expect.poll(() => said.textContent()).toContain('1 msg/s for each reader')
    const first = page.locator('.ranking-cpu tbody tr').first()
    expect(await first.textContent()).toContain('WebSocket')
    await page.locator('.map-cpu .wide svg[data-plot]').focus()
    for (let press = 0; press < 4; press++) await page.keyboard.press('Shift+ArrowRight')
    for (let press = 0; press < 3; press++) await page.keyboard.press('Shift+ArrowUp')
    expect(await said.textContent()).toMatch(
      /^100 msg\/s for each reader, 99 % within 31,600 ms: by server CPU Polling; by bytes on the wire Polling/,
    )
    expect(await first.textContent()).toMatch(/^Pollingasks every 31\.\d s/)
    await page.locator('#latency').fill('1')
    await page.locator('#rate').fill('0.5')
    expect(await said.textContent()).toMatch(
      /^0\.5 msg\/s for each reader, 99 % within 1 ms: by server CPU none is that fast/,
    )
    expect(await page.locator('.ranking-cpu').textContent()).toContain('can’t be that fast')
    await page.locator('#by-wire').check()
    expect(await page.locator('.ranking-wire').isVisible()).toBe(true)
    expect(await page.locator('.ranking-cpu').isVisible()).toBe(false)
    expect(errors).toEqual([])
    await page.context().close()
  })

  it('reads plots out by keyboard', async () => {
    const { page } = await open(1280, 'light')
    await page.locator('#cpu-0 .wide svg').first().focus()
    await page.keyboard.press('ArrowRight')
    expect(await page.locator('#cpu-0 .readout').textContent()).toMatch(/^tcp: 0\.\d+×/)
    await page.context().close()
  })

  it.each(['light', 'dark'] as const)(
    'keeps the rules of accessibility, %s',
    async (scheme) => {
      const { page, errors } = await open(1280, scheme)
      await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
      // The report's own policy forbids scripts from outside; the checker comes in through the debugger.
      await page.evaluate(axe.source)
      const found = await page.evaluate(
        "axe.run().then((result) => result.violations.map((one) => one.id + ': ' + one.nodes.slice(0, 3).map((node) => node.html).join(' | ')))",
      )
      expect(found).toEqual([])
      expect(errors).toEqual([])
      await page.context().close()
    },
    60_000,
  )

  it('fits a phone and a screen: nothing but tables scrolls sideways', async () => {
    for (const width of [390, 1280]) {
      const { page } = await open(width, 'dark')
      expect(await sideways(page)).toBe(false)
      await page.context().close()
    }
  })
})
