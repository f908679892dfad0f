// The life of the server as a program: options, start, the two addresses, signals, the end.
import { constants } from 'node:os'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { messageOf, UsageError } from '../transports/errors.ts'
import { createLogger } from './logger.ts'
import { type Command, readOptions, type ServerOptions } from './options.ts'
import { ensurePage } from './page-build.ts'
import { type RunningServer, startServer } from './start.ts'

/** A server that has been told to stop is gone by then, whatever happens (R5). */
const stopDeadlineMs = 4500

export interface RunOptions {
  /** Serves the page in another way than from its build. */
  readonly page?: (app: FastifyInstance) => Promise<void>
}

/** Runs until a signal comes. A mistake in the options, or something that they name and that can't be used: one line, exit code 2. */
export async function run(options: RunOptions = {}): Promise<void> {
  const command = mistakesEnd(() => readOptions(process.argv.slice(2), process.env))
  if (command.kind === 'help') {
    process.stdout.write(command.text)
    return
  }
  const logger = createLogger(command.options.logLevel, process.stderr.isTTY)
  endOnFault(logger)
  // A signal that comes while it starts stops it as well.
  let server: RunningServer | undefined
  onSignals(logger, () => server)
  try {
    server = await start(command.options, logger, options)
  } catch (error) {
    fail(error)
  }
  sayReady(server)
}

function start(given: ServerOptions, logger: Logger, { page }: RunOptions): Promise<RunningServer> {
  const builds = given.build && page === undefined
  return startServer({
    ...given,
    logger,
    ...(page === undefined ? {} : { page }),
    ...(builds ? { prepare: () => ensurePage(say) } : {}),
  })
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function sayReady({ plainUrl, tlsUrl, h2WebSocketUrl }: RunningServer): void {
  if (!process.stdout.isTTY) {
    say(`ready ${plainUrl.href} ${tlsUrl.href}`)
    return
  }
  say(`
  Parley is open.

    ${plainUrl.href.padEnd(26)} polling, WebSocket
    ${tlsUrl.href.padEnd(26)} the same, HTTP/2 push, WebSocket over HTTP/2 (on port ${h2WebSocketUrl.port})

  A browser asks about the certificate once; "npm run trust" makes it known. Ctrl+C stops.
`)
}

function onSignals(logger: Logger, server: () => RunningServer | undefined): void {
  let isStopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // The second one is meant.
      if (isStopping || server() === undefined) process.exit(128 + constants.signals[signal])
      isStopping = true
      logger.info('The lab closes.')
      setTimeout(() => {
        logger.fatal(`It did not close within ${stopDeadlineMs} ms.`)
        process.exit(1)
      }, stopDeadlineMs).unref()
      server()
        ?.stop()
        .then(
          () => process.exit(0),
          (error: unknown) => {
            logger.fatal({ err: error }, 'It did not close well.')
            process.exit(1)
          },
        )
    })
  }
}

function endOnFault(logger: Logger): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      logger.fatal({ err: error }, 'The server failed.')
      process.exit(1)
    })
  }
}

function mistakesEnd(read: () => Command): Command {
  try {
    return read()
  } catch (error) {
    return fail(error)
  }
}

function fail(error: unknown): never {
  if (error instanceof UsageError) {
    process.stderr.write(`${messageOf(error).replaceAll('\n', ' ')}\n`)
    process.exit(2)
  }
  throw error
}
