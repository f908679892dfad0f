// How `npm test` finds and runs the tests: beside their sources, in Node, each file in a process of its own.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{server,client,transports,bench,docs}/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 15_000,
    // Of the tests that say that they may run beside each other.
    maxConcurrency: 6,
    hookTimeout: 30_000,
    teardownTimeout: 2_000,
    reporters: ['default'],
  },
})
