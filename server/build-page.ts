// `npm run build`: builds the page. The server runs it in a process of its own, so that nothing of it stays in memory.
import { join } from 'node:path'
import { build } from 'vite'
import { pageSource, projectFolder, stampPage } from './page-source.ts'

// Taken first: what is saved while it builds makes it stale.
const source = pageSource()
await build({ configFile: join(projectFolder, 'client', 'vite.config.ts'), logLevel: 'warn' })
stampPage(source)
