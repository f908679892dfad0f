// The checks that mutants are set on: suites over the real transports, from end to end rather than unit by unit.
import type { CheckName } from './mutant.ts'

export interface Check {
  readonly name: string
  /** Test files, from the top of the repository; vitest takes a part of a path too. */
  readonly files: readonly string[]
  readonly what: string
}

const transportSuites = [
  'polling/polling',
  'long-polling/long-polling',
  'server-sent-events/server-sent-events',
  'http2-push/http2-push',
  'websocket/websocket',
]

export const checks: Readonly<Record<CheckName, Check>> = {
  storm: {
    name: 'storm',
    files: ['transports/session.switch.test.ts'],
    what: 'two sessions through 200 switches and cuts (R25)',
  },
  contract: {
    name: 'contract',
    files: transportSuites.map((name) => `transports/${name}.test.ts`),
    what: 'what a link promises, on each transport',
  },
  crash: {
    name: 'crash',
    files: ['server/crash.test.ts'],
    what: 'kill -9 of the real server under load, three times',
  },
  equivalence: {
    name: 'equivalence',
    files: ['bench/equivalence/equivalence'],
    what: 'each property on each transport under each fault',
  },
}

/** Where a mutant is set on next, when the check that should catch it does not. */
export const checkOrder: readonly CheckName[] = ['storm', 'contract', 'crash', 'equivalence']
