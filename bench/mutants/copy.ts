// A copy of the working tree to break: what git tracks, and what it would, as it is now.
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Mutant, mutated } from './mutant.ts'

/** The top of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface TreeCopy {
  readonly folder: string
  /** Puts a mutant in; gives the way to take it out again. Throws a `StaleMutantError`. */
  apply(mutant: Pick<Mutant, 'name' | 'file' | 'edits'>): () => void
  remove(): void
}

/** Files that are tracked, or new and not ignored, and that are still there. */
function trackedFiles(): readonly string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const files = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\0')
  return files.filter((file) => file !== '' && file !== 'node_modules' && existsSync(join(root, file)))
}

export function copyTree(): TreeCopy {
  const folder = mkdtempSync(join(tmpdir(), 'parley-mutant-'))
  for (const file of trackedFiles()) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    copyFileSync(join(root, file), join(folder, file))
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return {
    folder,
    apply(mutant) {
      const file = join(folder, mutant.file)
      const source = readFileSync(file, 'utf8')
      writeFileSync(file, mutated(mutant, source))
      return () => writeFileSync(file, source)
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
