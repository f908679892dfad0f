// What speaks against citing a run, in sentences: how it was asked for, what it was measured with, and what came of it.
import { profiles } from '../limits.ts'
import type { Settings } from '../settings.ts'
import { hasBlocks } from './delivery.ts'
import type { Summary } from './summary.ts'

/** What citing asks of the settings; the profile's name alone where nothing was changed. */
export type CitedSettings = { readonly profileName: string } & Partial<
  Pick<Settings, 'profile' | 'scenarios' | 'fault' | 'keepsDisturbed'>
>

export function notCitableFor(
  settings: CitedSettings,
  run: Pick<Summary, 'environment' | 'interrupted' | 'problems' | 'tables'>,
): readonly string[] {
  const { environment, interrupted, problems, tables } = run
  const { fault = null, keepsDisturbed = false } = settings
  const few = tables.filter((table) => table.kind === 'delivery' && !hasBlocks(table))
  const reasons: readonly (readonly [boolean, string])[] = [
    [problems.length > 0, 'It is invalid.'],
    [interrupted, 'It was interrupted.'],
    [settings.profileName === 'quick', 'A quick run has too few blocks.'],
    [fault !== null, `Its servers were made wrong on purpose (--fault ${fault}).`],
    [keepsDisturbed, 'Blocks that something else on the machine disturbed count (--keep-disturbed).'],
    [isShortened(settings), `Its blocks or windows are shorter than those of ${settings.profileName}.`],
    [environment.commit.endsWith('+'), 'The tree had changes.'],
    [environment.commit === 'unknown', 'Nobody can tell what was measured: it ran outside of git.'],
    [
      few.length > 0,
      `Too few blocks: ${few.map(({ scenario, load }) => `${scenario}, ${load}`).join('; ')}.`,
    ],
  ]
  return reasons.filter(([applies]) => applies).map(([, sentence]) => sentence)
}

const lengths = ['blocks', 'rounds', 'windowMs'] as const

/** Fewer blocks or rounds, or shorter windows, than the profile has, in a scenario that was asked for. */
function isShortened({ profileName, profile, scenarios }: CitedSettings): boolean {
  const usual = Object.entries(profiles).find(([name]) => name === profileName)?.[1]
  if (usual === undefined || profile === undefined) return false
  const own = new Map<string, unknown>(Object.entries(profile))
  const asked = Object.entries(usual).filter(([name]) => scenarios === undefined || scenarios.includes(name))
  return (
    profile.blocks < usual.blocks ||
    asked.some(([name, section]) => {
      const [mine, theirs] = [numbersOf(own.get(name)), numbersOf(section)]
      return lengths.some((key) => (mine.get(key) ?? Number.POSITIVE_INFINITY) < (theirs.get(key) ?? 0))
    })
  )
}

function numbersOf(section: unknown): ReadonlyMap<string, number> {
  if (typeof section !== 'object' || section === null) return new Map()
  return new Map(
    Object.entries(section).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  )
}
