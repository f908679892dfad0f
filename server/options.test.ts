// The options: defaults, the environment, the command line, and one clear line for each mistake.
import { expect, test } from 'vitest'
import { UsageError } from '../transports/errors.ts'
import { serverLimits } from '../transports/limits.ts'
import { keepForever, parseKeep } from './keep.ts'
import { logLevels, readOptions, type ServerOptions } from './options.ts'

function run(argv: readonly string[], env: Record<string, string> = {}): ServerOptions {
  const command = readOptions(argv, env)
  if (command.kind !== 'run') throw new Error('It printed its help.')
  return command.options
}

function mistake(argv: readonly string[], env: Record<string, string> = {}): string {
  try {
    readOptions(argv, env)
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError)
    const text = (error as UsageError).message
    expect(text).not.toContain('\n')
    return text
  }
  throw new Error(`No error for ${argv.join(' ')}.`)
}

test('without any option the lab is local, durable and keeps everything', () => {
  expect(run([])).toEqual({
    host: '127.0.0.1',
    port: 8080,
    tlsPort: 8443,
    h2WebSocketPorts: [8444, 0],
    dataFolder: './data',
    log: 'sqlite',
    keep: keepForever,
    heartbeatMs: serverLimits.heartbeatMs,
    certificate: null,
    origins: [],
    synchronous: 'full',
    logLevel: 'info',
    build: true,
  })
})

test('the command line wins over the environment, which wins over the default', () => {
  const env = { PARLEY_PORT: '1000', PARLEY_TLS_PORT: '1001', PARLEY_HOST: '0.0.0.0', PARLEY_NO_BUILD: '1' }
  const options = run(['--port', '0', '--log=memory'], env)
  expect(options).toMatchObject({ port: 0, tlsPort: 1001, host: '0.0.0.0', log: 'memory', build: false })
})

test('the port of WebSockets over HTTP/2, once chosen, is that one alone', () => {
  expect(run(['--h2-websocket-port', '9000']).h2WebSocketPorts).toEqual([9000])
  expect(run(['--port', '0', '--tls-port', '0', '--h2-websocket-port', '0']).h2WebSocketPorts).toEqual([0])
  expect(run(['--tls-port', '8444'])).toMatchObject({ tlsPort: 8444, h2WebSocketPorts: [8444, 0] })
  expect(run([], { PARLEY_H2_WEBSOCKET_PORT: '0' }).h2WebSocketPorts).toEqual([0])
})

test('an empty variable counts as none', () => {
  expect(run([], { PARLEY_PORT: '', PARLEY_ORIGIN: '', PARLEY_NO_BUILD: '0' })).toEqual(run([]))
})

test('origins repeat, split at commas and lose their slash', () => {
  expect(
    run(['--origin', 'https://a.example/', '--origin', 'http://b.example:81,http://c.example']),
  ).toMatchObject({
    origins: ['https://a.example', 'http://b.example:81', 'http://c.example'],
  })
})

test('keep: an age, a number, both, for ever', () => {
  expect(parseKeep('forever')).toEqual({ messages: null, ageMs: null })
  expect(parseKeep('30d')).toEqual({ messages: null, ageMs: 30 * 86_400_000 })
  expect(parseKeep('90s')).toEqual({ messages: null, ageMs: 90_000 })
  expect(parseKeep('5000')).toEqual({ messages: 5000, ageMs: null })
  expect(parseKeep('24h, 100')).toEqual({ messages: 100, ageMs: 86_400_000 })
  for (const wrong of ['', '0', '-1', '1w', '1d,2d', '5,6', '1.5h', 'never', '01']) {
    expect(() => parseKeep(wrong), wrong).toThrow(UsageError)
  }
})

test('heartbeats: seconds, with a part of one, within bounds', () => {
  expect(run(['--heartbeat', '2']).heartbeatMs).toBe(2000)
  expect(run([], { PARLEY_HEARTBEAT: '0.5' }).heartbeatMs).toBe(500)
  expect(run(['--heartbeat=60']).heartbeatMs).toBe(60_000)
  for (const wrong of ['0', '0.4', '61', '-1', '2s', '1e1', '', ' 5']) {
    expect(mistake([`--heartbeat=${wrong}`]), wrong).toContain(
      '--heartbeat is a number of seconds from 0.5 to 60',
    )
  }
})

