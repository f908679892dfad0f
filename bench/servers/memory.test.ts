// What the bench calls a server's memory: what the server keeps is in it, what traffic has left behind isn't.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Memory } from './memory.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-memory-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

/** The memory of a process that has run this. */
async function memoryAfter(code: string): Promise<Memory> {
  const script = join(mkdtempSync(join(folder, 'process-')), 'main.mjs')
  writeFileSync(script, `${code}\nprocess.send('done')\n`)
  const watch = pathToFileURL(join(import.meta.dirname, 'memory.ts')).href
  const child = fork(script, { execArgv: ['--expose-gc', '--import', watch] })
  try {
    await once(child, 'message')
    child.send('memory')
    const [memory] = (await once(child, 'message')) as [Memory]
    return memory
  } finally {
    child.kill()
  }
}

const kept =
  'globalThis.kept = Array.from({ length: 400_000 }, (_, index) => ({ index, text: String(index) }));'
/** 300 times 20,000 objects, of which none stays. */
const traffic = `
for (let round = 0; round < 300; round++)
  globalThis.last = Array.from({ length: 20_000 }, (_, index) => ({ index, text: String(round * index) }))
globalThis.last = null`

test('what is kept is in resident memory, what was only passing through is not', async () => {
  const [nothing, passing, keeping] = await Promise.all([
    memoryAfter(''),
    memoryAfter(traffic),
    memoryAfter(kept),
  ])
  const keptBytes = keeping.heapUsed - nothing.heapUsed
  expect(keptBytes).toBeGreaterThan(20e6)
  expect(keeping.rss - nothing.rss).toBeGreaterThan(keptBytes * 0.8)
  // Some hundred megabytes went through.
  expect(passing.rss - nothing.rss).toBeLessThan(30e6)
})
