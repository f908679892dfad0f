// The server's options, from the command line and the environment. Pure: nothing is opened or checked on disk here.
import { parseArgs } from 'node:util'
import { messageOf, UsageError } from '../transports/errors.ts'
import { type Keep, parseKeep } from './keep.ts'

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** Shorter ones cost more than what they carry; longer ones find a dead link later than a proxy forgets it. */
const shortestHeartbeatSeconds = 0.5
const longestHeartbeatSeconds = 60

export interface ServerOptions {
  readonly host: string
  /** Plain HTTP/1.1; 0 takes a free port. */
  readonly port: number
  /** HTTP/2 and HTTP/1.1 over TLS; 0 takes a free port. */
  readonly tlsPort: number
  /** WebSockets over HTTP/2, over TLS: the first of these that is free; 0 takes any. */
  readonly h2WebSocketPorts: readonly number[]
  readonly dataFolder: string
  readonly log: 'sqlite' | 'memory'
  readonly keep: Keep
  /** How often a link that is kept open says that it is alive. A link that is silent for twice as long is taken for dead. */
  readonly heartbeatMs: number
  /** PEM files that replace the lab's own certificate. Both or none. */
  readonly certificate: { readonly certificateFile: string; readonly keyFile: string } | null
  /** Origins of other pages that may talk to the lab, as browsers write them. */
  readonly origins: readonly string[]
  readonly synchronous: 'full' | 'normal'
  readonly logLevel: LogLevel
  /** Whether a missing or stale page is built at the start. */
  readonly build: boolean
}

export type Command =
  | { readonly kind: 'run'; readonly options: ServerOptions }
  | { readonly kind: 'help'; readonly text: string }

interface OptionText {
  readonly value?: string
  readonly initial?: string
  readonly text: readonly string[]
}

/** Every option that takes a value: what `--help` says of it, and what it is without it. */
const valueOptions = {
  host: { value: 'HOST', initial: '127.0.0.1', text: ['The address to listen on.'] },
  port: { value: 'N', initial: '8080', text: ['Plain port: HTTP/1.1. 0 takes a free one.'] },
  'tls-port': {
    value: 'N',
    initial: '8443',
    text: ['TLS port: HTTP/2 and HTTP/1.1. 0 takes a free one.'],
  },
  'h2-websocket-port': {
    value: 'N',
    initial: '8444',
    text: [
      'TLS port of WebSockets over HTTP/2. 0 takes a free',
      'one, as does the default where it is in use.',
    ],
  },
  data: { value: 'DIR', initial: './data', text: ['Where messages and the certificate are kept.'] },
  log: {
    value: 'sqlite|memory',
    initial: 'sqlite',
    text: ['Where rooms live. Memory ends with the process.'],
  },
  keep: {
    value: 'TIME',
    initial: 'forever',
    text: [
      'How long: an age (24h, 30d), a number of messages a',
      'room (10000), both (30d,10000), or forever.',
    ],
  },
  heartbeat: {
    value: 'SECONDS',
    initial: '10',
    text: [
      'How often an open link says that it is alive: 0.5 to',
      '60. Silent for twice as long, it is taken for dead.',
    ],
  },
  synchronous: {
    value: 'full|normal',
    initial: 'full',
    text: [
      'full: an acknowledged message survives a power cut.',
      'normal: it survives a crash of the process, faster.',
    ],
  },
  cert: { value: 'FILE', text: ['A certificate chain (PEM) of your own, with --key.'] },
  key: { value: 'FILE', text: ['Its private key (PEM).'] },
  origin: {
    value: 'ORIGIN',
    text: [
      'Another address under which people open the lab,',
      "such as a proxy's: https://chat.example. May be",
      'repeated, or split with commas.',
    ],
  },
  'log-level': { value: 'LEVEL', initial: 'info', text: [`${logLevels.join(', ')}.`] },
} as const satisfies Record<string, OptionText>

type ValueOption = keyof typeof valueOptions

const valueOptionNames = Object.keys(valueOptions) as ValueOption[]

/**
 * Reads the command line (without the program) and the environment; the command line wins.
 * Throws a `UsageError` with one line that says what to do.
 */
export function readOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Command {
  const values = parse(argv)
  if (values.help === true) return { kind: 'help', text: helpText() }
  const take = (name: ValueOption): Given => {
    const given = values[name]
    const last = Array.isArray(given) ? given.join(',') : given
    if (typeof last === 'string') return { name: `--${name}`, value: last }
    const variable = variableOf(name)
    return env[variable]
      ? { name: variable, value: env[variable] }
      : { name: `--${name}`, value: initialOf(name) }
  }
  const log = oneOf(take('log'), ['sqlite', 'memory'])
  const keep = parseKeep(take('keep').value ?? '')
  if (log === 'memory' && keep.ageMs !== null) {
    throw new UsageError(
      `${take('log').name} memory keeps a number of messages a room (${take('keep').name} 10000), not an age.`,
    )
  }
  const h2WebSocketPort = take('h2-websocket-port')
  requireDifferent([
    take('port'),
    take('tls-port'),
    // The default one gives way.
    ...(h2WebSocketPort.value === initialOf('h2-websocket-port') ? [] : [h2WebSocketPort]),
  ])
  return {
    kind: 'run',
    options: {
      host: required(take('host')),
      port: portOf(take('port')),
      tlsPort: portOf(take('tls-port')),
      h2WebSocketPorts: h2WebSocketPortsOf(h2WebSocketPort),
      dataFolder: required(take('data')),
      log,
      keep,
      heartbeatMs: heartbeatMsOf(take('heartbeat')),
      certificate: certificateOf(take('cert').value, take('key').value),
      origins: originsOf(take('origin')),
      synchronous: oneOf(take('synchronous'), ['full', 'normal']),
      logLevel: oneOf(take('log-level'), logLevels),
      build: !(values['no-build'] === true || isYes(env.PARLEY_NO_BUILD)),
    },
  }
}

