// Finds a Chromium for the browser tests, or installs one. It never skips silently: without a browser it says what to do.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright-core'

/** Names under which systems install Chromium and Chrome. */
const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'] as const
const knownPaths = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
] as const
/** An installation that takes longer than this is given up. */
const installMs = 300_000

/**
 * The path of a Chromium that can be run: the one that PARLEY_CHROMIUM names, an installed one, or one that is installed now.
 * Throws an error that says what to do.
 */
export async function findChromium(): Promise<string> {
  const named = process.env.PARLEY_CHROMIUM
  if (named !== undefined && named !== '') {
    if (isProgram(named)) return named
    throw new Error(`PARLEY_CHROMIUM names ${named}, which is not a program that can be run.`)
  }
  const found = installed()
  if (found !== null) return found
  const tried: string[] = []
  for (const [command, ...parameters] of ways()) {
    const words = [command, ...parameters].join(' ')
    process.stderr.write(`There is no Chromium here. Installing one: ${words}\n`)
    if (!(await succeeds(command, parameters))) {
      tried.push(words)
      continue
    }
    const now = installed()
    if (now !== null) return now
    tried.push(`${words} (it installed none that can be found)`)
  }
  throw new Error(
    `The browser tests need Chromium, and it could not be installed (tried: ${tried.join('; ')}). Install Chromium or Chrome, or name one with PARLEY_CHROMIUM=/path/to/chromium.`,
  )
}

function installed(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const onPath = ['/usr/bin', ...folders].flatMap((folder) => names.map((name) => join(folder, name)))
  return [...onPath, ...knownPaths, chromium.executablePath()].find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return path !== ''
  } catch {
    return false
  }
}

/** How a Chromium may be installed on this machine, the likeliest way first. */
function ways(): readonly (readonly [string, ...string[]])[] {
  const ownCopy = ['npx', 'playwright-core', 'install', 'chromium'] as const
  if (!isDebian() || process.getuid?.() !== 0) return [ownCopy]
  // The distribution's package brings the libraries that a copy of its own would miss.
  return [
    ['sh', '-c', 'apt-get update -q && apt-get install -q -y --no-install-recommends chromium'],
    ownCopy,
  ]
}

function isDebian(): boolean {
  try {
    return /^ID(_LIKE)?=.*debian/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

/** Runs a command with its output shown; false when it fails, is missing, or takes too long. */
async function succeeds(command: string, parameters: readonly string[]): Promise<boolean> {
  const child = spawn(command, parameters, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: installMs,
  })
  try {
    const [code] = await once(child, 'close')
    return code === 0
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return false
  }
}
