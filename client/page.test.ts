// The page in a real Chromium, before a real server: what a person does with it, and what they must be able to rely on.
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { catalogue, groupTitles } from '../transports/catalogue.ts'
import { LabPage, type OpenOptions, RunningLab, startBrowser } from './browser.node.ts'

const clean = /lost 0 · duplicated 0 · reordered 0/
const transports = catalogue.map(({ name }) => name)
/** The server's own, when it isn't told another. */
const heartbeatMs = 10_000

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

function newRoom(): string {
  rooms += 1
  return `room-${rooms}`
}

async function open(options: OpenOptions, base = lab.tls): Promise<LabPage> {
  const page = await LabPage.open(browser, base, options)
  pages.push(page)
  return page
}

describe('two people', () => {
  test('see each other’s messages, and which are their own', async () => {
    const room = newRoom()
    const ada = await open({ room, user: 'Ada' })
    const grace = await open({ room, user: 'Grace' })
    await ada.say('Good morning.')
    await grace.message('Good morning.').waitFor()
    await grace.say('Morning.\nTwo lines.')
    await ada.page.locator('.text', { hasText: 'Two lines.' }).waitFor()
    expect(await ada.message('Good morning.').textContent()).toContain('you')
    expect(await grace.message('Good morning.').textContent()).not.toContain('you')
    expect(await ada.message('Good morning.').getAttribute('title')).toBe('over WebSocket (by hand)')
  })

  test('lose nothing while one goes through all transports twice and 200 messages flow from both', async () => {
    const room = newRoom()
    const ada = await open({ room, user: 'Ada' })
    const grace = await open({ room, user: 'Grace' })
    const each = 100
    let ended = 0
    const talk = async (page: LabPage, name: string) => {
      for (let index = 1; index <= each; index++) await page.say(`${name} says ${index}`)
      ended += 1
    }
    let switches = 0
    const wander = async () => {
      // At least twice through all of them, and on for as long as there is talk.
      while (switches < 2 * transports.length || ended < 2) {
        const place = switches % transports.length
        const name = transports[place] ?? ''
        // Auto has the first key, the tenth has 0; what lies behind has none.
        if (place + 2 <= 10) await ada.page.keyboard.press(`Alt+${(place + 2) % 10}`)
        else await ada.radio(name).check()
        await ada.settled(name)
        switches += 1
      }
    }
    await Promise.all([talk(ada, 'Ada'), talk(grace, 'Grace'), wander()])
    await Promise.all([ada, grace].map((page) => page.message(`Ada says ${each}`).waitFor()))
    const histories = await Promise.all([ada.history(), grace.history()])
    expect(histories[0]).toEqual(histories[1])
    const texts = Object.values(histories[0])
    expect(texts).toHaveLength(2 * each)
    for (const name of ['Ada', 'Grace']) {
      const own = texts.filter((text) => text.startsWith(name))
      expect(own).toEqual(Array.from({ length: each }, (_, index) => `${name} says ${index + 1}`))
    }
    for (const page of [ada, grace]) expect(await page.proof.textContent()).toMatch(clean)
    expect(await ada.proof.textContent()).toMatch(/last switch \d/)
  }, 60_000)
})

