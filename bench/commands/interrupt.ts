// SIGINT and SIGTERM: the first asks to stop and keep what there is, the second ends at once.
import { killChildren } from '../processes.ts'
import { exitCodes } from './exit-codes.ts'

export interface Interrupt {
  readonly signal: AbortSignal
  /** Signals mean again what they meant before. */
  release(): void
}

/** Listens from now on. `lastly`: what must not be left behind even when the second one comes; synchronous. */
export function listenForInterrupt(lastly: () => void = () => undefined): Interrupt {
  const controller = new AbortController()
  const onSignal = (): void => {
    if (!controller.signal.aborted) {
      process.stderr.write('\nStopping; once more ends at once, without results.\n')
      controller.abort()
      return
    }
    killChildren()
    lastly()
    process.exit(exitCodes.interrupted)
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    release: () => void process.off('SIGINT', onSignal).off('SIGTERM', onSignal),
  }
}
