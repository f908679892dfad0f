// Finds an installed Chromium for the browser tests.
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

const candidates = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]

/** The path of a Chromium. Throws an `Error` that says what to do when there is none. */
export function findChromium(): string {
  for (const path of [...candidates, chromium.executablePath()]) {
    if (path !== undefined && path !== '' && existsSync(path)) return path
  }
  throw new Error('There is no Chromium here. Install one with "npx playwright-core install chromium".')
}
