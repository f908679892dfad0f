// Carries the checks out, one after the other, on a lab of its own.
import { readFileSync } from 'node:fs'
import { describeEnvironment } from '../environment.ts'
import { Lab } from '../lab.ts'
import type { Environment } from '../measurement.ts'
import { chooseCores, type RunningServer } from '../processes.ts'
import { type Certificate, makeCertificate } from '../servers/certificate.ts'
import type { Settings } from '../settings.ts'
import { type Check, type CheckResult, carryOut } from './check.ts'
import { closedStallCheck, delayCheck, openStallCheck, wires } from './known.ts'
import {
  bytesCheck,
  clockOffsetCheck,
  clockStepCheck,
  processorCheck,
  relayCheck,
  secureBytesCheck,
  timerCheck,
} from './meters.ts'
import { sameCheck } from './same.ts'

export interface CalibrationSettings {
  /** Of the A/A: the scenario `fanout` with one transport. Its seed, pins and cores are those of all checks. */
  readonly same: Settings
  /** Shorter windows and one wire for the stall, for the tests. */
  readonly short: boolean
}

export interface Calibration {
  readonly environment: Environment
  readonly seed: number
  readonly short: boolean
  readonly results: readonly CheckResult[]
  readonly interrupted: boolean
  readonly durationMs: number
}

/** `done`: called after each check. When `signal` is aborted it stops after the check that is under way, whose result is left out. */
export async function calibrate(
  settings: CalibrationSettings,
  done: (result: CheckResult) => void,
  signal: AbortSignal,
): Promise<Calibration> {
  const startMs = performance.now()
  const { same, short } = settings
  const cores = same.pin ? chooseCores(same.cores) : null
  const environment = describeEnvironment(cores)
  const certificate = await makeCertificate()
  const lab = await Lab.open(same, cores)
  const stop = (): void => void lab.close()
  signal.addEventListener('abort', stop)
  const results: CheckResult[] = []
  const run = async (checks: readonly Check[]): Promise<void> => {
    for (const check of checks) {
      if (signal.aborted) return
      const result = await carryOut(check, signal)
      if (signal.aborted) return
      results.push(result)
      done(result)
    }
  }
  let server: RunningServer | null = null
  try {
    await run(meterChecks(same.seed, short, certificate))
    if (!signal.aborted) {
      server = await lab.freshControl('known.ts')
      const bench = { lab, server, seed: same.seed, short }
      const stalled = short ? wires.slice(0, 1) : wires
      await run([
        ...wires.map((wire) => delayCheck(bench, wire)),
        ...stalled.map((wire) => openStallCheck(bench, wire)),
        ...stalled.map((wire) => closedStallCheck(bench, wire)),
      ])
      await server.stop()
      await lab.renew()
    }
    await run([sameCheck(lab, same, environment, signal, short)])
  } finally {
    signal.removeEventListener('abort', stop)
    await server?.stop()
    await lab.close()
    certificate.remove()
  }
  const { aborted: interrupted } = signal
  return {
    environment,
    seed: same.seed,
    short,
    results,
    interrupted,
    durationMs: performance.now() - startMs,
  }
}

function meterChecks(seed: number, short: boolean, certificate: Certificate): readonly Check[] {
  const identity = {
    cert: readFileSync(certificate.certFile),
    key: readFileSync(certificate.keyFile),
  }
  return [
    clockStepCheck,
    clockOffsetCheck,
    timerCheck(seed, short),
    processorCheck,
    bytesCheck,
    secureBytesCheck(identity),
    relayCheck,
  ]
}
