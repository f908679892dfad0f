// Where a run's results go: the folder of results, and files that were asked for.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkWritable } from '../arguments.ts'
import { type BenchDocument, renderJson } from '../document.ts'
import type { Files } from '../options.ts'
import { renderers } from './renderers.ts'

const resultsFolder = fileURLToPath(new URL('../results/', import.meta.url))

/** Throws a `UsageError` when one of the files can't be written: before minutes of work. */
export function checkFiles({ json, html, markdown }: Files): void {
  for (const file of [json, html, markdown]) if (file !== null) checkWritable(file)
}

/** Writes what was asked for, and gives a line for each place. */
export function writeFiles(document: BenchDocument, { json, html, markdown }: Files): readonly string[] {
  const written: string[] = []
  const write = (file: string | null, text: () => string): void => {
    if (file === null) return
    writeFileSync(file, text())
    written.push(file)
  }
  write(json, () => renderJson(document))
  write(html, () => renderers.html(document))
  write(markdown, () => renderers.markdown(document))
  return written
}

/** `2026-11-22-221706-476f301-quick`: the run's beginning (UTC), commit and profile. */
export function resultName({ environment, settings, interrupted }: BenchDocument): string {
  const time = environment.startedAt.slice(0, 19).replace('T', '-').replaceAll(':', '')
  const commit = environment.commit.replace('+', '-dirty')
  return `${time}-${commit}-${settings.profileName}${interrupted ? '-interrupted' : ''}`
}

/**
 * Writes the run's JSON and HTML file to `bench/results/`, and both once more as the latest ones, unless it was interrupted or is
 * invalid. Gives their places.
 */
export function writeResults(document: BenchDocument, folder: string = resultsFolder): readonly string[] {
  mkdirSync(folder, { recursive: true })
  const name = resultName(document)
  return ['json', 'html'].map((kind) => {
    const file = join(folder, `${name}.${kind}`)
    writeFileSync(file, kind === 'json' ? renderJson(document) : renderers.html(document))
    if (!document.interrupted && document.valid) copyFileSync(file, join(folder, `latest.${kind}`))
    return relative(process.cwd(), file)
  })
}
