// Writes the example's report to a file, to be looked at: `node bench/report/html/look.harness.ts report.html [quick]`.
import { writeFileSync } from 'node:fs'
import { exampleDocument } from '../example.harness.ts'
import { renderReport } from './render.ts'

const [file = 'report.html', profileName = 'standard'] = process.argv.slice(2)
const document = profileName === 'quick' ? exampleDocument({ profileName, blocks: 2 }) : exampleDocument()
writeFileSync(file, renderReport(document))
