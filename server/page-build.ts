// Builds the page before the lab opens, when it is missing or stale.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../transports/errors.ts'
import { pageTrouble, projectFolder } from './page-source.ts'

/** Builds in a child process, and says so. Throws a `UsageError` with the last lines of the build when it fails. */
export async function ensurePage(say: (text: string) => void): Promise<void> {
  const trouble = pageTrouble()
  if (trouble === null) return
  say(`The page is ${trouble}: building it …`)
  const startedAt = performance.now()
  const child = spawn(process.execPath, [fileURLToPath(new URL('./build-page.ts', import.meta.url))], {
    cwd: projectFolder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4000)
    })
  }
  const [code] = await once(child, 'close')
  if (code !== 0) {
    say(output.trim())
    throw new UsageError('The page could not be built. --no-build starts without it.')
  }
  say(`Built in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`)
}
