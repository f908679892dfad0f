// Loaded into a server before its own code (`--import`, with `--expose-gc`): tells the bench its memory after a forced collection.

/** What `process.memoryUsage` says after a garbage collection that gives empty pages back to the system, bytes. */
export interface Memory {
  readonly rss: number
  readonly heapUsed: number
  readonly external: number
  readonly arrayBuffers: number
}

process.on('message', (question: unknown) => {
  if (question !== 'memory' || globalThis.gc === undefined) return
  // Two regular collections free as much and keep the pages that the traffic before them has filled: resident memory then tells of the traffic,
  // 1.5 MiB for each of 50 readers that take everything, where this one leaves 0.15 MiB.
  globalThis.gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
  process.send?.({ rss, heapUsed, external, arrayBuffers } satisfies Memory)
})
