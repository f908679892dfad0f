// What the bare servers share: their one option, and the line that says they are ready.
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'

export type BareMode = 'echo' | 'broadcast' | 'compressed'

/** Reads `--mode echo|broadcast|compressed`. */
export function bareMode(): BareMode {
  const { values } = parseArgs({ options: { mode: { type: 'string', default: 'echo' } } })
  if (values.mode === 'echo' || values.mode === 'broadcast' || values.mode === 'compressed')
    return values.mode
  throw new RangeError(`There is no mode ${values.mode}.`)
}

export function sayUrl(address: AddressInfo | string | null): void {
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  process.stdout.write(`ws://127.0.0.1:${address.port}/\n`)
}
