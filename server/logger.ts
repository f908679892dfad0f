// What the server writes down: starts, stops and errors, on standard error. JSON lines, or plain ones for a person at a terminal.
import type { FastifyBaseLogger } from 'fastify'
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import type { LogLevel } from './options.ts'

/** Writes at once, so that the last words of a process that fails are not lost. */
export function createLogger(level: LogLevel, isTerminal: boolean): Logger {
  const output = pino.destination({ dest: 2, sync: true })
  return pino(
    { level, base: null, timestamp: stdTimeFunctions.isoTime },
    isTerminal ? plainLines(output) : output,
  )
}

/**
 * The logger for Fastify, which makes a child for each request. Nothing is logged by request here, so that the child is the
 * logger itself. What Fastify says about its own start is for debugging.
 */
export function withoutChildren(logger: Logger): FastifyBaseLogger {
  const same = Object.create(logger) as FastifyBaseLogger
  return Object.assign(same, { child: () => same, info: logger.debug.bind(logger) })
}

interface LogLine {
  readonly level: number
  readonly time: string
  readonly msg?: string
  readonly err?: { readonly stack?: string }
}

function plainLines(output: DestinationStream): DestinationStream {
  return {
    write(json) {
      const { level, time, msg = '', err } = JSON.parse(json) as LogLine
      const details = err?.stack === undefined ? '' : `\n${err.stack}`
      output.write(`${time.slice(11, 19)} ${pino.levels.labels[level] ?? level} ${msg}${details}\n`)
    },
  }
}
