// Control: what `node:sqlite` alone commits, with the server's own schema and settings and nothing else of the server.
// No network: it fills rooms in turn, 32 UUIDv7 messages a commit, and says how many messages a second became durable.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { v7 } from 'uuid'
import { openDatabase, positionOf } from '../../server/log/database.ts'

/** What it prints, as JSON. */
export interface CommitRate {
  readonly messages: number
  readonly commits: number
  readonly wallMs: number
  readonly cpuUs: number
}

const batchMessages = 32

const { values } = parseArgs({
  options: {
    'warm-up-ms': { type: 'string', default: '500' },
    'window-ms': { type: 'string', default: '1500' },
    rooms: { type: 'string', default: '100' },
    text: { type: 'string', default: 'a' },
  },
})

const folder = mkdtempSync(join(tmpdir(), 'parley-bench-commits-'))
try {
  process.stdout.write(
    `${JSON.stringify(commitFor(Number(values['warm-up-ms']), Number(values['window-ms'])))}\n`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function commitFor(warmUpMs: number, windowMs: number): CommitRate {
  const database = openDatabase(folder, 'full')
  const insert = database.prepare(
    'INSERT INTO messages (position, room, id, user, text, time) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const begin = database.prepare('BEGIN IMMEDIATE')
  const commit = database.prepare('COMMIT')
  const rooms = Number(values.rooms)
  let messages = 0
  const run = (untilMs: number): void => {
    while (performance.now() < untilMs) {
      begin.run()
      const time = Date.now()
      for (let one = 0; one < batchMessages; one++) {
        const room = (messages % rooms) + 1
        const position = positionOf(room, Math.floor(messages / rooms) + 1)
        insert.run(position, room, v7(undefined, Buffer.allocUnsafe(16)), 'bench', values.text, time)
        messages += 1
      }
      commit.run()
    }
  }
  run(performance.now() + warmUpMs)
  const before = messages
  const startMs = performance.now()
  const cpu = process.cpuUsage()
  run(startMs + windowMs)
  const wallMs = performance.now() - startMs
  const used = process.cpuUsage(cpu)
  database.close()
  const done = messages - before
  return { messages: done, commits: done / batchMessages, wallMs, cpuUs: used.user + used.system }
}
