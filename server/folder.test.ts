// Folders: made with those above them, left alone when they are there, and an error where there can be none.
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeFolder } from './folder.ts'

let base = ''
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'parley-folder-'))
})
afterEach(() => {
  rmSync(base, { recursive: true, force: true })
})

test('it is made with those above it, and may be there already', () => {
  const folder = join(base, 'one', 'two', 'three')
  makeFolder(folder, 0o700)
  makeFolder(folder, 0o700)
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect(statSync(join(base, 'one')).mode & 0o777).toBe(0o700)
})

test('a file in the way is an error', () => {
  writeFileSync(join(base, 'file'), '')
  expect(() => makeFolder(join(base, 'file', 'folder'))).toThrow('ENOTDIR')
})

test.runIf(existsSync('/proc/self'))(
  'a file system that takes no folders is an error, not a wait for ever',
  () => {
    expect(() => makeFolder('/proc/parley/data')).toThrow('ENOENT')
  },
)
