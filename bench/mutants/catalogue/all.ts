// Every mutant. A new one is an entry in one of these lists.
import type { Mutant } from '../mutant.ts'
import { hubMutants } from './hub.ts'
import { sessionMutants } from './session.ts'
import { transportMutants } from './transports.ts'

export const mutants: readonly Mutant[] = [...sessionMutants, ...hubMutants, ...transportMutants]
