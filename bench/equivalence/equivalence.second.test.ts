// The matrix on every other transport, from the second on.
import { equivalenceSuite } from './equivalence.suite.ts'

equivalenceSuite(1, 2)
