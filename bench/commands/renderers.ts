// What a document is rendered with besides the screen.
import type { BenchDocument } from '../document.ts'

export const renderers: {
  readonly html: ((document: BenchDocument) => string) | null
  readonly markdown: ((document: BenchDocument) => string) | null
} = { html: null, markdown: null }
