// The server's check of a draft: the one schema, compiled once, and the rules of text.ts.
import { Compile } from 'typebox/compile'
import { type Draft, DraftSchema } from './message.ts'
import { textProblem, userProblem } from './text.ts'

const compiled = Compile(DraftSchema)

/** Why `value` is no draft, as a sentence; null when it is one. */
export function draftProblem(value: unknown): string | null {
  if (!compiled.Check(value)) return describe(value)
  return userProblem(value.user) ?? textProblem(value.text)
}

/** The draft in `value` and nothing else of it. Call it after `draftProblem` gave null. */
export function asDraft(value: Draft): Draft {
  return { id: value.id, user: value.user, text: value.text }
}

function describe(value: unknown): string {
  const first = compiled.Errors(value)[0]
  if (first === undefined) return 'A draft is {"id", "user", "text"}.'
  const place = first.instancePath === '' ? 'The draft' : `"${first.instancePath.slice(1)}"`
  if (place === '"id"') return '"id" must be a UUID of version 7, in lower case.'
  // What the schema has under no name: its validator knows only that nothing may stand there.
  if (first.message === 'schema is false')
    return `${place} is no field of a draft, which is {"id", "user", "text"}.`
  return `${place} ${first.message}. A draft is {"id", "user", "text"}.`
}
