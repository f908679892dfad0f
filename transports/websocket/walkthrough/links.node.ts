// The links of docs/websocket.md to lines of code, each named by what stands there: checks them, or sets them right.
// `node transports/websocket/walkthrough/links.node.ts` after code has moved.
import { readFileSync, writeFileSync } from 'node:fs'

export const page = new URL('../../../docs/websocket.md', import.meta.url)

/** A link in the page: the code in its text, the file, and the line that it points at. */
export interface CodeLink {
  readonly symbol: string
  readonly path: string
  readonly line: number
}

const linkPattern = /\[`([^`\]]+)`\]\(([^)#\s]+\.ts)#L(\d+)\)/g

export function codeLinks(text: string): readonly CodeLink[] {
  return Array.from(text.matchAll(linkPattern), ([, symbol = '', path = '', line = '']) => ({
    symbol,
    path,
    line: Number(line),
  }))
}

/** What is wrong with a link, in words, or null: the line must hold the code that the link's text names. */
export function linkFault(link: CodeLink): string | null {
  const found = linesOf(link.path)[link.line - 1]
  if (found?.includes(link.symbol) === true) return null
  return `${link.path}#L${link.line} has no ${link.symbol}, but: ${found?.trim() ?? 'no such line'}`
}

/** The page with every link at its declaration, or else at the nearest line that has its code. Throws when there is none. */
export function repaired(text: string): string {
  return text.replace(linkPattern, (_, symbol: string, path: string, line: string) => {
    const lines = linesOf(path)
    const places = lines.flatMap((each, index) => (each.includes(symbol) ? [index + 1] : []))
    const declared = declarations(symbol)
      .map((pattern) => places.find((place) => pattern.test(lines[place - 1] ?? '')))
      .find((place) => place !== undefined)
    const [nearest] = places.sort(
      (one, other) => Math.abs(one - Number(line)) - Math.abs(other - Number(line)),
    )
    const place = declared ?? nearest
    if (place === undefined) throw new Error(`${path} has no ${symbol} any more`)
    return `[\`${symbol}\`](${path}#L${place})`
  })
}

/** Where a name comes from, what is surest first: a declaration, else a method or a field. */
function declarations(symbol: string): readonly RegExp[] {
  const name = symbol.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return [
    new RegExp(`(?:function|class|const|interface|type)\\s+${name}(?![\\w$])`),
    new RegExp(`^\\s+(?:static |readonly |async |get |set )*${name}\\s*[(:=<]`),
  ]
}

function linesOf(path: string): readonly string[] {
  return readFileSync(new URL(path, page), 'utf8').split('\n')
}

if (import.meta.main) {
  const before = readFileSync(page, 'utf8')
  const after = repaired(before)
  writeFileSync(page, after)
  process.stdout.write(
    `${codeLinks(after).length} links, ${before === after ? 'all right before' : 'set right'}\n`,
  )
}
