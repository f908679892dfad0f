// The process of readers that stop: apart from the generator, so that it can be stopped by a signal as a whole. Takes orders over IPC.

import type { SlowAnswer, SlowOrder, SlowReport } from './slow-orders.ts'
import { openSlowReader, type SlowReader } from './slow-reader.ts'
import { pause } from './window.ts'

/** Readers that are opened at a time. */
const openAtOnce = 8

let readers: SlowReader[] = []

async function carryOut(order: SlowOrder): Promise<SlowReport> {
  switch (order.kind) {
    case 'open':
      while (readers.length < order.readers) {
        const count = Math.min(openAtOnce, order.readers - readers.length)
        readers.push(...(await Promise.all(Array.from({ length: count }, () => openSlowReader(order)))))
      }
      break
    case 'stop':
      for (const reader of readers) reader.stop()
      break
    case 'resume':
      for (const reader of readers) reader.resume()
      break
    case 'reach':
      while (report().offset < order.offset) await pause(2)
      break
    case 'close': {
      const last = report()
      await Promise.all(readers.map((reader) => reader.close()))
      readers = []
      return last
    }
  }
  return report()
}

function report(): SlowReport {
  const all = readers.map((reader) => reader.report())
  const ends: Record<string, number> = {}
  for (const one of all)
    for (const [end, count] of Object.entries(one.ends)) ends[end] = (ends[end] ?? 0) + count
  const sum = (of: (one: SlowReport) => number): number => all.reduce((total, one) => total + of(one), 0)
  return {
    offset: Math.min(...all.map(({ offset }) => offset)),
    repeated: sum(({ repeated }) => repeated),
    missing: sum(({ missing }) => missing),
    gaps: sum(({ gaps }) => gaps),
    ends,
  }
}

process.on('message', (order: SlowOrder) => {
  carryOut(order)
    .then(
      (said): SlowAnswer => ({ ok: true, report: said }),
      (error: unknown): SlowAnswer => ({
        ok: false,
        message: error instanceof Error ? error.message : String(error),
      }),
    )
    .then((answer) => process.send?.(answer))
})
process.on('disconnect', () => process.exit(0))
// The orchestrator decides when to end.
process.on('SIGINT', () => undefined)
process.stdout.write('ready\n')
