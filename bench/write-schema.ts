// Writes `results.schema.json` from the schema in `document-schema.ts`: `node bench/write-schema.ts`. A test holds the two equal.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { schemaText } from './document-schema.ts'

writeFileSync(fileURLToPath(new URL('results.schema.json', import.meta.url)), schemaText())
