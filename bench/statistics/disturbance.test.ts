// Which blocks are discarded: by the lateness of sends, against what the baseline takes.
import { describe, expect, it } from 'vitest'
import type { DeliveryCell } from '../measurement.ts'
import { disturbanceOf as of, tailUs } from './disturbance.ts'
import { createHistogram, encodeHistogram } from './histogram.ts'

const disturbanceOf = (cells: readonly DeliveryCell[], kept: readonly DeliveryCell[]) =>
  of(cells, kept, 'websocket')

function histogram(values: readonly number[]) {
  const made = createHistogram()
  for (const value of values) made.recordValue(value)
  return made
}

function cell(subject: string, latencyUs: number, lagsUs: readonly number[]): DeliveryCell {
  return {
    scenario: 'fanout',
    load: 'a load',
    block: 3,
    subject,
    latency: encodeHistogram(histogram([latencyUs, latencyUs, latencyUs])),
    sendLag: encodeHistogram(histogram(lagsUs)),
  } as unknown as DeliveryCell
}

const times = (count: number, value: number): readonly number[] => Array.from({ length: count }, () => value)

describe('disturbanceOf', () => {
  it('finds nothing where sends leave on time, or two of many are late', () => {
    const fine = cell('websocket', 1000, times(100, 100))
    const one = cell('polling', 90_000, [...times(98, 100), 50_000, 50_000])
    expect(disturbanceOf([fine, one], [])).toBeNull()
  })

  it('tells the worst cell, with its lag and the bound of 2 ms', () => {
    const late = cell('polling', 90_000, [...times(97, 100), 3000, 3000, 3000])
    const later = cell('tcp', 500, [...times(17, 100), 9000, 9000, 9000])
    expect(disturbanceOf([cell('websocket', 1000, times(50, 50)), late, later], [])).toMatchObject({
      scenario: 'fanout',
      load: 'a load',
      block: 3,
      subject: 'tcp',
      boundUs: 2000,
    })
  })

  it('is not the lateness of a cell whose own work takes the generator’s core', () => {
    const late = cell('long-polling', 90_000, times(20, 9000))
    expect(disturbanceOf([{ ...late, generatorUtilisation: 0.3 }], [])?.subject).toBe('long-polling')
    expect(disturbanceOf([{ ...late, generatorUtilisation: 0.9 }], [])).toBeNull()
  })

  it('puts up with a fifth of what the baseline takes, in this block or in those that were kept', () => {
    const late = cell('polling', 90_000, times(20, 3900))
    const kept = [cell('websocket', 20_000, times(20, 10))]
    expect(disturbanceOf([late], kept)).toBeNull()
    expect(disturbanceOf([late], [])?.sendLagP99Us).toBeGreaterThan(3800)
    // The twin is not the baseline.
    expect(disturbanceOf([late], [cell('websocket (A/A)', 20_000, times(20, 10))])).not.toBeNull()
  })
})

describe('tailUs', () => {
  it.each([
    [[], 0],
    [[10, 7000], 0],
    [[10, 20, 7000], 10],
    [[10, 20, 500, 7000], 20],
  ])('of %j is %d', (values, expected) => expect(tailUs(histogram(values))).toBe(expected))

  it('is the p99 of many', () => {
    const values = Array.from({ length: 1000 }, (_, index) => index + 1)
    expect(tailUs(histogram(values))).toBe(990)
  })
})
