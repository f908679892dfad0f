// The bench against known quantities, in the short form of `npm run bench -- calibrate`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { start } from '../cli.harness.ts'

const folder = mkdtempSync(join(tmpdir(), 'parley-bench-calibrate-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('npm run bench -- calibrate --short', { timeout: 90_000 }, () => {
  it('calibrate passes, with a line for each known quantity', { retry: 2 }, async () => {
    const file = join(folder, 'calibration.json')
    const args = ['calibrate', '--short', '--no-pin', '--seed', '5', '--json', file]
    const { code, output } = await start(args).finished
    expect(code, output).toBe(0)
    const { results } = JSON.parse(readFileSync(file, 'utf8'))
    const names: string[] = results.map(({ name }: { name: string }) => name)
    for (const known of [
      /delay.*lines/,
      /delay.*WebSocket/,
      /stall.*open/,
      /stall.*closed/,
      /A\/A/,
      /processor/,
    ])
      expect(
        names.some((name) => known.test(name)),
        String(known),
      ).toBe(true)
    for (const name of names) expect(output).toMatch(new RegExp(`^PASS +${name.replaceAll('/', '.')}`, 'm'))
  })
})
