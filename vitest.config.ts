// How `npm test` finds and runs the tests: beside their sources, in Node, each file in a process of its own.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// Hundreds of processes are started, most of them servers and benches: each is up in two thirds of the time, with half of the processor's.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/node-compile', import.meta.url))

/** These run the bench or chaos themselves, which need a core for the server and one for its clients, or say how late bytes may be. */
const measuring = [
  'bench/{bench,commands,faults,scenarios}.test.ts',
  'bench/{calibrate/calibrate,chaos/chaos,relay/relay}.test.ts',
]

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 15_000,
    // Of the tests that say that they may run beside each other.
    maxConcurrency: 6,
    hookTimeout: 30_000,
    teardownTimeout: 2_000,
    reporters: ['default'],
    projects: [
      {
        extends: true,
        test: { name: 'bench', include: measuring, maxWorkers: 2, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: 'lab',
          include: ['{server,client,transports,bench,docs}/**/*.test.ts'],
          exclude: measuring,
          // One more than two cores have: many a test waits for a timer.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
