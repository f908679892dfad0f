// `npm run relay` as people start it: what it says first and last, and one line for each mistake.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UsageError } from '../../transports/errors.ts'
import { helpText, parseOptions, type RelaySettings } from './options.ts'
import { measureOverhead } from './overhead.ts'
import { profileNames, profiles } from './profile.ts'

const cli = fileURLToPath(new URL('cli.ts', import.meta.url))
let echo: Server
let port: number

beforeAll(async () => {
  echo = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket))
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  port = (echo.address() as AddressInfo).port
})
afterAll(() => {
  echo.close()
})

function settingsOf(...args: string[]): RelaySettings {
  const command = parseOptions(args, () => 77)
  if (command.kind !== 'run') throw new Error('It printed its help.')
  return command.settings
}

async function runToEnd(
  ...args: string[]
): Promise<{ code: number | null; said: string; complained: string }> {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let complained = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complained += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, said, complained }
}

describe.concurrent('npm run relay', () => {
  it('relays, says what it is first and what it did last', async () => {
    const args = ['--to', String(port), '--profile', 'lan', '--seed', '5']
    const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines: string[] = []
    const reader = createInterface(child.stdout)
    reader.on('line', (line) => lines.push(line))
    await once(reader, 'line')
    expect(lines[0]).toContain('lan, a wired office')
    expect(lines[0]).toContain('seed 5')
    expect(lines[0]).toContain('not packet loss, retransmission, slow start or reordering')
    const at = Number(/127\.0\.0\.1:(\d+)/.exec(lines[0] ?? '')?.[1])
    // The relay's end resets it.
    const client = connect(at, '127.0.0.1').on('error', () => client.destroy())
    client.write('hello')
    const [answer] = await once(client, 'data')
    expect(String(answer)).toBe('hello')
    child.kill('SIGINT')
    const [code] = await once(child, 'close')
    client.destroy()
    expect(code).toBe(0)
    expect(lines[1]).toMatch(/--origin https:\/\/127\.0\.0\.1:\d+$/)
    expect(lines[2]).toContain('before that port alone')
    expect(lines.slice(3).join('\n')).toMatch(
      /^1 connections \(0 refused, 0 unreachable, 0 cut\), 5 bytes up, 5 bytes down\.\nPassed on later.*\nA round trip takes \d/,
    )
  })

  it('one line for a busy port, nobody at the target, a wrong profile', async () => {
    const busy = await runToEnd('--to', String(port), '--listen', String(port))
    expect(busy).toMatchObject({
      code: 2,
      said: '',
      complained: `Port ${port} is in use. Choose another one.\n`,
    })
    const unused = createServer().listen(0, '127.0.0.1')
    await once(unused, 'listening')
    const { port: gone } = unused.address() as AddressInfo
    unused.close()
    await once(unused, 'close')
    const nobody = await runToEnd('--to', String(gone))
    expect(nobody.code).toBe(2)
    expect(nobody.complained).toBe(
      `Nobody listens at 127.0.0.1:${gone}. Start the server first, or choose another with --to.\n`,
    )
    const wrong = await runToEnd('--to', String(port), '--profile', '5g')
    expect([wrong.code, wrong.complained.split('\n').length]).toEqual([2, 2])
    expect(wrong.complained).toContain('There is no profile "5g"')
  })
})

describe('its options', () => {
  it('a profile, and what the options change of it', () => {
    expect(settingsOf('--to', '8443')).toEqual({
      listenPort: 0,
      target: { host: '127.0.0.1', port: 8443 },
      profile: profiles.none,
      seed: 77,
    })
    const changed = settingsOf(
      '--to=[::1]:9',
      '--profile',
      '3g',
      '--delay-ms',
      '10',
      '--jitter-ms',
      '0',
      '--up-kbit',
      '0',
      '--down-kbit',
      '8',
      '--buffer-kb',
      '2',
      '--seed',
      '1',
      '--listen',
      '9443',
    )
    expect(changed).toMatchObject({
      listenPort: 9443,
      target: { host: '::1', port: 9 },
      seed: 1,
      profile: {
        name: '3g',
        delayUpMs: 10,
        delayDownMs: 10,
        jitterMs: 0,
        upBytesPerSecond: null,
        downBytesPerSecond: 1000,
        bufferBytes: 2048,
      },
    })
  })

  it.each([
    [[], '--to says where'],
    [['--to', 'x'], '--to is a port'],
    [['--to', '0'], '--to takes a port from 1'],
    [['--to', '1', '--listen', '65536'], '--listen takes a port'],
    [['--to', '1', '--delay-ms', '-1'], 'delay-ms'],
    [['--to', '1', '--delay-ms', '60001'], '--delay-ms is a number from 0 to 60000'],
    [['--to', '1', '--buffer-kb', '0'], '--buffer-kb is a number from 1'],
    [['--to', '1', '--seed', '4294967296'], '--seed is a whole number'],
    [['--to', '1', '--loss', '5'], "Unknown option '--loss'. See --help."],
    [['1'], 'Unexpected argument'],
  ])('%j gets one line', (args, said) => {
    try {
      parseOptions(args, () => 0)
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError)
      expect((error as UsageError).message).toContain(said)
      expect((error as UsageError).message).not.toContain('\n')
      return
    }
    throw new Error('no error')
  })

  it('the help names every profile and stays within a terminal', () => {
    for (const name of profileNames) expect(helpText()).toContain(`  ${name} `)
    expect(
      Math.max(
        ...helpText()
          .split('\n')
          .map((line) => line.length),
      ),
    ).toBeLessThan(132)
  })
})

it('its own cost is measured, not assumed', async () => {
  const { straight, relayed, count } = await measureOverhead()
  expect(count).toBe(1000)
  expect(straight.p50Ms).toBeGreaterThan(0)
  expect(relayed.p50Ms).toBeGreaterThan(straight.p50Ms)
  expect(relayed.p50Ms).toBeLessThan(5)
})
