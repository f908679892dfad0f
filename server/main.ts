// `npm start`: the lab, with the page built before it opens.
import { run } from './run.ts'

await run()