describe('the switch', () => {
  test('is a radio group that the keyboard moves through', async () => {
    const page = await open({ room: newRoom(), user: 'Ada' })
    await page.radio('auto').focus()
    await page.page.keyboard.press('ArrowDown')
    await page.settled('polling')
    await page.page.getByText(/^switched to Polling in .* · nothing lost$/).waitFor()
    await page.page.keyboard.press('ArrowDown')
    await page.settled('long-polling')
    await page.composer.focus()
    await page.page.keyboard.press('Alt+1')
    await page.settled('websocket')
    expect(await page.radio('auto').isChecked()).toBe(true)
  })

  test('begins with auto, which says what it uses; each one says what it costs and when it is the right one', async () => {
    const page = await open({ room: newRoom(), user: 'Ada' })
    expect(await page.radio('auto').isChecked()).toBe(true)
    const row = page.page.locator('.offer', { has: page.radio('auto') })
    await row.getByText('· WebSocket').waitFor()
    expect(await row.getByRole('listitem').allTextContents()).toEqual(['WebSocket in use'])
    for (const group of Object.values(groupTitles))
      expect(await page.page.getByRole('group', { name: group, exact: true }).count()).toBe(1)
    for (const { name, short, cost, when } of catalogue) {
      const other = page.page.locator('.offer', { has: page.radio(name) })
      const more = other.getByRole('button', { name: `${short}: what it costs` })
      await more.focus()
      await page.page.keyboard.press('Enter')
      await other.getByText(cost).waitFor()
      await other.getByText(when).waitFor()
      expect(await more.getAttribute('aria-expanded')).toBe('true')
    }
  })

  test('remembers what was chosen last', async () => {
    const page = await open({ room: newRoom(), user: 'Ada', transport: 'server-sent-events' })
    await page.page.reload()
    await page.settled('server-sent-events')
    expect(await page.radio('server-sent-events').isChecked()).toBe(true)
  })

  test('shows the protocol that is really spoken', async () => {
    const page = await open({ room: newRoom(), user: 'Ada', transport: 'http2-push' })
    expect(await page.page.locator('button.badge').textContent()).toContain('HTTP/2 · TLS')
    expect(await page.page.locator('button.badge').textContent()).not.toContain('can’t be told to wait')
    await page.switchTo('websocket')
    expect(await page.page.locator('button.badge').textContent()).toContain('HTTP/1.1 · TLS · json')
    // R39
    expect(await page.page.locator('button.badge').textContent()).toContain('can’t be told to wait')
  })

  test('says why HTTP/2 push cannot run on the plain port, and leads to where it can', async () => {
    const room = newRoom()
    const page = await open({ room, user: 'Ada' }, lab.plain)
    expect(await page.radio('http2-push').isDisabled()).toBe(true)
    const row = page.page.locator('.offer', { has: page.radio('http2-push') })
    const link = row.getByRole('link', { name: /^Open this room on/ })
    const address = new URL((await link.getAttribute('href')) ?? '')
    expect(address.origin).toBe(new URL(lab.tls).origin)
    expect(address.hash).toContain(`room=${room}`)
    await page.page.keyboard.press('Alt+5')
    expect(await page.radio('auto').isChecked()).toBe(true)
  })

  test('times messages over each transport', async () => {
    const page = await open({ room: newRoom(), user: 'Ada' })
    for (const transport of transports) {
      await page.switchTo(transport)
      await page.say(`over ${transport}`)
      const row = page.page.locator('.offer', { has: page.radio(transport) })
      await row.getByText(/^p50 [\d.]+ m?s$/).waitFor()
    }
  })
})

