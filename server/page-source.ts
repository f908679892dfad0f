// What the page is built from, so that a build that is missing or stale is noticed.
import { createHash } from 'node:crypto'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const projectFolder = fileURLToPath(new URL('..', import.meta.url))
export const builtPageFolder = join(projectFolder, 'client', 'dist')

const stampName = '.built-from'
/** Neither tests nor what runs in Node alone ends up in a page. */
const notInThePage = /(^|\/)(dist|node_modules)\/|\.(test|suite|node|harness)\.tsx?$|(^|\/|\.)server\.ts$/

/** A hash of every file that the page may be built from, and of the versions of its dependencies. */
export function pageSource(folder = projectFolder): string {
  const files = globSync(['client/**/*', 'transports/**/*.ts', 'package-lock.json'], {
    cwd: folder,
    withFileTypes: true,
    exclude: (entry) => entry.isDirectory() && (entry.name === 'dist' || entry.name === 'node_modules'),
  })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => !notInThePage.test(path))
    .sort()
  const hash = createHash('sha256')
  for (const path of files)
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(folder, path)))
      .update('\0')
  return hash.digest('hex')
}

/** Why the page has to be built, as the start of a sentence; null when it is there and up to date. */
export function pageTrouble(folder = projectFolder): 'missing' | 'stale' | null {
  const built = join(folder, 'client', 'dist')
  try {
    readFileSync(join(built, 'index.html'))
    return readFileSync(join(built, stampName), 'utf8') === pageSource(folder) ? null : 'stale'
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return 'missing'
  }
}

/** Notes what the page was built from. */
export function stampPage(source: string, folder = projectFolder): void {
  writeFileSync(join(folder, 'client', 'dist', stampName), source)
}
