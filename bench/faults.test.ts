// Servers that are wrong on purpose, against the real command line: each is caught, and the sentence says by which gate.
import { describe, expect, it } from 'vitest'
import { start, tiny } from './cli.harness.ts'
import { faultKinds, parseFault } from './servers/faults.ts'

interface Case {
  readonly fault: string
  readonly args: readonly string[]
  /** What only this gate says. */
  readonly words: RegExp
}

const cases: readonly Case[] = [
  {
    fault: 'drop=1000',
    args: [...tiny({ subscribers: 40, rate: 50, windowMs: 600 }), '--transports', 'tcp'],
    words: /\d deliveries lost \(\d+ of \d+\)/,
  },
  {
    fault: 'double=50',
    args: [...tiny({}), '--transports', 'tcp'],
    words: /\d deliveries doubled/,
  },
  {
    fault: 'late-first=150',
    args: [...tiny({ rate: 50, windowMs: 600 }), '--transports', 'tcp'],
    words: /not in steady state.*first message/,
  },
  {
    fault: 'http1',
    args: [...tiny({}), '--transports', 'polling'],
    words: /speaks http\/1\.1, TLS where h2, TLS is measured/,
  },
  {
    fault: 'nagle',
    args: [...tiny({ subscribers: 5, rate: 10, windowMs: 1500 }), '--transports', 'ws,tcp'],
    words: /Not configured alike: NODELAY\. ws: deliveries gather at 40 ms/,
  },
  {
    fault: 'compress',
    args: [...tiny({ rate: 50 }), '--transports', 'polling'],
    words: /\d+ bytes a delivery, where at least \d+ must be: something compresses/,
  },
]

// One after the other: each takes two cores. Some of what they measure is a matter of ms, hence another try.
describe('a server that is wrong on purpose', { timeout: 40_000, retry: 2 }, () => {
  it.each(cases)('is caught: $fault', async ({ fault, args, words }) => {
    const { code, output, complaints } = await start([...args, '--no-results', '--fault', fault]).finished
    expect(code, output + complaints).toBe(3)
    // Sentences are wrapped.
    const said = output.replaceAll(/\n +/g, ' ')
    expect(said).toContain('INVALID')
    expect(said).toMatch(words)
  })

  // Linux lets a process be kept on one core; elsewhere there is nothing to test.
  it.runIf(process.platform === 'linux')('is caught: shared-core', async () => {
    const args = [...tiny({ subscribers: 200, rate: 100, pinned: true }), '--transports', 'tcp']
    const { code, output, complaints } = await start([...args, '--no-results', '--fault', 'shared-core'])
      .finished
    expect(code, output + complaints).toBe(3)
    expect(output.replaceAll(/\n +/g, ' ')).toContain('The generator was saturated')
  })

  it('has a test of its own for every fault', () => {
    const tested = [...cases.map(({ fault }) => parseFault(fault).kind), 'shared-core']
    expect(tested.toSorted()).toEqual(faultKinds.toSorted())
  })
})
