// Numbers as the page writes them.
import { describe, expect, test } from 'vitest'
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatMoment,
  formatPlural,
  secondsUntil,
} from './format.ts'

describe('durations', () => {
  test.each([
    [0, '0.0 ms'],
    [0.44, '0.4 ms'],
    [9.94, '9.9 ms'],
    [9.96, '10 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [4200, '4.2 s'],
    [9960, '10 s'],
    [59_400, '59 s'],
    [90_000, '1.5 min'],
    [7_200_000, '2.0 h'],
  ])('%d ms is %s', (ms, words) => expect(formatDuration(ms)).toBe(words))
})

describe('bytes', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [9960, '10 kB'],
    [999_600, '1.0 MB'],
    [1_340_000, '1.3 MB'],
    [2.5e12, '2.5 TB'],
  ])('%d is %s', (bytes, words) => expect(formatBytes(bytes)).toBe(words))
})

test('counts are grouped, and plural where they should be', () => {
  expect(formatCount(12345)).toBe('12,345')
  expect(formatPlural(1, 'message', 'messages')).toBe('1 message')
  expect(formatPlural(0, 'message', 'messages')).toBe('0 messages')
})

test('seconds to a moment are never below one before it, and never below zero', () => {
  expect(secondsUntil(1001, 1000)).toBe(1)
  expect(secondsUntil(5000, 1000)).toBe(4)
  expect(secondsUntil(1000, 5000)).toBe(0)
})

test('a moment of another day says the day', () => {
  const noon = new Date(2026, 4, 3, 12, 7).getTime()
  expect(formatMoment(noon, new Date(noon).toDateString())).toBe('12:07')
  expect(formatMoment(noon, new Date(noon + 86_400_000).toDateString())).toContain('3 May')
})