test('a certificate comes with its key', () => {
  expect(run(['--cert', 'c.pem', '--key', 'k.pem']).certificate).toEqual({
    certificateFile: 'c.pem',
    keyFile: 'k.pem',
  })
  expect(mistake(['--cert', 'c.pem'])).toContain('--key')
  expect(mistake(['--key', 'k.pem'])).toContain('--cert')
})

test.each([
  [['--prot', '1'], "Unknown option '--prot'. --help lists the options."],
  [['extra'], "Unexpected argument 'extra'"],
  [['--port'], 'argument missing'],
  [['--port', 'x'], '--port is a number from 0 to 65535, not "x".'],
  [['--port', '65536'], '65535'],
  [['--port=-1'], '65535'],
  [['--port', ''], '65535'],
  [['--port', '9000', '--tls-port', '9000'], '--port and --tls-port are both 9000'],
  [['--h2-websocket-port', '8443'], '--tls-port and --h2-websocket-port are both 8443'],
  [['--h2-websocket-port', 'x'], '--h2-websocket-port is a number'],
  [['--log', 'redis'], '--log is sqlite or memory, not "redis".'],
  [['--synchronous', 'off'], '--synchronous is full or normal'],
  [['--log-level', 'loud'], '--log-level is fatal or'],
  [['--keep', 'long'], '"long" is not a time to keep messages for.'],
  [['--origin', 'chat.example'], '--origin is a scheme, a host and a port'],
  [['--origin', 'https://chat.example/path'], '--origin is a scheme'],
  [['--data', ' '], '--data needs a value'],
  [['--log', 'memory', '--keep', '1d'], '--log memory keeps a number'],
  [['--host='], '--host needs a value'],
])('%j gets one clear line', (argv, said) => {
  expect(mistake(argv)).toContain(said)
})

test('a wrong variable is refused like a wrong option, by its own name', () => {
  expect(mistake([], { PARLEY_LOG: 'redis' })).toBe('PARLEY_LOG is sqlite or memory, not "redis".')
  expect(mistake([], { PARLEY_PORT: 'x' })).toBe('PARLEY_PORT is a number from 0 to 65535, not "x".')
  expect(mistake([], { PARLEY_HEARTBEAT: '0' })).toMatch(/^PARLEY_HEARTBEAT is a number of seconds/)
  expect(mistake(['--port', '9000'], { PARLEY_TLS_PORT: '9000' })).toMatch(/^--port and PARLEY_TLS_PORT are/)
  expect(mistake(['--log', 'memory'], { PARLEY_KEEP: '1d' })).toContain('(PARLEY_KEEP 10000)')
})

test('the help names every option, its default and its variable', () => {
  const command = readOptions(['--help', '--port', '1'], {})
  if (command.kind !== 'help') throw new Error('It ran.')
  for (const [option, initial, variable] of [
    ['--host', '127.0.0.1', 'PARLEY_HOST'],
    ['--port', '8080', 'PARLEY_PORT'],
    ['--tls-port', '8443', 'PARLEY_TLS_PORT'],
    ['--h2-websocket-port', '8444', 'PARLEY_H2_WEBSOCKET_PORT'],
    ['--data', './data', 'PARLEY_DATA'],
    ['--log', 'sqlite', 'PARLEY_LOG'],
    ['--keep', 'forever', 'PARLEY_KEEP'],
    ['--heartbeat', '10', 'PARLEY_HEARTBEAT'],
    ['--synchronous', 'full', 'PARLEY_SYNCHRONOUS'],
    ['--log-level', 'info', 'PARLEY_LOG_LEVEL'],
  ] as const) {
    expect(command.text).toContain(`${option} `)
    expect(command.text).toContain(`(default ${initial}, ${variable})`)
  }
  for (const rest of [
    '--cert FILE',
    '--key FILE',
    '--origin ORIGIN',
    '--no-build',
    'PARLEY_NO_BUILD',
    ...logLevels,
  ]) {
    expect(command.text).toContain(rest)
  }
  expect(Math.max(...command.text.split('\n').map((line) => line.length))).toBeLessThan(100)
})
