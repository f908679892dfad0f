// What the browser tests stand on: a lab in a process of its own, a Chromium, and a page driven as a person would.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core'
import { v7 as uuidVersion7 } from 'uuid'
import { describeTransport } from '../transports/catalogue.ts'
import { findChromium } from './chromium.node.ts'

const projectFolder = fileURLToPath(new URL('..', import.meta.url))

/** A server that is run as a person would run it. Its rooms are on disk, so that it can be stopped and started again. */
export class RunningLab {
  readonly #folder: string
  readonly #options: readonly string[]
  #child: ChildProcess | null = null
  plain = ''
  tls = ''
  /** Where WebSockets over HTTP/2 are served. */
  h2WebSocket = ''

  private constructor(folder: string, options: readonly string[]) {
    this.#folder = folder
    this.#options = options
  }

  /** `options`: more of the server's own. */
  static async start(options: readonly string[] = []): Promise<RunningLab> {
    const lab = new RunningLab(await mkdtemp(join(tmpdir(), 'parley-page-')), options)
    await lab.run()
    return lab
  }

  /** Starts it; again on the ports that it had before. */
  async run(): Promise<void> {
    const urls = [this.plain, this.tls, this.h2WebSocket]
    const [port = '0', tlsPort = '0', h2WebSocketPort = '0'] = urls.map((url) =>
      url === '' ? '0' : new URL(url).port,
    )
    const child = spawn(
      process.execPath,
      [
        'server/main.ts',
        '--port',
        port,
        '--tls-port',
        tlsPort,
        '--h2-websocket-port',
        h2WebSocketPort,
        '--data',
        this.#folder,
        '--log-level',
        'warn',
        ...this.#options,
      ],
      { cwd: projectFolder, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    this.#child = child
    let said = ''
    for await (const chunk of child.stdout) {
      said += String(chunk)
      const ready = /ready (\S+) (\S+)/.exec(said)
      if (ready === null) continue
      this.plain = ready[1] ?? ''
      this.tls = ready[2] ?? ''
      const facts = (await (await fetch(new URL('/transports', this.plain))).json()) as {
        readonly ports: { readonly h2WebSocket: number }
      }
      this.h2WebSocket = `https://localhost:${facts.ports.h2WebSocket}`
      return
    }
    throw new Error(`The lab did not start. It said: ${said}`)
  }

  /** Ends it as a crash would: nobody is told. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  async end(): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Says something in a room without a page. */
  async say(room: string, user: string, text: string): Promise<void> {
    const response = await fetch(new URL(`/rooms/${room}/messages`, this.plain), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: uuidVersion7(), user, text }),
    })
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
  }

  /** What the server has of a room: its last messages' texts, in order. */
  async said(room: string): Promise<readonly string[]> {
    const response = await fetch(new URL(`/rooms/${room}/messages`, this.plain))
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
    const { messages } = (await response.json()) as { messages: readonly { text: string }[] }
    return messages.map(({ text }) => text)
  }
}

export async function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: await findChromium(),
    headless: true,
    args: ['--no-sandbox', '--disable-quic', '--disable-background-networking'],
  })
}

export interface OpenOptions {
  readonly room: string
  readonly user: string
  readonly transport?: string
  readonly width?: number
  readonly height?: number
  readonly scheme?: 'light' | 'dark'
}

/** The page as a person uses it. */
export class LabPage {
  readonly page: Page
  /** Errors that the page's own code or its policy caused; failed requests are not among them. */
  readonly errors: string[] = []

  constructor(page: Page) {
    this.page = page
    page.on('pageerror', (error) => this.errors.push(error.message))
    page.on('console', (message) => {
      const text = message.text()
      if (message.type() === 'error' && !/^Failed to load resource|^WebSocket connection to/.test(text))
        this.errors.push(text)
    })
  }

