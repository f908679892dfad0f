// A page that nothing runs in for a while, as in a hidden tab or on a laptop that sleeps: nothing closes falsely, nothing is missed (R35).
import { execFileSync } from 'node:child_process'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { catalogue } from '../transports/catalogue.ts'
import type { TransportName } from '../transports/contract.ts'
import { LabPage, RunningLab, startBrowser } from './browser.node.ts'

/** A link is silent for too long after twice this. */
const heartbeatSeconds = 1
const asleepMs = 6000
/** Its library's timer does not know that it slept: it closes on return, and the session comes back at the cursor (docs/decisions/0018). */
const closesOnReturn: ReadonlySet<string> = new Set(['socket-io'])

/** A page over one transport, which has said "before". */
interface Sleeper {
  readonly transport: TransportName
  readonly room: string
  readonly page: LabPage
}

let lab: RunningLab
let laptop: Browser
let sleepers: readonly Sleeper[] = []
/** The laptop's first process, and those that it has started. */
let processes: readonly number[] = []

beforeAll(async () => {
  lab = await RunningLab.start(['--heartbeat', String(heartbeatSeconds)])
  const others = new Set(childrenOf(process.pid))
  laptop = await startBrowser()
  sleepers = await Promise.all(catalogue.map(({ name }) => open(name)))
  processes = childrenOf(process.pid)
    .filter((id) => !others.has(id))
    .flatMap((id) => [id, ...descendantsOf(id)])
}, 60_000)

afterEach(() => {
  expect(sleepers.flatMap(({ page }) => page.errors)).toEqual([])
})

afterAll(async () => {
  await laptop?.close()
  await lab?.end()
})

async function open(transport: TransportName): Promise<Sleeper> {
  const room = `asleep-${transport}`
  const page = await LabPage.open(laptop, lab.tls, { room, user: 'Ada', transport })
  await page.say('before')
  await page.message('before').locator('.message-end', { hasText: '✓' }).waitFor()
  return { transport, room, page }
}

/** Some of a browser's processes end by themselves. */
function signal(id: number, name: NodeJS.Signals): void {
  try {
    process.kill(id, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The processes that this one has started, but for the one that tells. */
function childrenOf(parent: number): readonly number[] {
  const told = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,comm='], { encoding: 'utf8' })
  return told.split('\n').flatMap((line) => {
    const [id, parentId, name] = line.trim().split(/\s+/)
    return Number(parentId) === parent && name !== 'ps' ? [Number(id)] : []
  })
}

function descendantsOf(parent: number): readonly number[] {
  return childrenOf(parent).flatMap((id) => [id, ...descendantsOf(id)])
}

/** Nothing of the page runs meanwhile: no timer, no event of its links. (Headless Chromium does not freeze a page by its life cycle.) */
async function sleepAndWake(page: LabPage, meanwhile: () => Promise<void>): Promise<void> {
  const devtools = await page.page.context().newCDPSession(page.page)
  await page.page.evaluate(() => {
    const ticks = { last: performance.now(), longestMs: 0 }
    Object.assign(window, { ticks })
    setInterval(() => {
      ticks.longestMs = Math.max(ticks.longestMs, performance.now() - ticks.last)
      ticks.last = performance.now()
    }, 50)
  })
  await devtools.send('Debugger.enable')
  const stopped = new Promise((resolve) => devtools.once('Debugger.paused', resolve))
  await devtools.send('Debugger.pause')
  await stopped
  await meanwhile()
  await new Promise((resolve) => setTimeout(resolve, asleepMs))
  await devtools.send('Debugger.resume')
  await devtools.send('Debugger.disable')
  await page.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
  const longestMs = await page.page.evaluate(
    () => (window as unknown as { ticks: { longestMs: number } }).ticks.longestMs,
  )
  // It did sleep.
  expect(longestMs).toBeGreaterThan(asleepMs * 0.8)
}

test('R35: asleep for three times the limit, over each transport', { timeout: 60_000 }, async () => {
  await Promise.all(sleepers.map(sleepOver))
})

async function sleepOver({ transport, room, page }: Sleeper): Promise<void> {
  // On a busy machine the many pages may have been late with their first heartbeats.
  const offline = page.page.getByText(/^offline for/)
  const before = await offline.count()
  let sockets = 0
  page.page.on('websocket', () => {
    sockets += 1
  })
  await sleepAndWake(page, async () => {
    for (let index = 1; index <= 20; index++) await lab.say(room, 'Grace', `meanwhile ${index}`)
  })
  await page.message('meanwhile 20').waitFor()
  await page.say('after')
  await page.message('after').locator('.message-end', { hasText: '✓' }).waitFor()
  // Longer than the grace that a link has after a sleep.
  await new Promise((resolve) => setTimeout(resolve, 3 * heartbeatSeconds * 1000))
  if (!closesOnReturn.has(transport)) {
    expect(await offline.count(), `${transport}: times offline`).toBe(before)
    expect(sockets, `${transport}: WebSockets`).toBe(0)
  }
  expect(Object.values(await page.history()), transport).toEqual([
    'before',
    ...Array.from({ length: 20 }, (_, index) => `meanwhile ${index + 1}`),
    'after',
  ])
  expect(await page.proof.textContent(), transport).toMatch(/lost 0 · duplicated 0 · reordered 0/)
}

test('R35: a laptop slept, and the server gave its links up: on return each is found dead at once, and nothing is missed', {
  timeout: 60_000,
}, async () => {
  for (const id of processes) signal(id, 'SIGSTOP')
  try {
    await new Promise((resolve) => setTimeout(resolve, asleepMs))
    for (const { room } of sleepers) await lab.say(room, 'Grace', 'while it slept')
  } finally {
    for (const id of processes) signal(id, 'SIGCONT')
  }
  await Promise.all(
    sleepers.map(async ({ transport, page }) => {
      await page.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
      // A probe has five seconds, the first retry two.
      await page.message('while it slept').waitFor({ timeout: 10_000 })
      await page.say('on return')
      await page.message('on return').locator('.message-end', { hasText: /\d$/ }).waitFor()
      expect(Object.values(await page.history()).slice(-2), transport).toEqual([
        'while it slept',
        'on return',
      ])
      expect(await page.proof.textContent(), transport).toMatch(/lost 0 · duplicated 0 · reordered 0/)
    }),
  )
})
