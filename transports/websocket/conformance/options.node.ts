// The conformance suite's command line.
import { parseArgs } from 'node:util'
import { UsageError } from '../protocol/errors.ts'
import type { Role } from './case.ts'
import { groups, select } from './catalogue.ts'
import type { Target } from './fuzzing-client.node.ts'
import { defaultSettings } from './settings.ts'

export interface Options {
  /** Both when ours is tested, else one. */
  readonly roles: readonly Role[]
  /** A server that runs already; null: ours is started, or it's a client that is tested. */
  readonly target: Target | null
  /** Where an outside client will come; null: it's ours that is tested, or a server. */
  readonly listenOn: number | null
  readonly patterns: readonly string[]
  readonly messages: number
  readonly connections: number
  readonly patienceMs: number
  readonly json: string | null
}

const defaultConnections = 4

export const usage = `Usage: npm run conformance -- [--url ws://HOST:PORT/PATH | --port N] [--role server|client] [--cases LIST]

Plays up to ${groups.reduce((sum, { cases }) => sum + cases.length, 0)} cases (some are for one role only) against a WebSocket echo server, or against a client that
echoes, and judges every frame and the close. Groups 1 to 13 have the numbers of Autobahn|Testsuite's cases; those from 20 on go beyond them.
Without a URL or a port it tests both roles of Parley's own WebSocket, the server with compression.

  --url URL         a server that runs already; ws: only
  --port N          the same on 127.0.0.1; with --role client, the port to listen on until a client that echoes has
                    gone through /runCase?case=1 … N (see /getCaseCount) and asked for /updateReports
  --role ROLE       server or client
  --cases LIST      only these: 6.4,9.* (default: all)
  --messages N      of the cases that send up to 1,000 (groups 9.7, 9.8, 12 and 13), so many (default: ${defaultSettings.messages})
  --connections N   cases at a time (default: ${defaultConnections})
  --patience-ms MS  how long a close frame and the end of TCP may take (default: ${defaultSettings.patienceMs})
  --json FILE       writes all results there, too
  --help            print this

Exit: 0 nothing but OK and INFORMATIONAL, 1 something else, 2 usage.
`

/** Reads the options; null for `--help`. Throws a UsageError. */
export function readOptions(args: readonly string[]): Options | null {
  const values = parsed(args)
  if (values.help === true) return null
  const role = roleFrom(values.role)
  if (values.url !== undefined && values.port !== undefined)
    throw new UsageError('give --url or --port, not both')
  if (values.url !== undefined && role === 'client')
    throw new UsageError('--url is a server: --role client listens on --port')
  const port = values.port === undefined ? null : whole('--port', values.port, 1, 65_535)
  const listenOn = role === 'client' ? port : null
  const target = values.url === undefined ? portTarget(port, listenOn) : targetFrom(values.url)
  const roles: readonly Role[] = role !== null ? [role] : target === null ? ['server', 'client'] : ['server']
  const patterns = (values.cases ?? '*').split(',').map((pattern) => pattern.trim())
  for (const pattern of patterns) {
    if (!roles.some((each) => select(each, [pattern]).length > 0))
      throw new UsageError(`there is no case ${pattern}`)
  }
  return {
    roles,
    target,
    listenOn,
    patterns,
    messages: whole('--messages', values.messages ?? String(defaultSettings.messages), 1, 1_000_000),
    connections: whole('--connections', values.connections ?? String(defaultConnections), 1, 64),
    patienceMs: whole(
      '--patience-ms',
      values['patience-ms'] ?? String(defaultSettings.patienceMs),
      1,
      60_000,
    ),
    json: values.json ?? null,
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        url: { type: 'string' },
        port: { type: 'string' },
        role: { type: 'string' },
        cases: { type: 'string' },
        messages: { type: 'string' },
        connections: { type: 'string' },
        'patience-ms': { type: 'string' },
        json: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values
  } catch (error) {
    const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new UsageError(`${line.replace(/\.$/, '')}. See --help.`, { cause: error })
  }
}

function roleFrom(text: string | undefined): Role | null {
  if (text === undefined || text === 'server' || text === 'client') return text ?? null
  throw new UsageError(`--role is server or client, not ${text}`)
}

function portTarget(port: number | null, listenOn: number | null): Target | null {
  return port === null || listenOn !== null ? null : { host: '127.0.0.1', port, path: '/' }
}

function targetFrom(text: string): Target {
  const url = URL.parse(text)
  if (url === null || url.protocol !== 'ws:' || url.hash !== '')
    throw new UsageError(`--url begins with ws:, not ${text}`)
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 80 : Number(url.port),
    path: url.pathname + url.search,
  }
}

function whole(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new UsageError(`${option} is a whole number from ${least} to ${most}, not ${text}`)
}
