// A page that is missing or stale is noticed, and one that is up to date is left alone.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { pageSource, pageTrouble, stampPage } from './page-source.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-page-'))
  write('package-lock.json', '{}')
  write('client/main.tsx', 'main')
  write('client/views/room.tsx', 'room')
  write('transports/session.ts', 'session')
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function write(path: string, text: string): void {
  const file = join(folder, path)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, text)
}

function build(): void {
  const source = pageSource(folder)
  write('client/dist/index.html', 'built')
  stampPage(source, folder)
}

test('without a build it is missing; a build of somebody else is stale', () => {
  expect(pageTrouble(folder)).toBe('missing')
  write('client/dist/assets/main.js', 'half a build')
  expect(pageTrouble(folder)).toBe('missing')
  build()
  expect(pageTrouble(folder)).toBeNull()
})

test.each([
  ['a view changed', () => write('client/views/room.tsx', 'another')],
  ['a file came', () => write('client/views/new.tsx', '')],
  ['a file went', () => rmSync(join(folder, 'client/views/room.tsx'))],
  ['a transport changed', () => write('transports/session.ts', 'another')],
  ['a dependency changed', () => write('package-lock.json', '{"name":"parley"}')],
])('stale: %s', (_what, change) => {
  build()
  change()
  expect(pageTrouble(folder)).toBe('stale')
})

test.each([
  ['client/main.test.tsx'],
  ['client/dist/assets/more.js'],
  ['client/chromium.node.ts'],
  ['transports/polling/server.ts'],
  ['transports/request.server.ts'],
  ['transports/contract.suite.ts'],
  ['transports/websocket/dial.node.ts'],
])('%s is no part of the page', (path) => {
  build()
  write(path, 'changed')
  expect(pageTrouble(folder)).toBeNull()
})
