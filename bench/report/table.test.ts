// The text of tables and progress, character by character.
import { describe, expect, it } from 'vitest'

import { durationText, ProgressReporter, progressText } from './progress.ts'
import { milliseconds, ratioText, renderTable, share, short } from './table.ts'

describe('renderTable', () => {
  it('aligns columns to their widest cell', () => {
    const columns = [
      { title: 'name', align: 'left' },
      { title: 'µs', align: 'right' },
    ] as const
    const rows = [
      ['a', '1.25'],
      ['websocket', '–'],
    ]
    expect(renderTable(columns, rows)).toEqual(['name         µs', 'a          1.25', 'websocket     –'])
  })

  it('keeps its titles without rows', () => {
    expect(renderTable([{ title: 'name', align: 'left' }], [])).toEqual(['name'])
  })
})

describe('numbers', () => {
  it.each([
    [0.1234, '0.123'],
    [1.256, '1.26'],
    [12.34, '12.3'],
    [123.4, '123'],
    [1234.5, '1,235'],
    [Number.POSITIVE_INFINITY, '–'],
  ])('%d is %s', (value, text) => expect(short(value)).toBe(text))

  it('says milliseconds, or nothing where there is nothing to say', () => {
    expect(milliseconds(1500)).toBe('1.50')
    expect(milliseconds(null)).toBe('–')
  })

  it('says shares and ratios', () => {
    expect(share(0.042)).toBe('± 4.2 %')
    expect(ratioText({ ratio: 1.1, low: 1.05, high: 1.16, pairs: 5 })).toBe('1.10 [1.05–1.16]')
    expect(ratioText({ ratio: 1.1, low: 0, high: Number.POSITIVE_INFINITY, pairs: 1 })).toBe(
      '1.10 [one block]',
    )
  })
})

describe('progress', () => {
  const now = {
    scenario: 'fanout',
    subject: 'tcp',
    block: 2,
    doneSteps: 4,
    allSteps: 10,
    elapsedMs: 0,
    remainingMs: 80_400,
  }

  it('says where the run is and how long it takes', () => {
    expect(progressText(now)).toBe('5/10 · fanout · tcp · block 2 · 1 min 20 s left')
    expect(progressText({ ...now, block: 0 })).toContain('warm-up')
    expect(durationText(0)).toBe('1 s')
  })

  it('writes plain lines, not more than one in five seconds, where there is no terminal', () => {
    const written: string[] = []
    const reporter = new ProgressReporter({ isTTY: false, columns: 80, write: (text) => written.push(text) })
    for (const elapsedMs of [0, 1000, 4999, 5000, 9000, 10_001]) reporter.show({ ...now, elapsedMs })
    reporter.end()
    expect(written).toHaveLength(3)
    expect(written.every((line) => line.endsWith('\n') && !line.includes('\u001b'))).toBe(true)
  })

  it('writes over one line of a terminal, never wider than it', () => {
    const written: string[] = []
    const reporter = new ProgressReporter({ isTTY: true, columns: 20, write: (text) => written.push(text) })
    reporter.show(now)
    reporter.end()
    expect(written).toEqual(['\r\u001b[2K5/10 · fanout · tcp', '\r\u001b[2K'])
  })
})
