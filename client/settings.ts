// What the page remembers: settings for the browser, and what belongs to one tab. Storage may be switched off; then nothing is remembered.
import { type Signal, signal } from '@preact/signals'

/** `browser`: for every tab, and for the next time. `tab`: survives a reload of this tab alone. */
export type Scope = 'browser' | 'tab'

const prefix = 'parley.'

function storage(scope: Scope): Storage {
  return scope === 'browser' ? localStorage : sessionStorage
}

/** Reads a remembered value. `accept` gives it back when it is one, else null: anything may stand in storage. */
export function recall<Value>(
  scope: Scope,
  name: string,
  accept: (value: unknown) => Value | null,
): Value | null {
  try {
    const text = storage(scope).getItem(prefix + name)
    return text === null ? null : accept(JSON.parse(text))
  } catch {
    return null
  }
}

/** Remembers a value as JSON; null forgets it. */
export function remember(scope: Scope, name: string, value: unknown): void {
  try {
    if (value === null) storage(scope).removeItem(prefix + name)
    else storage(scope).setItem(prefix + name, JSON.stringify(value))
  } catch (error) {
    console.info('Parley cannot remember settings here.', error)
  }
}

/** A signal that starts with what was remembered and remembers what it becomes. */
export function remembered<Value>(
  scope: Scope,
  name: string,
  accept: (value: unknown) => Value | null,
  initial: Value,
): Signal<Value> {
  const value = signal(recall(scope, name, accept) ?? initial)
  let first = true
  value.subscribe((current) => {
    if (!first) remember(scope, name, current)
    first = false
  })
  return value
}

export function acceptBoolean(value: unknown): boolean | null {
  return typeof value === 'boolean' ? value : null
}

export function acceptString(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

/** Takes a number between two bounds. */
export function acceptNumber(least: number, most: number): (value: unknown) => number | null {
  return (value) => (typeof value === 'number' && value >= least && value <= most ? value : null)
}

/** Takes one of a few words. */
export function acceptOneOf<Word extends string>(words: readonly Word[]): (value: unknown) => Word | null {
  return (value) => words.find((word) => word === value) ?? null
}