describe('what is written', () => {
  test('offline, over each transport, is kept, shown as pending, and sent once', async () => {
    const rooms = transports.map((transport) => ({ transport, room: newRoom() }))
    const people = await Promise.all(
      rooms.map(({ transport, room }) => open({ room, user: 'Ada', transport })),
    )
    const each = (act: (ada: LabPage) => Promise<unknown>) => Promise.all(people.map(act))
    await each(async (ada) => {
      await ada.say('before')
      await ada.message('before').locator('.message-end', { hasText: '✓' }).waitFor()
    })
    await lab.kill()
    try {
      await each(async (ada) => {
        await ada.text('offline').waitFor()
        await ada.say('while offline')
        await ada.message('while offline').getByText('○ pending').waitFor()
        expect(await ada.message('while offline').count()).toBe(1)
      })
    } finally {
      await lab.run()
    }
    await each(async (ada) => {
      await ada.page
        .locator('.presence')
        .getByRole('button', { name: 'Try now' })
        .click({ timeout: 2000 })
        .catch(() => null)
      await ada.message('while offline').locator('.message-end', { hasText: '✓' }).waitFor()
      await ada.page.getByText(/^offline for .*caught up$|^offline for .*meanwhile$/).waitFor()
      expect(await ada.proof.textContent()).toMatch(clean)
    })
    for (const { transport, room } of rooms)
      expect(await lab.said(room), transport).toEqual(['before', 'while offline'])
  }, 60_000)

  test('survives a reload while it is pending, and is sent once (R40)', async () => {
    const room = newRoom()
    const page = await open({ room, user: 'Ada', transport: 'polling' })
    await page.page.route('**/messages', (route) =>
      route.request().method() === 'POST' ? route.abort() : route.fallback(),
    )
    await page.say('not lost')
    await page.message('not lost').getByText('○ pending').waitFor()
    await page.page.unrouteAll({ behavior: 'ignoreErrors' })
    await page.page.reload()
    await page.message('not lost').locator('.message-end', { hasText: '✓' }).waitFor()
    expect(Object.values(await page.history())).toEqual(['not lost'])
  })

  test('and refused says so, and can be tried again or discarded', async () => {
    const page = await open({ room: newRoom(), user: 'Ada', transport: 'polling' })
    await page.refuseSends()
    await page.say('once more')
    await page.say('never mind')
    await page
      .message('once more')
      .getByText(/Not sent: .*Not today/)
      .waitFor()
    await page.message('never mind').getByRole('button', { name: 'Discard' }).click()
    await page.message('never mind').waitFor({ state: 'detached' })
    await page.page.unrouteAll({ behavior: 'ignoreErrors' })
    await page.message('once more').getByRole('button', { name: 'Try again' }).click()
    await page.message('once more').locator('.message-end', { hasText: '✓' }).waitFor()
  })

  test('and refused is still there after a reload, unless it was discarded (R40)', async () => {
    const room = newRoom()
    const page = await open({ room, user: 'Ada', transport: 'polling' })
    await page.refuseSends()
    await page.say('keep me')
    await page.say('never mind')
    await page.message('never mind').getByRole('button', { name: 'Discard' }).click()
    await page
      .message('keep me')
      .getByText(/Not sent/)
      .waitFor()
    await page.page.unrouteAll({ behavior: 'ignoreErrors' })
    await page.page.reload()
    await page.message('keep me').locator('.message-end', { hasText: '✓' }).waitFor()
    expect(Object.values(await page.history())).toEqual(['keep me'])
  })

  test('too long is not sent, and the composer says by how much', async () => {
    const page = await open({ room: newRoom(), user: 'Ada' })
    await page.say('ä'.repeat(4097))
    await page.text('A text has at most 8192 bytes in UTF-8; this one has 8194.').waitFor()
    expect(await page.page.getByRole('article').count()).toBe(0)
    await page.composer.fill('ä'.repeat(4096))
    await page.composer.press('Enter')
    await page.page.getByText('✓').first().waitFor()
  })

  test('as HTML stays text, and only safe addresses become links', async () => {
    const room = newRoom()
    const page = await open({ room, user: '<b>Ada</b>' })
    const attack =
      '<img src=x onerror="document.title=1"><script>document.title=2</script> javascript:alert(1)'
    await page.say(attack)
    await page.say('see https://example.com/?a=<b>')
    await page.message(attack).waitFor()
    expect(await page.log.locator('img, script, b').count()).toBe(0)
    expect(await page.page.title()).toBe(`${room} · Parley`)
    const links = page.log.getByRole('link')
    expect(await links.count()).toBe(1)
    expect(await links.getAttribute('rel')).toContain('noopener')
    expect(await links.getAttribute('href')).toMatch(/^https:\/\/example\.com\//)
    expect(await page.page.locator('.author').first().textContent()).toBe('<b>Ada</b>')
  })
})

test('R8: a closed tab frees its subscription within two heartbeats, over each transport that has one', {
  timeout: 40_000,
}, async () => {
  const subscribers = async (): Promise<number> => {
    const text = await (await fetch(new URL('/metrics', lab.plain))).text()
    return Number(/^parley_subscribers ([0-9]+)$/m.exec(text)?.[1])
  }
  // The pages of the test before have gone, too.
  await expect.poll(subscribers, { timeout: 2 * heartbeatMs }).toBe(0)
  const follow = catalogue.filter(({ link }) => link === 'stays')
  const opened = await Promise.all(
    follow.map(({ name }) =>
      LabPage.open(browser, lab.tls, { room: 'closing', user: 'Ada', transport: name }),
    ),
  )
  await expect.poll(subscribers).toBe(follow.length)
  await Promise.all(opened.map((page) => page.close()))
  await expect.poll(subscribers, { timeout: 2 * heartbeatMs }).toBe(0)
})

test.each(['online', 'offline', 'visibilitychange'])('asks the link at once on "%s"', async (event) => {
  const page = await open({ room: newRoom(), user: 'Ada', transport: 'websocket' })
  const opening = page.page.waitForEvent('websocket')
  await page.page.reload()
  const socket = await opening
  await page.text('connected').waitFor()
  const asked = socket.waitForEvent('framesent', ({ payload }) => String(payload).includes('probe'))
  await page.page.evaluate((name) => {
    for (const target of [window, document]) target.dispatchEvent(new Event(name))
  }, event)
  await asked
})

describe('reading', () => {
  async function filledRoom(count: number): Promise<string> {
    const room = newRoom()
    for (let index = 1; index <= count; index++)
      await lab.say(room, 'Ada', `line ${index}${' and more'.repeat(index % 40)}`)
    return room
  }

  /** Where the row in the middle of the screen stands, and what it says. */
  function middle(page: LabPage): Promise<{ text: string; top: number }> {
    return page.page.evaluate(async () => {
      for (let frames = 0; frames < 2; frames++)
        await new Promise((resolve) => requestAnimationFrame(resolve))
      const box = document.querySelector('[role=log]')?.getBoundingClientRect()
      if (box === undefined) throw new Error('There is no conversation.')
      const article = document
        .elementFromPoint(box.left + box.width / 2, box.top + box.height / 2)
        ?.closest('article')
      if (article === null || article === undefined) throw new Error('Nothing stands in the middle.')
      return {
        text: article.querySelector('.text')?.textContent ?? '',
        top: article.getBoundingClientRect().top,
      }
    })
  }

  /** Lets what was scrolled in be measured and painted: a frame's callback alone comes before both. */
  async function painted(page: LabPage): Promise<void> {
    await page.page.evaluate(async () => {
      for (let frames = 0; frames < 3; frames++) {
        await new Promise<void>((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
      }
    })
  }

  async function topOf(page: LabPage, text: string): Promise<number> {
    const box = await page.message(text).boundingBox()
    return box?.y ?? Number.NaN
  }

  test('older messages come in above without moving what is read', async () => {
    const page = await open({ room: await filledRoom(250), user: 'Grace' })
    await page.page.locator('.text', { hasText: 'line 250' }).waitFor()
    // The answer waits until it is known what is read.
    const looked = Promise.withResolvers<void>()
    await page.page.route(/before=/, async (route) => {
      await looked.promise
      await route.continue()
    })
    await page.log.evaluate((log) => {
      log.scrollTop = 500
    })
    await painted(page)
    const before = await middle(page)
    looked.resolve()
    await page.page.waitForFunction(() => (document.querySelector('[role=log]')?.scrollTop ?? 0) > 1000)
    await painted(page)
    expect(Math.abs((await topOf(page, before.text)) - before.top)).toBeLessThan(2)
    expect(Object.keys(await page.history())).toHaveLength(250)
  }, 30_000)

  test('who is at the end stays there, however much comes in at once', async () => {
    const room = newRoom()
    const page = await open({ room, user: 'Grace', transport: 'polling' })
    const count = 120
    for (let index = 1; index <= count; index++) {
      await lab.say(room, 'Ada', `line ${index}${' and more'.repeat((index * 7) % 60)}`)
    }
    await page.page.waitForFunction((words) => {
      const log = document.querySelector('[role=log]')
      const shown = [...(log?.querySelectorAll('.text') ?? [])].at(-1)?.textContent ?? ''
      return (
        log !== null && shown.startsWith(words) && log.scrollHeight - log.clientHeight - log.scrollTop < 2
      )
    }, `line ${count}`)
    expect(await page.page.getByRole('button', { name: /new messages/ }).count()).toBe(0)
  })

  test('who is at the end stays there when the window, or what stands below, takes a little of its room', async () => {
    const room = newRoom()
    for (let count = 1; count <= 40; count += 1) await lab.say(room, 'Grace', `Line ${count}.`)
    const page = await open({ room, user: 'Ada', height: 800 })
    await page.text('Line 40.').waitFor()
    await painted(page)
    // By less than a row each: mostly the same rows stay in sight.
    const fromEndPx: number[] = []
    for (const height of [792, 784, 776, 768]) {
      await page.page.setViewportSize({ width: 1280, height })
      await page.page.waitForFunction((windowPx) => innerHeight === windowPx, height)
      await painted(page)
      fromEndPx.push(
        await page.log.evaluate((log) => Math.round(log.scrollHeight - log.clientHeight - log.scrollTop)),
      )
    }
    expect(fromEndPx).toEqual([0, 0, 0, 0])
  })

  test('new messages do not move who reads above, and a pill leads to them', async () => {
    const room = await filledRoom(60)
    const page = await open({ room, user: 'Grace' })
    await page.page.locator('.text', { hasText: 'line 60' }).waitFor()
    await page.log.hover()
    await page.page.mouse.wheel(0, -900)
    await page.page.waitForFunction(() => {
      const log = document.querySelector('[role=log]')
      return log !== null && log.scrollHeight - log.clientHeight - log.scrollTop > 800
    })
    await painted(page)
    const before = await middle(page)
    for (let index = 1; index <= 5; index++) await lab.say(room, 'Ada', `new ${index}`)
    const pill = page.page.getByRole('button', { name: /^5 new messages/ })
    await pill.waitFor()
    await painted(page)
    expect(Math.abs((await topOf(page, before.text)) - before.top)).toBeLessThan(2)
    await pill.click()
    await page.message('new 5').waitFor()
    await pill.waitFor({ state: 'detached' })
    await lab.say(room, 'Ada', 'followed')
    await page.message('followed').waitFor()
  })
})

describe('the look', () => {
  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const)('breaks no rule of accessibility: %s, %d px', async (scheme, width) => {
    const page = await open({ room: newRoom(), user: 'Ada', scheme, width })
    expect(await page.violations()).toEqual([])
    await page.say('See https://example.com/ for more.')
    await page.page.getByText('✓').first().waitFor()
    expect(await page.violations()).toEqual([])
    if (width < 800) {
      await page.page.getByRole('button', { name: /Instrument/ }).click()
      await page.page.getByRole('dialog').waitFor()
    }
    await page.switchTo('polling')
    expect(await page.violations()).toEqual([])
    await page.page.keyboard.press('Escape')
    await page.refuseSends()
    await page.say('refused')
    await page.message('refused').getByRole('button', { name: 'Discard' }).waitFor()
    await page.page.context().setOffline(true)
    await page.text(width < 800 ? 'Try now' : 'offline').waitFor()
    await page.say('pending')
    await page.message('pending').waitFor()
    expect(await page.violations()).toEqual([])
  })

  test('does not scroll sideways at 320 px, whatever is said', async () => {
    const page = await open({
      room: 'a'.repeat(64),
      user: 'A very long name of a person who writes',
      width: 320,
      height: 568,
    })
    await page.say('w'.repeat(500))
    await page.say(`https://example.com/${'path'.repeat(50)}`)
    await page.page.getByText('✓').nth(1).waitFor()
    expect(await page.scrollsSideways()).toBe(false)
    await page.page.getByRole('button', { name: /Instrument/ }).click()
    await page.page.getByRole('dialog').waitFor()
    expect(await page.scrollsSideways()).toBe(false)
  })

  test('another room is another conversation, and the browser goes back to the first', async () => {
    const page = await open({ room: newRoom(), user: 'Ada' })
    await page.say('in the first')
    await page.message('in the first').waitFor()
    const room = page.page.getByRole('textbox', { name: 'Room', exact: true })
    await room.fill('not a room')
    await page.text('A room is named with 1 to 64 letters, digits, "_" or "-".').waitFor()
    await room.fill(newRoom())
    await room.press('Enter')
    await page.page.getByRole('heading', { name: /^Nothing has been said/ }).waitFor()
    await page.page.goBack()
    await page.message('in the first').waitFor()
  })

  test('remembers the theme', async () => {
    const page = await open({ room: newRoom(), user: 'Ada' })
    await page.page.getByRole('radio', { name: 'Dark' }).check()
    await page.page.reload()
    expect(await page.page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe(
      'dark',
    )
    // What the system wants is light: the text follows the choice, not only what the browser draws itself.
    const ink = await page.page.evaluate(() => getComputedStyle(document.body).color)
    expect(Math.min(...(ink.match(/\d+/g) ?? ['0']).slice(0, 3).map(Number))).toBeGreaterThan(180)
  })

  test('an address that asks for a room that can’t be leads to one that can, and says so beside the invitation', async () => {
    const page = await open({ room: 'my room', user: 'Ada' })
    await page.page.getByText(/^this is lobby: the address asks for a room that can’t be\. /).waitFor()
    expect(new URL(page.page.url()).hash).toBe('#room=lobby')
    await page.page.evaluate(() => {
      location.hash = '#room=a%2Fb'
    })
    await page.page
      .getByText(/^this is lobby: /)
      .nth(1)
      .waitFor()
    expect(new URL(page.page.url()).hash).toBe('#room=lobby')
    await page.page.getByRole('link', { name: 'Open a second window' }).waitFor()
  })

  test('an empty room offers a second window and a robot, and both work', async () => {
    const page = await open({ room: newRoom(), user: 'Ada' })
    const [second] = await Promise.all([
      page.page.context().waitForEvent('page'),
      page.page.getByRole('link', { name: 'Open a second window' }).click(),
    ])
    const other = new LabPage(second)
    await page.page.getByRole('button', { name: 'Let a robot talk' }).click()
    await page.page.locator('.author', { hasText: 'Robot' }).first().waitFor()
    await other.page.locator('.author', { hasText: 'Robot' }).first().waitFor()
    expect(await second.getByRole('textbox', { name: 'You' }).inputValue()).toMatch(/^Guest \d+$/)
    expect(other.errors).toEqual([])
  })
})
