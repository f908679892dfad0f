// What the command lines share: complaints in one line, numbers within bounds.
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../transports/errors.ts'
import { checkWritable, optionLines, understood, whole } from './arguments.ts'

test('what Node says of a wrong option becomes one sentence that leads to the help', () => {
  const parse = () =>
    understood(() => parseArgs({ args: ['--sede', '7'], options: { seed: { type: 'string' } } }))
  expect(parse).toThrow(UsageError)
  expect(parse).toThrow(/^Unknown option '--sede'\. See --help\.$/)
})

describe('a whole number', () => {
  test.each(['5', '86400', '007'])('takes %s', (text) => {
    expect(whole('--seconds', text, 5, 86_400)).toBe(Number(text))
  })

  test.each(['4', '86401', '-5', '5.5', '1e3', '0x10', '', ' 7', '99999999999'])('refuses "%s"', (text) => {
    expect(() => whole('--seconds', text, 5, 86_400)).toThrow(
      `--seconds is a whole number from 5 to 86400, not "${text}".`,
    )
  })
})

test('options stand in one column, with what they take', () => {
  expect(optionLines({ seed: { value: 'N', help: 'Of all.' }, help: { help: 'This text.' } }, 10)).toEqual([
    '  --seed N   Of all.',
    '  --help     This text.',
  ])
})

test('a file that cannot be written is said before the work', () => {
  const file = join(tmpdir(), 'no-such-folder', 'run.json')
  expect(() => checkWritable(file)).toThrow(/run\.json can't be written: ENOENT/)
})
