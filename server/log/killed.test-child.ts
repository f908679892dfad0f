// A process for sqlite.test.ts to kill: it appends to a log without end and prints each message that was acknowledged.
import { writeSync } from 'node:fs'
import { draftOf } from '../../transports/hub/log.drafts.ts'
import { openSqliteLog } from './sqlite.ts'

const log = openSqliteLog(process.argv[2] ?? '')
const rooms = ['one', 'two', 'three']

async function send(first: number, step: number): Promise<never> {
  for (let number = first; ; number += step) {
    const [appended] = await log.append(rooms[number % 3] ?? '', [draftOf(number)])
    // Straight to the pipe: what is printed was acknowledged, whatever happens next.
    if (appended?.kind === 'created') writeSync(1, `${appended.message.id} ${appended.message.offset}\n`)
  }
}

await Promise.all(Array.from({ length: 64 }, (_, index) => send(index, 64)))
