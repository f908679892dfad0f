// Runs a campaign in a worker and watches over it: a hang, a crash or an end of memory becomes a finding, too.
import { Worker } from 'node:worker_threads'
import { toHex } from './bytes.ts'
import type { CampaignOrder, CampaignReport, Finding, Summary } from './campaign.node.ts'
import { connectOurs } from './listen.ts'
import { makeCase, makeTargets } from './targets.node.ts'

export interface RunOptions extends Omit<CampaignOrder, 'current'> {
  /** A case that takes longer hangs. */
  readonly hangMs: number
  readonly progress: (summary: Summary) => void
}

const watchEveryMs = 200
const maxHeapMegabytes = 512
const nothing: Summary = {
  seconds: 0,
  traces: 0,
  bytes: 0,
  targets: {},
  rules: {},
  digest: '00000000',
  growthBytes: 0,
  retainedBytes: 0,
  finding: null,
}

/** Resolves with the summary of the run, whatever happens in it. */
export function runCampaign(options: RunOptions): Promise<Summary> {
  const { hangMs, progress, ...order } = options
  const current = new SharedArrayBuffer(4)
  const worker = new Worker(new URL('campaign.node.ts', import.meta.url), {
    workerData: { ...order, current } satisfies CampaignOrder,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes },
  })
  let latest = nothing
  return new Promise((resolve) => {
    let settled = false
    const settle = (summary: Summary): void => {
      if (settled) return
      settled = true
      clearInterval(watch)
      worker.terminate().then(
        () => resolve(summary),
        () => resolve(summary),
      )
    }
    const fail = (what: string): void =>
      settle({ ...latest, finding: findingAt(order, new Int32Array(current)[0] ?? 0, what) })
    let seen = -1
    let looksInVain = 0
    let before = worker.performance.eventLoopUtilization()
    const watch = setInterval(() => {
      const index = Atomics.load(new Int32Array(current), 0)
      if (index !== seen) {
        seen = index
        looksInVain = 0
        before = worker.performance.eventLoopUtilization()
        return
      }
      // Looks are counted, not time: a machine that stood still for a while held this thread up as well.
      looksInVain += 1
      if (looksInVain * watchEveryMs <= hangMs) return
      const { utilization } = worker.performance.eventLoopUtilization(before)
      const doing = utilization > 0.5 ? 'it runs in a circle' : 'it waits'
      fail(`it has not come back after ${hangMs} ms: ${doing}`)
    }, watchEveryMs)
    worker.on('message', ({ done, summary }: CampaignReport) => {
      latest = summary
      seen = -1
      if (done) settle(summary)
      else progress(summary)
    })
    worker.on('error', (error) =>
      fail(`it throws: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    )
    worker.on('exit', (code) => fail(`the worker has ended with ${code}`))
  })
}

/** The case of a number, made again. */
function findingAt(order: Omit<CampaignOrder, 'current'>, index: number, what: string): Finding {
  const { target, it } = makeCase(makeTargets(order.targets, connectOurs), order.seed, index)
  return { target: target.name, index, what, trace: toHex(it.trace), outcome: '' }
}
