// `kill -9` of the real server under load: what was acknowledged is there after the restart, once, and everybody reads on.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'
import { nodeTransports } from '../transports/all.node.ts'
import { readHistory } from '../transports/history.ts'
import type { Message } from '../transports/message.ts'
import { Proof } from '../transports/proof.ts'
import { Session } from '../transports/session.ts'

const kills = 3
const folder = mkdtempSync(join(tmpdir(), 'parley-crash-'))
let server: ChildProcess | null = null

/** Starts `server/main.ts` as a person would; resolves when it says that it is ready. */
async function start(
  port: number,
  tlsPort: number,
): Promise<{ readonly port: number; readonly tlsPort: number }> {
  const main = new URL('./main.ts', import.meta.url).pathname
  const options = [
    '--port',
    port,
    '--tls-port',
    tlsPort,
    // Another one each time: the client asks where it is.
    '--h2-websocket-port',
    '0',
    '--data',
    folder,
    '--no-build',
    '--log-level',
    'silent',
  ]
  server = spawn(process.execPath, [main, ...options.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] })
  if (server.stdout === null) throw new Error('no output to read')
  for await (const line of createInterface(server.stdout)) {
    const ready = /http:\/\/localhost:(\d+)\/.*https:\/\/localhost:(\d+)\//.exec(line)
    if (ready !== null) return { port: Number(ready[1]), tlsPort: Number(ready[2]) }
  }
  throw new Error('the server ended before it was ready')
}

async function kill(): Promise<void> {
  const ended = server === null ? null : once(server, 'exit')
  server?.kill('SIGKILL')
  await ended
  server = null
}

afterEach(async () => {
  await kill()
  rmSync(folder, { recursive: true, force: true })
})

test('kill -9 under load, three times, with a writer on each transport', { timeout: 60_000 }, async () => {
  const { port, tlsPort } = await start(0, 0)
  const certificate = readFileSync(join(folder, 'tls', 'server.pem'), 'utf8')
  const transports = nodeTransports({ certificate, intervalMs: 100 })
  const base = new URL(`https://localhost:${tlsPort}`)
  const acknowledged = new Map<string, number>()
  const people = transports.all.map(({ name }) => {
    const received: Message[] = []
    const proof = new Proof()
    const session = new Session({
      base,
      room: 'crash',
      transports: transports.all,
      transport: name,
      last: 0,
      random: () => 0.05,
      onEvent(event) {
        proof.observe(event)
        if (event.kind === 'messages') received.push(...event.messages)
        if (event.kind === 'draft' && event.view.fate === 'stored') {
          acknowledged.set(event.view.draft.id, event.view.receipt.offset)
        }
      },
    })
    session.start()
    return { name, session, received, proof, sent: [] as string[] }
  })
  const until = async (what: string, condition: () => boolean): Promise<void> => {
    const deadlineMs = performance.now() + 30_000
    while (!condition()) {
      if (performance.now() > deadlineMs) throw new Error(`in vain: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  await until('all are connected', () => people.every(({ session }) => session.state.phase === 'open'))

  let talking = true
  const load = (async () => {
    while (talking) {
      for (const { session, sent, name } of people) {
        // Each writer has a bounded number of drafts under way, as a person has.
        for (let free = 40 - session.state.pending; free > 0; free--)
          sent.push(session.send(name, 'under load').id)
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  for (let count = 1; count <= kills; count++) {
    const goal = acknowledged.size + 300
    await until(`300 more are acknowledged before kill ${count}`, () => acknowledged.size >= goal)
    await kill()
    await start(port, tlsPort)
    await until(`all are back after kill ${count}`, () =>
      people.every(({ session }) => session.state.phase === 'open'),
    )
  }
  talking = false
  await load
  const total = people.reduce((sum, { sent }) => sum + sent.length, 0)
  await until('every draft is acknowledged', () => acknowledged.size === total)
  await until('every reader has everything', () => people.every(({ received }) => received.length >= total))

  const log: Message[] = []
  let before = people[0]?.session.state.cursor ?? null
  while (before !== null && before.offset > 0) {
    const page = await readHistory({ fetch: transports.fetch, base, room: 'crash', before, limit: 500 })
    if (page.kind !== 'messages') throw new Error(`the log answers ${page.kind}`)
    log.unshift(...page.messages)
    before = page.after
  }
  expect(log).toHaveLength(total)
  for (const { id, offset } of log) expect(acknowledged.get(id)).toBe(offset)
  for (const { name, session, received, proof, sent } of people) {
    expect(received, name).toEqual(log)
    expect([name, proof.lost, proof.duplicated, proof.reordered]).toEqual([name, 0, 0, 0])
    expect(log.filter((one) => one.user === name).map((one) => one.id)).toEqual(sent)
    await session.close()
  }
  transports.close()
})
