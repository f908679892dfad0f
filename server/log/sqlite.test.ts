// The log on disk: what every log must do, and what only a disk can show.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { UsageError } from '../../transports/errors.ts'
import { draftOf, draftsOf } from '../../transports/hub/log.drafts.ts'
import { logSuite } from '../../transports/hub/log.suite.ts'
import type { Log, Page } from '../../transports/hub/log.ts'
import { ProblemError, problemName } from '../../transports/problem.ts'
import { openDatabase } from './database.ts'
import { openSqliteLog, SqliteLog, type SqliteLogOptions } from './sqlite.ts'

const wide = { messages: 500, bytes: 1024 * 1024 }

let folder = ''
const logs: Log[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-log-'))
})
afterEach(async () => {
  for (const log of logs.splice(0)) await log.close()
  rmSync(folder, { recursive: true, force: true })
})

function open(options: SqliteLogOptions = {}): Log {
  const log = openSqliteLog(folder, { synchronous: 'normal', ...options })
  logs.push(log)
  return log
}

function offsets(page: Awaited<ReturnType<Log['read']>>): number[] {
  return (page as Page).messages.map(({ offset }) => offset)
}

function mistake(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError)
    expect((error as UsageError).message).not.toContain('\n')
    return (error as UsageError).message
  }
  throw new Error('There was no error.')
}

let opened = 0
logSuite('sqlite', ({ keepMessages }) => {
  opened += 1
  return openSqliteLog(join(folder, String(opened)), {
    synchronous: 'normal',
    keep: { messages: keepMessages ?? null, ageMs: null },
  })
})

describe('opened again', () => {
  test('everything is there: messages, epoch, ids, offsets, and the clock', async () => {
    const first = open({ now: () => 5000 })
    await first.append('one', draftsOf(1, 3))
    await first.append('two', draftsOf(1, 1))
    const before = await first.read('one', { last: 10 }, wide)
    const { epoch } = first
    await first.close()

    const second = open({ now: () => 1000 })
    expect(second.epoch).toBe(epoch)
    expect(second.head('one').offset).toBe(3)
    expect(await second.read('one', { last: 10 }, wide)).toEqual(before)
    const [existing, created] = await second.append('one', [draftOf(2), draftOf(4)])
    expect(existing).toMatchObject({ kind: 'existing', message: { offset: 2, time: 5000 } })
    expect(created, 'its clock does not go behind the last message').toMatchObject({
      kind: 'created',
      message: { offset: 4, time: 5000 },
    })
    expect((await second.append('three', [draftOf(1)]))[0]).toMatchObject({
      message: { offset: 1, time: 1000 },
    })
  })

  test('a new folder is a new epoch', async () => {
    const one = openSqliteLog(join(folder, 'one'))
    const other = openSqliteLog(join(folder, 'other'))
    logs.push(one, other)
    expect(one.epoch).not.toBe(other.epoch)
  })

  test('two servers cannot use one folder, in one process or in two; the second says so in one line', async () => {
    const log = open()
    expect(mistake(() => openSqliteLog(folder))).toContain(`Another server is using ${folder}.`)
    const child = spawn(process.execPath, [
      '--input-type=module-typescript',
      '--eval',
      `const { openSqliteLog } = await import(${JSON.stringify(new URL('./sqlite.ts', import.meta.url).href)})
       try { openSqliteLog(${JSON.stringify(folder)}) } catch (error) { console.log(error.message) }`,
    ])
    const output: string[] = []
    child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => output.push(text))
    await once(child, 'close')
    expect(output.join('').trim()).toBe(
      `Another server is using ${folder}. Stop it, or choose another folder with --data.`,
    )
    expect((await log.append('room', [draftOf(1)]))[0]?.kind).toBe('created')
  })

  test('after kill -9 under load every acknowledged message is there, once', async () => {
    const child = spawn(process.execPath, [
      new URL('./killed.test-child.ts', import.meta.url).pathname,
      folder,
    ])
    const acknowledged = new Map<string, number>()
    let rest = ''
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const [id = '', offset = ''] = line.split(' ')
        acknowledged.set(id, Number(offset))
      }
      if (acknowledged.size > 3000) child.kill('SIGKILL')
    })
    const [, signal] = await once(child, 'close')
    expect(signal, stderr).toBe('SIGKILL')

    const log = open()
    const stored = new Map<string, number>()
    for (const room of ['one', 'two', 'three']) {
      let after = { epoch: log.epoch, offset: 0 }
      while (after.offset < log.head(room).offset) {
        const page = (await log.read(room, { after }, wide)) as Page
        for (const { id, offset } of page.messages) {
          expect(offset, 'no hole').toBe(after.offset + 1)
          expect(stored.has(id), 'once').toBe(false)
          stored.set(id, offset)
          after = { epoch: log.epoch, offset }
        }
      }
    }
    for (const [id, offset] of acknowledged) expect(stored.get(id), id).toBe(offset)
    expect(acknowledged.size).toBeGreaterThan(3000)
  })
})

