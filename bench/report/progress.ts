// Says how far a run is: one line that is written over on a terminal, a line now and then elsewhere.
import type { Progress } from '../measure.ts'

/** Where progress goes, standard error as a rule. */
export interface ProgressOutput {
  readonly isTTY: boolean
  readonly columns: number
  write(text: string): void
}

/** Between two lines where there is no terminal. */
const lineEveryMs = 5000

export class ProgressReporter {
  readonly #output: ProgressOutput
  #lastLineMs = Number.NEGATIVE_INFINITY

  constructor(output: ProgressOutput) {
    this.#output = output
  }

  show(now: Progress): void {
    const text = progressText(now)
    if (this.#output.isTTY) this.#output.write(`\r\u001b[2K${text.slice(0, this.#output.columns - 1)}`)
    else if (now.elapsedMs - this.#lastLineMs >= lineEveryMs) {
      this.#lastLineMs = now.elapsedMs
      this.#output.write(`${text}\n`)
    }
  }

  /** Makes room for what comes next. */
  end(): void {
    if (this.#output.isTTY) this.#output.write('\r\u001b[2K')
  }
}

/** `12/96 · fanout · http2-push · block 2 · 1 min 20 s left`. */
export function progressText(now: Progress): string {
  const { doneSteps, allSteps, scenario, subject, block, remainingMs } = now
  const part = block === 0 ? 'warm-up' : `block ${block}`
  return `${doneSteps + 1}/${allSteps} · ${scenario} · ${subject} · ${part} · ${durationText(remainingMs)} left`
}

/** `45 s`, `1 min 20 s`. */
export function durationText(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000))
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
