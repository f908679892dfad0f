// A mutant: one way to break Parley on purpose, as data. And how it is put into a file.

/** The suites that mutants are set on; `checks.ts` says what each runs. */
export type CheckName = 'storm' | 'contract' | 'crash' | 'equivalence'

/** Replaces a text that occurs exactly once. */
export interface Edit {
  readonly find: string
  readonly replace: string
}

export interface Mutant {
  readonly name: string
  /** From the top of the repository. */
  readonly file: string
  readonly edits: readonly Edit[]
  /** What it breaks, in one line. */
  readonly breaks: string
  /** The check that is expected to catch it: it runs first. */
  readonly caughtBy: CheckName
  /** A part of the names of the tests that run then, where the whole check would take long. A regular expression. */
  readonly only?: string
}

/** A mutant whose text isn't there any more, or more than once: somebody has changed the code beneath it. */
export class StaleMutantError extends Error {
  override readonly name = 'StaleMutantError'
}

/** The file's source with the mutant in it. Throws a `StaleMutantError`. */
export function mutated(mutant: Pick<Mutant, 'name' | 'file' | 'edits'>, source: string): string {
  return mutant.edits.reduce((text, { find, replace }) => {
    const times = text.split(find).length - 1
    if (times === 1) return text.replace(find, () => replace)
    const found = times === 0 ? "isn't there" : `is there ${times} times`
    throw new StaleMutantError(
      `The mutant ${mutant.name} is stale: in ${mutant.file} its text ${found}: ${find.split('\n')[0]?.trim()}`,
    )
  }, source)
}
