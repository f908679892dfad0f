// The matrix on every other transport, from the first on.
import { equivalenceSuite } from './equivalence.suite.ts'

equivalenceSuite(0, 2)
