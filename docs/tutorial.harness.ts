// Follows a page to the letter in a copy of the repository: writes the files that it shows, applies its diffs, runs its commands and looks for the output that it promises.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

/** A fenced block of a page, or a run of them that belong together. */
export type Step =
  | { readonly kind: 'file'; readonly path: string; readonly text: string; readonly line: number }
  | { readonly kind: 'diff'; readonly path: string; readonly text: string; readonly line: number }
  | {
      readonly kind: 'commands'
      readonly commands: readonly string[]
      /** Whether the page says that the last of them fails. */
      readonly fails: boolean
      /** What the page shows of their output, line by line; each may stand anywhere in a line, in this order. */
      readonly output: readonly string[]
      readonly line: number
    }

const fence = /^```(\S*)(?: (\S+))?\n([\s\S]*?)^```$/gm

/** The steps of a page. Throws for a block that is neither: everything that is shown is followed. */
export function stepsOf(page: string): readonly Step[] {
  const steps: Step[] = []
  for (const { 1: language = '', 2: name, 3: text = '', index } of page.matchAll(fence)) {
    const line = page.slice(0, index).split('\n').length
    const last = steps.at(-1)
    if (language === 'ts' && name !== undefined) steps.push({ kind: 'file', path: name, text, line })
    else if (language === 'diff' && name !== undefined) steps.push({ kind: 'diff', path: name, text, line })
    else if (language === 'sh' && (name === undefined || name === 'fails')) {
      const commands = text.trimEnd().split('\n')
      steps.push({ kind: 'commands', commands, fails: name === 'fails', output: [], line })
    } else if (language === 'text' && last?.kind === 'commands' && last.output.length === 0)
      steps.splice(-1, 1, { ...last, output: text.trimEnd().split('\n') })
    else throw new Error(`Line ${line}: nobody knows what to do with this block of "${language}".`)
  }
  return steps
}

/** What a diff without line numbers makes of a source: its lines of context and of removal must stand there, next to each other, once. */
export function patched(source: string, diff: string): string {
  const lines = diff.replace(/\n$/, '').split('\n')
  const of = (signs: string): readonly string[] =>
    lines.filter((line) => signs.includes(line[0] ?? ' ')).map((line) => line.slice(1))
  const before = of(' -')
  const all = source.split('\n')
  const places = all.flatMap((_, start) =>
    before.every((line, index) => startsAs(all[start + index], line)) ? [start] : [],
  )
  const [place] = places
  if (place === undefined || places.length > 1)
    throw new Error(`These lines stand in ${places.length} places, not in one:\n${before.join('\n')}`)
  const after: string[] = []
  let at = place
  for (const line of lines) {
    if (line.startsWith('+')) after.push(line.slice(1))
    else {
      // What the page shows of a line may be its beginning: the line stays as it is.
      if (!line.startsWith('-')) after.push(all[at] ?? '')
      at += 1
    }
  }
  return all.toSpliced(place, before.length, ...after).join('\n')
}

/** Lines are shown whole, but for long ones, which may end in an ellipsis. */
function startsAs(line: string | undefined, shown: string): boolean {
  if (line === undefined) return false
  return shown.endsWith(' …') ? line.startsWith(shown.slice(0, -2)) : line === shown
}

export interface Follower {
  /** Does one step. Rejects with what went otherwise than the page says. */
  follow(step: Step): Promise<void>
  /** The address of the server that the page had us start; null before. */
  readonly server: URL | null
  /** Ends what still runs. */
  end(): Promise<void>
}

export function followIn(folder: string, timeoutMs: number): Follower {
  let server: { readonly process: ChildProcess; readonly url: URL } | null = null

  async function run(step: Step & { readonly kind: 'commands' }): Promise<void> {
    let output = ''
    for (const [index, command] of step.commands.entries()) {
      if (command === 'npm start') {
        server = await start(folder, timeoutMs)
        continue
      }
      const at = server === null ? command : command.replaceAll('http://localhost:8080', server.url.origin)
      const last = index === step.commands.length - 1
      const done = await execute(
        folder,
        at,
        timeoutMs,
        (text) => command.startsWith('curl -N') && shows(text, step.output),
      )
      output += done.output
      if ((done.code !== 0) !== (step.fails && last))
        throw new Error(`${command}: exit ${done.code}\n${output}`)
    }
    if (!shows(output, step.output))
      throw new Error(
        `${step.commands.join('; ')} shows no such lines:\n${step.output.join('\n')}\nbut:\n${output}`,
      )
  }

  return {
    get server() {
      return server?.url ?? null
    },
    async follow(step) {
      if (step.kind === 'commands') return run(step)
      const file = join(folder, step.path)
      if (step.kind === 'diff') writeFileSync(file, patched(readFileSync(file, 'utf8'), step.text))
      else {
        mkdirSync(dirname(file), { recursive: true })
        writeFileSync(file, step.text)
      }
    },
    async end() {
      if (server !== null) await stopped(server.process)
    },
  }
}

/** Whether the lines stand in a text in this order. Runs of blanks count as one: columns move. */
function shows(text: string, lines: readonly string[]): boolean {
  const plain = (one: string): string => one.replace(/[ \t]+/g, ' ').trim()
  const all = plain(text)
  let at = 0
  for (const line of lines.map(plain)) {
    const found = all.indexOf(line, at)
    if (found < 0) return false
    at = found + line.length
  }
  return true
}

const bin = join(import.meta.dirname, '..', 'node_modules', '.bin')

/** What the shell of a person who reads the page has: nothing of the test that runs this. */
function environment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|NODE_ENV|NODE_OPTIONS|TEST|FORCE_COLOR)/.test(name),
  )
  const ports = { PARLEY_PORT: '0', PARLEY_TLS_PORT: '0', PARLEY_H2_WEBSOCKET_PORT: '0' }
  return { ...Object.fromEntries(inherited), ...ports, NO_COLOR: '1', PATH: `${bin}:${process.env.PATH}` }
}

interface Done {
  readonly code: number
  readonly output: string
}

/** Runs a command to its end, or until `enough`, which then is its end. */
async function execute(
  cwd: string,
  command: string,
  timeoutMs: number,
  enough: (output: string) => boolean,
): Promise<Done> {
  const child = spawn('sh', ['-c', `exec ${command}`], { cwd, env: environment(), timeout: timeoutMs })
  let output = ''
  let was = false
  const take = (chunk: Buffer): void => {
    output += stripVTControlCharacters(chunk.toString())
    if (!enough(output)) return
    was = true
    child.kill()
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve(was ? 0 : (status ?? 1)))
  })
  return { code, output }
}

/** `npm start` on free ports; resolves when it says that it is ready. */
async function start(cwd: string, timeoutMs: number): Promise<{ process: ChildProcess; url: URL }> {
  // The process itself, since npm passes no signal on.
  const child = spawn('node', ['server/main.ts'], { cwd, env: environment(), timeout: timeoutMs })
  let output = ''
  return new Promise((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      output += chunk.toString()
      const [, address] = /^ready (http:\S+)/m.exec(output) ?? []
      if (address !== undefined) resolve({ process: child, url: new URL(address) })
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('error', reject)
    child.on('close', () => reject(new Error(`The server ended:\n${output}`)))
  })
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const closed = new Promise((resolve) => child.on('close', resolve))
  child.kill('SIGTERM')
  await closed
}