  /** Opens a room in a browser of its own: nothing is shared with other pages. */
  static async open(browser: Browser, base: string, options: OpenOptions): Promise<LabPage> {
    const { width = 1280, height = 800, scheme = 'light' } = options
    const context: BrowserContext = await browser.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      // The chart is drawn once a second then: without a graphics card it is half of what a page costs.
      reducedMotion: 'reduce',
      ignoreHTTPSErrors: true,
    })
    return LabPage.openTab(context, base, options)
  }

  /** Opens a room in a tab of this browser: tabs share what a browser shares, connections and settings. */
  static async openTab(context: BrowserContext, base: string, options: OpenOptions): Promise<LabPage> {
    const lab = new LabPage(await context.newPage())
    const fields = new URLSearchParams({ room: options.room, name: options.user })
    await lab.page.goto(`${base}#${fields}`)
    await lab.text('connected').waitFor()
    // On a busy machine a better one may yet overtake the first that opened.
    await lab.page.locator('.link-opening, .link-race').first().waitFor({ state: 'detached' })
    if (options.transport !== undefined) await lab.switchTo(options.transport)
    return lab
  }

  get composer(): Locator {
    return this.page.getByRole('textbox', { name: 'Message to' })
  }

  get log(): Locator {
    return this.page.getByRole('log')
  }

  get proof(): Locator {
    return this.page.locator('.proof-counts')
  }

  text(text: string): Locator {
    return this.page.getByText(text, { exact: true }).first()
  }

  /** The message with this text. */
  message(text: string): Locator {
    return this.log.locator('article', { has: this.page.getByText(text, { exact: true }) })
  }

  async say(text: string): Promise<void> {
    await this.composer.fill(text)
    await this.composer.press('Enter')
  }

  radio(transport: string): Locator {
    return this.page.locator(`input[type=radio][value="${transport}"]`)
  }

  /** Chooses a transport with the mouse, and waits until its link alone is live. */
  async switchTo(transport: string): Promise<void> {
    await this.radio(transport).check()
    await this.settled(transport)
  }

  async settled(transport: string): Promise<void> {
    const { title } = describeTransport(transport)
    await this.page.locator('.link').nth(1).waitFor({ state: 'detached' })
    await this.page.locator('.link-live', { hasText: title }).waitFor()
  }

  /** The whole history as the page shows it, by scrolling from its beginning to its end: number → author and text. */
  async history(): Promise<Record<string, string>> {
    return this.page.evaluate(async () => {
      const scroller = document.querySelector('[role=log]')
      if (scroller === null) throw new Error('There is no conversation.')
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
      while (!scroller.textContent.includes('The room begins here.') || scroller.scrollTop > 0) {
        scroller.scrollTop = 0
        await frame()
      }
      const found: Record<string, string> = {}
      let author = ''
      for (;;) {
        await frame()
        await frame()
        for (const article of scroller.querySelectorAll('article')) {
          author = article.querySelector('.author')?.textContent ?? author
          const number = /[\d,]+$/.exec(article.querySelector('.message-end')?.textContent ?? '')?.[0]
          const text = article.querySelector('.text')?.textContent ?? ''
          if (number !== undefined) found[number] = text
        }
        if (scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 2) return found
        scroller.scrollTop += scroller.clientHeight / 2
      }
    })
  }

  /** Whether anything sticks out sideways. */
  async scrollsSideways(): Promise<boolean> {
    return this.page.evaluate(() => {
      const root = document.documentElement
      const inside = [...document.querySelectorAll('.scroller, .instrument-parts, .sheet')]
      return root.scrollWidth > root.clientWidth || inside.some((one) => one.scrollWidth > one.clientWidth)
    })
  }

  /** From here on the lab seems to refuse what is sent over HTTP. */
  async refuseSends(): Promise<void> {
    const problem = { type: '/problems/bad-draft', title: 'No', status: 400, detail: 'Not today.' }
    await this.page.route('**/messages', (route) =>
      route.request().method() === 'POST'
        ? route.fulfill({
            status: 400,
            contentType: 'application/problem+json',
            body: JSON.stringify(problem),
          })
        : route.fallback(),
    )
  }

  /** The rules of accessibility that the page breaks as it stands, with the elements that do. */
  async violations(): Promise<readonly string[]> {
    await this.page.evaluate(axe.source)
    const result = await this.page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run())
    return result.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' | ')}`)
  }

  close(): Promise<void> {
    return this.page.context().close()
  }
}
