// How `npm test` finds and runs the tests: beside their sources, in Node, each file in a process of its own.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// Hundreds of processes are started, most of them servers and benches: each is up in two thirds of the time, with half of the processor's.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/node-compile', import.meta.url))

export default defineConfig({
  test: {
    include: ['{server,client,transports,bench,docs}/**/*.test.ts'],
    pool: 'forks',
    // A third would gain nothing on two cores, and what measures would have none of its own.
    maxWorkers: 2,
    testTimeout: 15_000,
    // Of the tests that say that they may run beside each other.
    maxConcurrency: 6,
    hookTimeout: 30_000,
    // As `eventually` waits: a second, the default, is less than a busy machine may take for what needs ten milliseconds.
    expect: { poll: { timeout: 8000, interval: 20 } },
    teardownTimeout: 2_000,
    reporters: ['default'],
  },
})
