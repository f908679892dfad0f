// A process that `calibrate` asks: what its clock says, or to burn a known amount of processor time.

export type HelperQuestion = { readonly kind: 'clock' } | { readonly kind: 'burn'; readonly cpuMs: number }

/** `clock`: its monotonic clock, ns. `burn`: the processor time that it has used, by the kernel's own account of the process, ms. */
export type HelperAnswer = { readonly clockNs: bigint } | { readonly burntMs: number }

process.on('message', (question: HelperQuestion) => {
  const answer: HelperAnswer =
    question.kind === 'clock'
      ? { clockNs: process.hrtime.bigint() }
      : { burntMs: burn(question.cpuMs * 1000) / 1000 }
  process.send?.(answer)
})
process.on('disconnect', () => process.exit(0))
process.on('SIGINT', () => undefined)

function burn(cpuUs: number): number {
  const before = process.cpuUsage()
  for (;;) {
    const { user, system } = process.cpuUsage(before)
    if (user + system >= cpuUs) return user + system
  }
}
