// The sources of another commit in a temporary folder, as a git worktree: for `ab`. Removed whatever happens.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf, UsageError } from '../../transports/errors.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface OldTree {
  readonly folder: string
  /** Short. */
  readonly commit: string
  /** May be called twice. */
  remove(): void
}

/** `install`: whether packages may be installed there when the lock file is another one. Throws a `UsageError` of one line. */
export function checkOut(ref: string, install: boolean): OldTree {
  const commit = commitOf(ref)
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'parley-bench-old-'))
  const remove = (): void => {
    process.off('exit', remove)
    rmSync(folder, { recursive: true, force: true })
    git('worktree', 'prune')
  }
  // Also when the process ends at once.
  process.on('exit', remove)
  try {
    git('worktree', 'add', '--detach', '--force', folder, commit)
    addPackages(folder, ref, install)
    return { folder, commit: commit.slice(0, 7), remove }
  } catch (error) {
    remove()
    if (error instanceof UsageError) throw error
    throw new UsageError(`${ref} could not be checked out: ${messageOf(error).split('\n')[0]}`, {
      cause: error,
    })
  }
}

function commitOf(ref: string): string {
  try {
    return git('rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`)
  } catch (error) {
    throw new UsageError(`git knows no commit "${ref}" here.`, { cause: error })
  }
}

/** The same packages where the lock file is the same. */
function addPackages(folder: string, ref: string, install: boolean): void {
  const lock = (where: string): string => readFileSync(join(where, 'package-lock.json'), 'utf8')
  if (lock(root) === lock(folder)) {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    return
  }
  if (!install) {
    throw new UsageError(
      `${ref} has another package-lock.json: add --install, and its packages are installed beside it (npm ci).`,
    )
  }
  process.stderr.write(`${ref} has another package-lock.json: installing its packages (npm ci).\n`)
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}