/** What was given for an option, or its default, and what to call it in a complaint: the option, or the variable that it came from. */
interface Given {
  readonly name: string
  readonly value: string | undefined
}

/** Throws a `UsageError` when two ports are the same; 0, which takes a free one, may be given more than once. */
function requireDifferent(ports: readonly Given[]): void {
  const names = new Map<number, string>()
  for (const { name, value } of ports) {
    const port = Number(value)
    const other = names.get(port)
    if (port > 0 && other !== undefined) {
      throw new UsageError(`${other} and ${name} are both ${port}; each needs a port of its own.`)
    }
    names.set(port, name)
  }
}

function parse(argv: readonly string[]): Record<string, string | boolean | string[] | undefined> {
  try {
    const { values } = parseArgs({
      args: [...argv],
      strict: true,
      allowPositionals: false,
      options: {
        ...Object.fromEntries(
          valueOptionNames.map((name) => [name, { type: 'string', multiple: name === 'origin' } as const]),
        ),
        'no-build': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    return values as Record<string, string | boolean | string[] | undefined>
  } catch (error) {
    const [firstLine = ''] = messageOf(error).split(/\. |\n/)
    throw new UsageError(`${firstLine.replace(/\.$/, '')}. --help lists the options.`, { cause: error })
  }
}

/** The environment variable of an option: `--tls-port` is `PARLEY_TLS_PORT`. */
function variableOf(name: string): string {
  return `PARLEY_${name.toUpperCase().replaceAll('-', '_')}`
}

function initialOf(name: ValueOption): string | undefined {
  const option: OptionText = valueOptions[name]
  return option.initial
}

function required({ name, value }: Given): string {
  if (value === undefined || value.trim() === '') throw new UsageError(`${name} needs a value.`)
  return value
}

function portOf({ name, value }: Given): number {
  const port = value !== undefined && /^[0-9]{1,5}$/.test(value) ? Number(value) : Number.NaN
  if (!(port <= 65_535)) throw new UsageError(`${name} is a number from 0 to 65535, not "${value}".`)
  return port
}

function heartbeatMsOf({ name, value }: Given): number {
  const seconds =
    value !== undefined && /^[0-9]{1,2}(\.[0-9]{1,3})?$/.test(value) ? Number(value) : Number.NaN
  if (seconds >= shortestHeartbeatSeconds && seconds <= longestHeartbeatSeconds) return seconds * 1000
  const range = `${shortestHeartbeatSeconds} to ${longestHeartbeatSeconds}`
  throw new UsageError(`${name} is a number of seconds from ${range}, not "${value}".`)
}

/** Nobody types this port: the page asks where it is. So the default one may be another lab's. */
function h2WebSocketPortsOf(given: Given): readonly number[] {
  const port = portOf(given)
  return given.value === initialOf('h2-websocket-port') ? [port, 0] : [port]
}

function oneOf<const T extends string>({ name, value }: Given, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value)
  if (found === undefined) throw new UsageError(`${name} is ${choices.join(' or ')}, not "${value}".`)
  return found
}

function certificateOf(
  certificateFile: string | undefined,
  keyFile: string | undefined,
): ServerOptions['certificate'] {
  if (certificateFile === undefined && keyFile === undefined) return null
  if (certificateFile === undefined)
    throw new UsageError('--key needs --cert, the certificate that it is for.')
  if (keyFile === undefined) throw new UsageError('--cert needs --key, the private key of the certificate.')
  return { certificateFile, keyFile }
}

function originsOf({ name, value }: Given): readonly string[] {
  if (value === undefined) return []
  return value
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .map((one) => {
      const url = URL.parse(one)
      if (url === null || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`) {
        throw new UsageError(
          `${name} is a scheme, a host and a port such as https://chat.example:8443, not "${one}".`,
        )
      }
      return url.origin
    })
}

function isYes(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false'
}

function helpText(): string {
  const lines = [
    'Usage: npm start -- [options]',
    '',
    'Starts the lab: one chat, every transport, measured.',
    '',
  ]
  for (const name of valueOptionNames) {
    const option: OptionText = valueOptions[name]
    lines.push(...entry(`--${name} ${option.value}`, option.text, option.initial, variableOf(name)))
  }
  lines.push(
    ...entry('--no-build', ['Serve the page as it is, however old.'], undefined, variableOf('no-build')),
    ...entry('-h, --help', ['This text.'], undefined, undefined),
    '',
    'The command line wins over the environment.',
  )
  return `${lines.join('\n')}\n`
}

function entry(
  name: string,
  text: readonly string[],
  initial: string | undefined,
  variable: string | undefined,
): string[] {
  const notes = [...(initial === undefined ? [] : [`default ${initial}`]), ...(variable ? [variable] : [])]
  const all = notes.length > 0 ? [...text, `(${notes.join(', ')})`] : text
  return all.map((line, index) => `  ${(index === 0 ? name : '').padEnd(27)} ${line}`)
}
