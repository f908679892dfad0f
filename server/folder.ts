// Makes a folder, with the ones above it.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes `folder` when it is missing; new folders are for their owner alone where `mode` says so. Throws what the system says.
 * Node's own `recursive` never returns where a folder that is there takes no new ones and calls that ENOENT (/proc).
 */
export function makeFolder(folder: string, mode = 0o777): void {
  if (tryToMake(folder, mode) === 'no parent') {
    makeFolder(dirname(folder), mode)
    // This time it is an error.
    if (tryToMake(folder, mode) === 'no parent') mkdirSync(folder, { mode })
  }
}

function tryToMake(folder: string, mode: number): 'there' | 'no parent' {
  try {
    mkdirSync(folder, { mode })
    return 'there'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return 'there'
    if (code === 'ENOENT' && dirname(folder) !== folder) return 'no parent'
    throw error
  }
}
