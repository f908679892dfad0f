// Finds links in a text. The page shows the parts as text and as safe links; nothing is ever read as HTML.
import { LinkifyIt } from 'linkify-it'

export type TextPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly href: string }

const finder = new LinkifyIt({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false, maxLength: 2000 })
// Only addresses that say their scheme, and only these: no javascript:, no data:, no scheme of whatever page this is.
finder.add('ftp:', null).add('//', null)

const safeSchemes: ReadonlySet<string> = new Set(['http:', 'https:', 'mailto:'])

/** Splits a text into plain parts and links. Joined, the parts' texts are the text. */
export function linkify(text: string): readonly TextPart[] {
  // Most messages have no link: this is far cheaper than the search.
  if (!text.includes(':')) return [{ kind: 'text', text }]
  const parts: TextPart[] = []
  let end = 0
  for (const match of finder.match(text) ?? []) {
    const href = safeAddress(match.url)
    if (href === null) continue
    if (match.index > end) parts.push({ kind: 'text', text: text.slice(end, match.index) })
    parts.push({ kind: 'link', text: match.raw, href })
    end = match.lastIndex
  }
  if (end < text.length) parts.push({ kind: 'text', text: text.slice(end) })
  return parts
}

function safeAddress(address: string): string | null {
  const parsed = URL.parse(address)
  return parsed !== null && safeSchemes.has(parsed.protocol) ? parsed.href : null
}
