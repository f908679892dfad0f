// `npm run relay`: a relay for people, until Ctrl+C.
import { once } from 'node:events'
import { connect } from 'node:net'
import { UsageError } from '../../transports/errors.ts'
import type { Relay, Target } from './contract.ts'
import { keysHelp, modelText, parseOptions, type RelaySettings } from './options.ts'
import { measureOverhead, overheadText } from './overhead.ts'
import { startRelay } from './relay.ts'

const probeLimitMs = 3000
const stallMs = 3000

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Throws a `UsageError` when nobody takes a connection there. */
async function requireListener({ host, port }: Required<Target>): Promise<void> {
  const socket = connect({ host, port, timeout: probeLimitMs })
  try {
    const late = once(socket, 'timeout').then(() => Promise.reject(new Error('no answer')))
    await Promise.race([once(socket, 'connect'), late])
  } catch (error) {
    const hint = 'Start the server first, or choose another with --to.'
    throw new UsageError(`Nobody listens at ${host}:${port}. ${hint}`, { cause: error })
  } finally {
    socket.destroy()
  }
}

function sayStart(relay: Relay, { target, profile, seed }: RelaySettings): void {
  const at = `127.0.0.1:${relay.port}`
  say(
    `Open https://${at}/ (or http:) for ${target.host}:${target.port}: ${profile.name}, ${profile.summary}; seed ${seed}. ${modelText}`,
  )
  say(`A Parley lab behind it must know the address: npm start -- --origin https://${at}`)
  say('It stands before that port alone: WebSockets over HTTP/2 go to the lab’s third port, past it.')
  if (process.stdin.isTTY) say(keysHelp)
}

function sayEnd(relay: Relay, overhead: string): void {
  const { accepted, refused, unreachable, cut, bytesUp, bytesDown } = relay.counts
  const { count, p50Ms, p99Ms, maxMs } = relay.ownLatency()
  const ms = (value: number | null): string => (value === null ? '–' : `${value.toFixed(2)} ms`)
  say(
    `${accepted} connections (${refused} refused, ${unreachable} unreachable, ${cut} cut), ${bytesUp} bytes up, ${bytesDown} bytes down.`,
  )
  say(
    `Passed on later than it should have: p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}, max ${ms(maxMs)} of ${count} pieces.`,
  )
  say(overhead)
}

/** What a key does; false ends it. */
function act(relay: Relay, key: string): boolean {
  const open = relay.connections.length
  switch (key) {
    case 'c':
      relay.cut('rst')
      say(`Cut ${open} connections by RST.`)
      return true
    case 'f':
      relay.cut('fin')
      say(`Cut ${open} connections by FIN.`)
      return true
    case 's':
      relay.stall(stallMs)
      say(`Nothing passes for ${stallMs / 1000} s.`)
      return true
    case 'b':
      relay.blackHole()
      say(`A black hole: ${open} connections are half-open, and new ones go into it, until h.`)
      return true
    case 'r':
      relay.refuse()
      say('New connections are reset, until h.')
      return true
    case 'h':
      relay.heal()
      say('Healed.')
      return true
    case 'q':
    case '\u0003':
    case '\u0004':
      return false
    default:
      say(keysHelp)
      return true
  }
}

/** Resolves when a person or a signal wants it to end. */
function untilEnd(relay: Relay): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  process.once('SIGINT', resolve).once('SIGTERM', resolve)
  if (process.stdin.isTTY) {
    process.stdin.setRawMode(true).setEncoding('utf8')
    process.stdin.on('data', (keys: string) => {
      for (const key of keys) if (!act(relay, key)) resolve()
    })
  }
  return promise
}

async function main(): Promise<void> {
  const command = parseOptions(process.argv.slice(2), () => Math.floor(Math.random() * 1_000_000))
  if (command.kind === 'help') {
    process.stdout.write(command.text)
    return
  }
  const { settings } = command
  await requireListener(settings.target)
  const overhead = overheadText(await measureOverhead())
  const relay = await startRelay(settings)
  const ended = untilEnd(relay)
  sayStart(relay, settings)
  await ended
  if (process.stdin.isTTY) process.stdin.setRawMode(false).pause()
  sayEnd(relay, overhead)
  await relay.close()
}

try {
  await main()
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 2
}