describe('keeping', () => {
  test('a number of messages: exactly that many stay, and it holds for what was there before', async () => {
    const first = open()
    await first.append('room', draftsOf(1, 50))
    await first.close()
    const log = open({ keep: { messages: 10, ageMs: null } })
    await untilTail(log, 'room', 40)
    expect(offsets(await log.read('room', { last: 100 }, wide))).toEqual([
      41, 42, 43, 44, 45, 46, 47, 48, 49, 50,
    ])
    await log.append('room', [draftOf(51)])
    expect(log.tail('room').offset).toBe(41)
    await log.close()
    expect(open().tail('room').offset).toBe(41)
  })

  test('an age: what is older goes, all of it if need be, and the offsets go on', async () => {
    let now = 1000
    const first = open({ now: () => now })
    await first.append('room', draftsOf(1, 3))
    now = 2000
    await first.append('room', draftsOf(4, 2))
    await first.close()
    now = 2500
    const second = open({ now: () => now, keep: { messages: null, ageMs: 1000 } })
    await untilTail(second, 'room', 3)
    expect(offsets(await second.read('room', { last: 10 }, wide))).toEqual([4, 5])
    await second.close()
    now = 9000
    const third = open({ now: () => now, keep: { messages: null, ageMs: 1000 } })
    await untilTail(third, 'room', 5)
    await third.close()
    now = 100
    const fourth = open({ now: () => now })
    expect(fourth.head('room').offset).toBe(5)
    expect(fourth.tail('room').offset).toBe(5)
    const [next] = await fourth.append('room', [draftOf(9)])
    expect(next).toMatchObject({ message: { offset: 6, time: 2000 } })
  })

  test('much to trim goes in steps, and others are served in between', async () => {
    const first = open()
    for (let round = 0; round < 20; round++) await first.append('big', draftsOf(round * 200, 200))
    await first.close()
    const log = open({ keep: { messages: 1, ageMs: null } })
    const tails: number[] = []
    let number = 100_000
    while (log.tail('big').offset < 3999) {
      number += 1
      await log.append('small', [draftOf(number)])
      tails.push(log.tail('big').offset)
    }
    expect(tails.length).toBeGreaterThan(3)
    const steps = tails.map((tail, index) => tail - (tails[index - 1] ?? 0))
    // A commit and a trim of its own may both come between two answers.
    expect(Math.max(...steps)).toBeLessThanOrEqual(1024)
  })
})

describe('failing', () => {
  test('a full disk refuses the senders of that commit, stores nothing of it, and later commits go on', async () => {
    const database = openDatabase(folder, 'normal')
    const failures: unknown[] = []
    const log = new SqliteLog(database, { failed: (error) => failures.push(error) })
    logs.push(log)
    await log.append('room', [draftOf(1)])
    const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number }
    database.exec(`PRAGMA max_page_count = ${pages + 2}`)
    const followed: number[] = []
    log.follow('room', (messages) => followed.push(...messages.map(({ offset }) => offset)))
    const big = Array.from({ length: 20 }, (_, index) => draftOf(index + 2, 'x'.repeat(8000)))
    const outcomes = await Promise.allSettled([log.append('room', big), log.append('new', [draftOf(50)])])
    for (const outcome of outcomes) {
      expect(outcome.status).toBe('rejected')
      const { reason } = outcome as PromiseRejectedResult
      expect(reason).toBeInstanceOf(ProblemError)
      expect(problemName((reason as ProblemError).problem)).toBe('internal')
    }
    expect(String(failures[0])).toContain('full')
    expect(log.head('room').offset).toBe(1)
    expect(log.head('new').offset).toBe(0)
    database.exec('PRAGMA max_page_count = 1000000')
    expect((await log.append('room', [draftOf(2)]))[0]).toMatchObject({
      kind: 'created',
      message: { offset: 2 },
    })
    expect((await log.append('new', [draftOf(50)]))[0]).toMatchObject({
      kind: 'created',
      message: { offset: 1 },
    })
    expect(followed).toEqual([2])
    await log.close()
    expect(offsets(await open().read('room', { last: 10 }, wide))).toEqual([1, 2])
  })

  test('an id that is no UUID is refused, and the others of its commit are stored', async () => {
    const log = open()
    const wrong = log.append('room', [draftOf(1), { ...draftOf(2), id: 'x' }])
    const right = log.append('room', [draftOf(3)])
    await expect(wrong).rejects.toThrow(UsageError)
    expect((await right)[0]).toMatchObject({ message: { offset: 1 } })
  })

  test('a closed log refuses', async () => {
    const log = open()
    await log.close()
    await expect(log.append('room', [draftOf(1)])).rejects.toThrow('closed')
  })

  test('a folder that cannot be one, a file that is no database, another program’s, a newer layout: one line each', () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    expect(mistake(() => openSqliteLog(file))).toContain(`The data folder ${file} can't be written`)
    expect(mistake(() => openSqliteLog(join(file, 'below')))).toContain('Choose another with --data.')

    writeFileSync(join(folder, 'messages.db'), 'This is a text and no database. '.repeat(100))
    expect(mistake(() => openSqliteLog(folder))).toContain('is not a database')

    rmSync(join(folder, 'messages.db'))
    const foreign = new DatabaseSync(join(folder, 'messages.db'))
    foreign.exec('CREATE TABLE theirs (value)')
    foreign.close()
    const before = readFileSync(join(folder, 'messages.db'))
    expect(mistake(() => openSqliteLog(folder))).toContain("another program's database")
    expect(readFileSync(join(folder, 'messages.db')).equals(before), 'it is left as it was').toBe(true)

    const newer = join(folder, 'newer')
    const database = openDatabase(newer, 'normal')
    database.exec('PRAGMA user_version = 99')
    database.close()
    expect(mistake(() => openSqliteLog(newer))).toContain('has the layout 99; this Parley reads 1.')
  })
})

/** Trimming goes on between commits: lets them pass until the room's tail is there. */
async function untilTail(log: Log, room: string, offset: number): Promise<void> {
  while (log.tail(room).offset < offset) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
  expect(log.tail(room).offset).toBe(offset)
}
