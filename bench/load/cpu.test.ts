// Processor time: what `ps` says, and what this very process uses.
import { describe, expect, it } from 'vitest'
import { cpuSource, cpuTimeUs, parseProcessTimeUs } from './cpu.ts'

describe('parseProcessTimeUs', () => {
  it.each([
    ['0:00.03', 30_000],
    ['12:34.56', 754_560_000],
    ['00:00:07', 7_000_000],
    ['1-02:03:04', 93_784_000_000],
  ])('reads %s', (text, us) => expect(parseProcessTimeUs(text)).toBe(us))

  it('refuses what is no time', () => expect(() => parseProcessTimeUs('-')).toThrow(RangeError))
})

describe('cpuTimeUs', () => {
  it('agrees with the runtime about this process', () => {
    const before = cpuTimeUs(process.pid)
    const own = process.cpuUsage()
    const untilMs = performance.now() + 150
    while (performance.now() < untilMs) Math.sqrt(2)
    const { user, system } = process.cpuUsage(own)
    const used = cpuTimeUs(process.pid) - before
    // Ticks are 10 ms where nothing finer is there.
    expect(Math.abs(used - (user + system)), cpuSource(process.pid)).toBeLessThan(40_000)
  })

  it('throws for a process that is not there', () => {
    expect(() => cpuTimeUs(2 ** 30)).toThrow()
  })
})
