// What a check of the bench itself is, and what becomes of it.

/** The outcome of one measurement of a known quantity. */
export interface Finding {
  readonly passed: boolean
  /** What was measured, with its unit. */
  readonly figure: string
  /** What it must keep to. */
  readonly bound: string
  /** The same figure as plain numbers, for the JSON file. */
  readonly values: Readonly<Record<string, number>>
}

export interface Check {
  /** `delay, lines`. */
  readonly name: string
  /** What is known beforehand and how the figure comes about: one or two sentences. */
  readonly why: string
  measure(): Promise<Finding>
}

export interface CheckResult extends Finding {
  readonly name: string
  readonly why: string
  /** From 1: a check that fails is measured again, twice at most, as a busy machine can fail any of them. */
  readonly tries: number
}

const triesAtMost = 3

/** Measures until it passes, three times at most. A check that throws has failed, and says why. */
export async function carryOut(check: Check, signal: AbortSignal): Promise<CheckResult> {
  for (let tries = 1; ; tries++) {
    const finding = await check.measure().catch(failed)
    if (finding.passed || tries === triesAtMost || signal.aborted) {
      return { name: check.name, why: check.why, ...finding, tries }
    }
  }
}

function failed(error: unknown): Finding {
  const message = error instanceof Error ? error.message : String(error)
  return { passed: false, figure: message, bound: 'to be measured at all', values: {} }
}

/** `0.123`: ms with as many digits as are worth reading. */
export function msText(ms: number): string {
  return `${ms.toFixed(Math.abs(ms) < 1 ? 3 : Math.abs(ms) < 10 ? 2 : 1)} ms`
}
