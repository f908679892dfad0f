// What a document is rendered with besides the screen.
import type { BenchDocument } from '../document.ts'
import { renderReport } from '../report/html/render.ts'
import { renderMarkdown } from '../report/markdown.ts'

export const renderers: {
  readonly html: (document: BenchDocument) => string
  readonly markdown: (document: BenchDocument) => string
} = { html: renderReport, markdown: renderMarkdown }
