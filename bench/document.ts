// A run's JSON file: everything measured, everything derived from it, and what is needed to do it again. Write, read and check.
import { readFileSync } from 'node:fs'
import { Compile, type Validator } from 'typebox/compile'
import { messageOf, UsageError } from '../transports/errors.ts'
import { cellSchemas, frameSchema, schemaName } from './document-schema.ts'
import type { Discarded, Measurement, Run } from './measurement.ts'
import type { Settings } from './settings.ts'
import type { Summary } from './statistics/summary.ts'

export interface BenchDocument extends Summary {
  readonly schema: string
  /** No gate objects, and the run came to its end. */
  readonly valid: boolean
  readonly settings: Settings
  readonly discarded: readonly Discarded[]
  readonly measurements: readonly Measurement[]
}

/** Puts together what a file holds. */
export function documentOf(run: Run, settings: Settings, summary: Summary): BenchDocument {
  const keeps = settings.keepsDisturbed === true
  return {
    schema: schemaName,
    valid: summary.problems.length === 0 && !summary.interrupted,
    ...summary,
    citable: summary.citable && !keeps,
    warnings: keeps
      ? [
          ...summary.warnings,
          'Blocks that something else on the machine disturbed count here (--keep-disturbed).',
        ]
      : summary.warnings,
    settings,
    discarded: run.discarded,
    measurements: run.measurements,
  }
}

/** The run that a document was made from. */
export function runOf(document: BenchDocument): Run {
  const { environment, measurements, discarded, interrupted, durationMs } = document
  return { environment, measurements, discarded, interrupted, durationMs }
}

export function renderJson(document: BenchDocument): string {
  return `${JSON.stringify(document, finite, 1)}\n`
}

/** JSON has no infinity: what has no end is null. */
function finite(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? null : value
}

/** Where null stands for a number without an end. */
const endless = new Set(['high', 'resolution'])

function revived(key: string, value: unknown): unknown {
  return value === null && endless.has(key) ? Number.POSITIVE_INFINITY : value
}

/** Reads a file. Throws a `UsageError` of one line that says what is wrong with it and what to do. */
export function readDocument(file: string): BenchDocument {
  return parseDocument(file, textOf(file))
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`${file} can't be read: ${messageOf(error)}`, { cause: error })
  }
}

/** Reads the text of a file. Throws a `UsageError` of one line. */
export function parseDocument(file: string, text: string): BenchDocument {
  let value: unknown
  try {
    value = JSON.parse(text, revived)
  } catch (error) {
    throw new UsageError(`${file} is no JSON: ${messageOf(error).split('\n')[0]}`, { cause: error })
  }
  const wrong = wrongWith(value)
  if (wrong !== null) throw new UsageError(`${file}: ${wrong}`)
  return value as BenchDocument
}

/** A sentence on what is wrong with a value as a document; null: nothing is. */
export function wrongWith(value: unknown): string | null {
  const schema = isObject(value) ? value.schema : undefined
  if (typeof schema !== 'string') return 'This is no file of the bench: it names no schema.'
  if (schema !== schemaName) {
    const again = /^parley-bench\/\d+$/.test(schema)
      ? 'Run that commit’s own bench for it, or measure again with this one.'
      : 'It belongs to another program.'
    return `Its schema is ${schema}, and ${schemaName} is read here. ${again}`
  }
  const frame = complaint(frameValidator(), value, '')
  if (frame !== null) return frame
  const { measurements } = value as BenchDocument
  for (const [place, cell] of measurements.entries()) {
    const validator = cellValidator(cell.kind)
    if (validator === null) return `measurements[${place}] is of an unknown kind, "${cell.kind}".`
    const wrong = complaint(validator, cell, `measurements[${place}]`)
    if (wrong !== null) return wrong
  }
  return null
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

let frame: Validator | null = null
const cells = new Map<string, Validator>()

// Compiled when first needed: a run that reads no file does without.
function frameValidator(): Validator {
  frame ??= Compile(frameSchema) as unknown as Validator
  return frame
}

function cellValidator(kind: string): Validator | null {
  const schema = Object.entries(cellSchemas).find(([name]) => name === kind)?.[1]
  if (schema === undefined) return null
  const known = cells.get(kind) ?? (Compile(schema) as unknown as Validator)
  cells.set(kind, known)
  return known
}

/** `measurements[3].tally.lost must be integer.` */
function complaint(validator: Validator, value: unknown, where: string): string | null {
  if (validator.Check(value)) return null
  const [first] = validator.Errors(value)
  const path = (first?.instancePath ?? '').split('/').filter((part) => part !== '')
  const place = path.reduce((sum, part) => (/^\d+$/.test(part) ? `${sum}[${part}]` : `${sum}.${part}`), where)
  return `${place.replace(/^\./, '') || 'The document'} ${first?.message ?? 'is wrong'}.`
}
