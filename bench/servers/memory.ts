// Loaded into a server before its own code (`--import`, with `--expose-gc`): tells the bench its memory after a forced collection.

/** What `process.memoryUsage` says after a forced garbage collection, bytes. */
export interface Memory {
  readonly rss: number
  readonly heapUsed: number
  readonly external: number
  readonly arrayBuffers: number
}

process.on('message', (question: unknown) => {
  if (question !== 'memory' || globalThis.gc === undefined) return
  globalThis.gc()
  // A second one takes what the first has only let go of.
  globalThis.gc()
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
  process.send?.({ rss, heapUsed, external, arrayBuffers } satisfies Memory)
})
