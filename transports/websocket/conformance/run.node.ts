// Runs cases, several at a time: against a server, or for a client that comes and asks for them.
import type { Case } from './case.ts'
import type { Group } from './catalogue.ts'
import { runAgainstServer, type Target } from './fuzzing-client.node.ts'
import { FuzzingServer } from './fuzzing-server.node.ts'
import type { Result } from './judge.ts'
import type { Settings } from './settings.ts'

export interface RunOptions {
  readonly groups: readonly Group[]
  readonly settings: Settings
  /** Cases at a time. */
  readonly connections: number
  /** Called after each case. */
  readonly judged: (result: Result, done: number, of: number) => void
}

/** Resolves with the results in the cases' order. */
export async function testServer(target: Target, options: RunOptions): Promise<readonly Result[]> {
  const cases = options.groups.flatMap(({ cases: each }) => each)
  const results = new Map<Case, Result>()
  let next = 0
  const goOn = async (): Promise<void> => {
    while (next < cases.length) {
      const index = next++
      const it = cases[index]
      if (it === undefined) return
      const result = await runAgainstServer(it, index, target, options.settings)
      results.set(it, result)
      options.judged(result, results.size, cases.length)
    }
  }
  await Promise.all(Array.from({ length: options.connections }, goOn))
  return cases.flatMap((it) => results.get(it) ?? [])
}

/**
 * Waits for a client that goes through the cases.
 *
 * @param ready called with the port when it may come; what it returns is awaited, too
 * @returns the results of the cases that it asked for, in their order
 */
export async function testClient(
  port: number,
  ready: (port: number) => Promise<void> | void,
  options: RunOptions,
): Promise<readonly Result[]> {
  const cases = options.groups.flatMap(({ cases: each }) => each)
  const results = new Map<string, Result>()
  const server = new FuzzingServer(cases, options.settings, (result) => {
    results.set(result.number, result)
    options.judged(result, results.size, cases.length)
  })
  try {
    const listening = await server.listen(port)
    await Promise.all([server.finished, ready(listening)])
  } finally {
    server.close()
  }
  return cases.flatMap(({ number }) => results.get(number) ?? [])
}
