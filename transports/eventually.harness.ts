// Waits in tests for what comes by and by: for as long as a busy machine may take, and no longer than it must.
import { vi } from 'vitest'

/** Calls `check` again and again until it doesn't throw, for eight seconds at most; then it throws what `check` threw. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 8000, interval: 5 })
}
