// What a document is rendered with besides the screen.
import type { BenchDocument } from '../document.ts'
import { renderReport } from '../report/html/render.ts'

export const renderers: {
  readonly html: (document: BenchDocument) => string
  /** Null: there is none yet. */
  readonly markdown: ((document: BenchDocument) => string) | null
} = { html: renderReport, markdown: null }
