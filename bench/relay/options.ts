// The command line of `npm run relay`, and its help. Pure.

import { parseArgs } from 'node:util'
import { UsageError } from '../../transports/errors.ts'
import { optionLines, understood, whole } from '../arguments.ts'
import type { Target } from './contract.ts'
import { type Profile, profileNames, profileOf, profiles } from './profile.ts'

export interface RelaySettings {
  readonly listenPort: number
  readonly target: Required<Target>
  readonly profile: Profile
  readonly seed: number
}

export type Command =
  | { readonly kind: 'run'; readonly settings: RelaySettings }
  | { readonly kind: 'help'; readonly text: string }

const optionTable = {
  listen: {
    type: 'string',
    value: 'PORT',
    help: 'Where clients come, on 127.0.0.1; without it a free port.',
  },
  to: { type: 'string', value: 'PORT|HOST:PORT', help: 'The server: 8443, 127.0.0.1:8443 or [::1]:8443.' },
  profile: { type: 'string', value: 'NAME', help: 'One of those below; default none.' },
  seed: {
    type: 'string',
    value: 'N',
    help: 'The same seed gives the same faults; drawn and printed without it.',
  },
  'delay-ms': {
    type: 'string',
    value: 'MS',
    help: 'One way, both ways alike: the round trip is twice as long.',
  },
  'jitter-ms': {
    type: 'string',
    value: 'MS',
    help: 'Up to so much more, drawn for each piece; order is kept.',
  },
  'up-kbit': { type: 'string', value: 'N', help: 'Rate from client to server in kbit/s; 0: no limit.' },
  'down-kbit': { type: 'string', value: 'N', help: 'Rate from server to client in kbit/s; 0: no limit.' },
  'buffer-kb': {
    type: 'string',
    value: 'N',
    help: 'What it holds each way before it reads no more; default 256.',
  },
  help: { type: 'boolean', help: 'This text.' },
} as const

export const keysHelp =
  'c cut (RST), f cut (FIN), s stall 3 s, b black hole, r refuse new ones, h heal, q quit'

/** Reads the arguments. Throws a `UsageError` with one line. `drawSeed`: where no seed is given. */
export function parseOptions(args: readonly string[], drawSeed: () => number): Command {
  const values = parsed(args)
  if (values.help === true) return { kind: 'help', text: helpText() }
  if (values.to === undefined)
    throw new UsageError('--to says where the server is, such as --to 8443. See --help.')
  const profile = profileOf(values.profile ?? 'none')
  const number = (option: NumberOption): number | undefined =>
    values[option] === undefined ? undefined : numberOf(option, values[option])
  const delayMs = number('delay-ms')
  const rate = (kilobits: number | undefined, standing: number | null): number | null =>
    kilobits === undefined ? standing : kilobits === 0 ? null : kilobits * 125
  const bufferKilobytes = number('buffer-kb')
  return {
    kind: 'run',
    settings: {
      listenPort: values.listen === undefined ? 0 : portOf('--listen', values.listen, 0),
      target: targetOf(values.to),
      profile: {
        ...profile,
        delayUpMs: delayMs ?? profile.delayUpMs,
        delayDownMs: delayMs ?? profile.delayDownMs,
        jitterMs: number('jitter-ms') ?? profile.jitterMs,
        upBytesPerSecond: rate(number('up-kbit'), profile.upBytesPerSecond),
        downBytesPerSecond: rate(number('down-kbit'), profile.downBytesPerSecond),
        bufferBytes: bufferKilobytes === undefined ? profile.bufferBytes : bufferKilobytes * 1024,
      },
      seed: values.seed === undefined ? drawSeed() : whole('--seed', values.seed, 0, 2 ** 32 - 1),
    },
  }
}

const numberBounds = {
  'delay-ms': [0, 60_000],
  'jitter-ms': [0, 60_000],
  'up-kbit': [0, 10_000_000],
  'down-kbit': [0, 10_000_000],
  'buffer-kb': [1, 65_536],
} as const
type NumberOption = keyof typeof numberBounds

function numberOf(option: NumberOption, text: string): number {
  const [least, most] = numberBounds[option]
  const value = /^\d{1,8}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new UsageError(`--${option} is a number from ${least} to ${most}, not "${text}".`)
}

function portOf(option: string, text: string, least: number): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port >= least && port <= 65_535) return port
  throw new UsageError(`${option} takes a port from ${least} to 65535, not "${text}".`)
}

function targetOf(text: string): Required<Target> {
  const parts = /^(?:(?:\[([0-9a-f:]+)\]|([\w.-]+)):)?(\d+)$/i.exec(text)
  if (parts === null)
    throw new UsageError(`--to is a port, or a host and a port such as 127.0.0.1:8443, not "${text}".`)
  const [, address, name, port = ''] = parts
  return { host: address ?? name ?? '127.0.0.1', port: portOf('--to', port, 1) }
}

function parsed(args: readonly string[]) {
  return understood(
    () => parseArgs({ args: [...args], options: optionTable, strict: true, allowPositionals: false }).values,
  )
}

export function helpText(): string {
  const options = optionLines(optionTable, 22)
  return [
    'npm run relay -- --to PORT [OPTIONS]',
    'A path to a server with faults: clients connect to the relay in place of the server.',
    '',
    ...options,
    '',
    'Profiles:',
    ...profileNames.map((name) => `  ${name.padEnd(16)} ${profiles[name].summary}.`),
    '',
    modelText,
    'Opening a connection takes a round trip, as TCP does. Only this machine can connect to the relay.',
    '',
    "The lab answers only to addresses that it knows: start it with --origin https://127.0.0.1:PORT, the relay's.",
    `On a terminal, keys act on all connections: ${keysHelp}.`,
    'Ctrl+C ends it and prints what it forwarded. Exit: 0, or 2 for a mistake, a busy port, or nobody at --to.',
    '',
  ].join('\n')
}

export const modelText =
  'It models delay, jitter, rate, buffering, stalls and cuts; not packet loss, retransmission, slow start or reordering.'
