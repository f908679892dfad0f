// What somebody probably meant who mistyped a name.
import { UsageError } from '../transports/errors.ts'

/** The known name that is at most two slips away (a letter too many, missing, wrong, or two swapped); null: none is. */
export function suggestionFor(name: string, known: readonly string[]): string | null {
  const atMost = name.length <= 4 ? 1 : 2
  let best: { readonly name: string; readonly slips: number } | null = null
  for (const one of known) {
    const slips = slipsBetween(name.toLowerCase(), one)
    if (slips <= atMost && slips < (best?.slips ?? Number.POSITIVE_INFINITY)) best = { name: one, slips }
  }
  return best?.name ?? known.find((one) => name.length >= 3 && one.startsWith(name.toLowerCase())) ?? null
}

/** The name itself if it is known. Throws a `UsageError` of one line, with a suggestion where there is one. */
export function oneOf(what: string, name: string, known: readonly string[]): string {
  if (known.includes(name)) return name
  throw new UsageError(unknownText(what, name, known))
}

/** `There is no transport "websoket". Did you mean websocket? Known: …` */
export function unknownText(what: string, name: string, known: readonly string[]): string {
  const suggestion = suggestionFor(name, known)
  const meant = suggestion === null ? '' : ` Did you mean ${suggestion}?`
  return `There is no ${what} "${name}".${meant} Known: ${known.join(', ')}.`
}

/** Optimal string alignment distance. */
function slipsBetween(one: string, other: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let row = 1; row <= one.length; row++) {
    const current = [row]
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1] ? 0 : 1
      let least = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + same,
      )
      const swapped = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
      if (row > 1 && column > 1 && swapped) least = Math.min(least, (beforeLast[column - 2] ?? 0) + 1)
      current.push(least)
    }
    beforeLast = last
    last = current
  }
  return last[other.length] ?? 0
}
