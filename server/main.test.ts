// The server as a program: one line and exit code 2 for mistakes, ready, and gone when told to.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ask, askHttp2, dialTcp } from './server.harness.ts'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))

let data = ''
const children: ChildProcess[] = []
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'parley-main-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL'))
      await once(child, 'close')
  }
  rmSync(data, { recursive: true, force: true })
})

interface Program {
  readonly child: ChildProcess
  readonly output: { out: string; error: string }
}

/** Runs the program without what the environment of the tests may say about it. */
function run(...argv: string[]): Program {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PARLEY_')))
  const child = spawn(process.execPath, [main, '--data', data, ...argv], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  const output = { out: '', error: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.error += text
  })
  return { child, output }
}

const onFreePorts = ['--no-build', '--port', '0', '--tls-port', '0', '--h2-websocket-port', '0'] as const

/** Runs the program until it says that it is ready. */
async function start(...argv: string[]): Promise<Program & { plainUrl: URL; tlsUrl: URL }> {
  const program = run(...onFreePorts, ...argv)
  const { child, output } = program
  const ended = once(child, 'close')
  while (!output.out.includes('\n')) {
    await Promise.race([once(child.stdout as NodeJS.EventEmitter, 'data'), ended])
    if (child.exitCode !== null) throw new Error(`It ended: ${output.error}`)
  }
  const [, plain = '', tls = ''] = output.out.trim().split(' ')
  return { ...program, plainUrl: new URL(plain), tlsUrl: new URL(tls) }
}

async function end({ child, output }: Program): Promise<{ code: number | null; out: string; error: string }> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  return { code: child.exitCode, ...output }
}

test.each([
  ['an unknown option', ['--colour'], "Unknown option '--colour'. --help lists the options."],
  ['a port that is none', ['--port', 'http'], '--port is a number'],
  ['a certificate that is not there', ['--cert', 'no.pem', '--key', 'no.key'], "--cert no.pem can't be read"],
  [
    'an address of another machine',
    ['--host', '192.0.2.1', '--no-build'],
    'This machine has no address 192.0.2.1.',
  ],
])('%s: one line, exit code 2', async (_what, argv, said) => {
  const { code, out, error } = await end(run(...argv))
  expect(error).toContain(said)
  expect(error.trimEnd()).not.toContain('\n')
  expect({ code, out }).toEqual({ code: 2, out: '' })
})

test('a port in use that was asked for: one line, exit code 2', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  for (const option of ['--port', '--tls-port', '--h2-websocket-port']) {
    const { code, error } = await end(run(...onFreePorts, option, String(port)))
    expect(error).toBe(`Port ${port} is in use. Stop what uses it, or choose another one with ${option}.\n`)
    expect(code).toBe(2)
  }
  taken.close()
})

test('a data folder that cannot be written, or that another server uses: one line, exit code 2', async () => {
  const file = join(data, 'file')
  writeFileSync(file, '')
  const unwritable = await end(run(...onFreePorts, '--data', file))
  expect(unwritable.error).toMatch(/can't be used .*--data\.\n$/)
  expect(unwritable.code).toBe(2)
  await start()
  const second = await end(run(...onFreePorts))
  expect(second.error).toBe(
    `Another server is using ${data}. Stop it, or choose another folder with --data.\n`,
  )
  expect(second.code).toBe(2)
})

test('it says when it is ready, keeps what it acknowledged, and ends well on SIGTERM, with links open', async () => {
  const first = await start('--log-level', 'warn')
  expect((await ask(first.plainUrl, '/readyz')).status).toBe(200)
  expect((await askHttp2(first.tlsUrl, '/readyz')).status).toBe(200)
  const draft = { id: '0199aabb-ccdd-7000-8000-000000000001', user: 'ada', text: 'kept' }
  const headers = { 'content-type': 'application/json' }
  const sent = await ask(first.plainUrl, '/rooms/lobby/messages', {
    method: 'POST',
    headers,
    body: JSON.stringify(draft),
  })
  expect(sent.status).toBe(201)
  const session = connectHttp2(first.tlsUrl.origin, { rejectUnauthorized: false })
  session.on('error', () => session.destroy())
  const stream = session.request({ ':path': '/rooms/lobby/stream' })
  stream.on('error', () => stream.destroy())
  await once(stream, 'data')
  const idle = await dialTcp(first.plainUrl)

  const startedAt = performance.now()
  first.child.kill('SIGTERM')
  const { code, error } = await end(first)
  expect(performance.now() - startedAt).toBeLessThan(5000)
  expect({ code, error }).toEqual({ code: 0, error: '' })
  idle.destroy()

  const second = await start()
  const { body } = await ask(second.plainUrl, '/rooms/lobby/messages')
  expect(JSON.parse(body).messages).toEqual([JSON.parse(sent.body)])
})

test('a second signal is meant: it ends at once', async () => {
  const program = await start()
  // It never closes its half, so that the first signal has something to wait for.
  const socket = await dialTcp(program.plainUrl)
  socket.write(
    `GET /rooms/lobby/socket HTTP/1.1\r\nHost: ${program.plainUrl.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: json\r\n\r\n`,
  )
  await once(socket, 'data')
  program.child.kill('SIGINT')
  await once(socket, 'data')
  program.child.kill('SIGINT')
  expect((await end(program)).code).toBe(130)
  socket.destroy()
})

test('--help names the options', async () => {
  const { code, out } = await end(run('--help'))
  expect(out).toContain('--tls-port')
  expect(code).toBe(0)
})
