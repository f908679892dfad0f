// docs/add-a-transport.md, followed to the letter in a copy of the repository: what it says to write, change and run is written, changed and run.
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { copyTree } from '../bench/mutants/copy.ts'
import { followIn, patched, type Step, stepsOf } from './tutorial.harness.ts'

const page = readFileSync(new URL('add-a-transport.md', import.meta.url), 'utf8')
const steps = stepsOf(page)

describe('docs/add-a-transport.md', () => {
  const tree = copyTree()
  const follower = followIn(tree.folder, 60_000)
  afterAll(async () => {
    await follower.end()
    tree.remove()
  })

  const title = (step: Step): string =>
    `line ${step.line}: ${step.kind === 'commands' ? step.commands.join('; ') : `${step.kind} ${step.path}`}`

  // In order: each stands on the ones before it. One that fails leaves the rest to fail, too.
  for (const step of steps) test(title(step), () => follower.follow(step), 60_000)

  test('the lab that it started is started again with the page that has it', async () => {
    await follower.end()
    await follower.follow({ kind: 'commands', commands: ['npm start'], fails: false, output: [], line: 0 })
    const base = follower.server
    if (base === null) throw new Error('There is no server.')
    const html = await (await fetch(base)).text()
    const [script] = /[^"]+\.js(?=")/.exec(html) ?? []
    expect(await (await fetch(new URL(script ?? '', base))).text()).toContain('Line stream')
    const offered = (await (await fetch(new URL('/transports', base))).json()) as object
    expect(JSON.stringify(offered)).toContain('"line-stream"')
  }, 30_000)

  test('both halves are as short as it says, comments, blank lines and the test not counted', () => {
    const [, promised] = /under (\d+) lines/.exec(page) ?? []
    const halves = steps.filter((step) => step.kind === 'file' && /\/(client|server)\.ts$/.test(step.path))
    expect(halves).toHaveLength(2)
    const code = halves.flatMap((step) =>
      step.kind === 'file'
        ? step.text.split('\n').filter((line) => !/^\s*(\/\/.*|\/\*\*.*|)$/.test(line))
        : [],
    )
    expect(code.length).toBeLessThan(Number(promised))
  })

  test('speaks of lines that are there', () => {
    const [, section = ''] = /## The server half([\s\S]*)## Run the suite/.exec(page) ?? []
    const sources = steps.flatMap((step) => (step.kind === 'file' ? [step.text] : [])).join('\n')
    const quoted = [...section.matchAll(/^- `([^`]+)`/gm)].map(([, code = '']) => code)
    expect(quoted.length).toBeGreaterThan(5)
    for (const code of quoted) expect(sources).toContain(code)
  })
})

describe('following a page', () => {
  test('a diff whose lines are not there, or there twice, is refused', () => {
    expect(patched('a\nb\nc', ' a\n+x\n-b')).toBe('a\nx\nc')
    expect(() => patched('a\nb', ' b\n-c')).toThrow(/0 places/)
    expect(() => patched('a\na', ' a\n+b')).toThrow(/2 places/)
    expect(patched('const a = 1 // long\nb', '+new\n const a …')).toBe('new\nconst a = 1 // long\nb')
  })

  test('a block that says nothing to do is refused', () => {
    expect(() => stepsOf('```ts\nconst a = 1\n```')).toThrow(/Line 1/)
    expect(() => stepsOf('```text\nwhat\n```')).toThrow(/Line 1/)
  })

  test('output that is not as promised is refused, and so is a failure that does not come', async () => {
    const follower = followIn(process.cwd(), 10_000)
    const command = (commands: readonly string[], fails: boolean, output: readonly string[]): Promise<void> =>
      follower.follow({ kind: 'commands', commands, fails, output, line: 1 })
    await command(['echo one two'], false, ['one', 'two'])
    await command(['false'], true, [])
    await expect(command(['echo one two'], false, ['two', 'one'])).rejects.toThrow(/no such lines/)
    await expect(command(['true'], true, [])).rejects.toThrow(/exit 0/)
    await expect(command(['false'], false, [])).rejects.toThrow(/exit 1/)
  })
})
