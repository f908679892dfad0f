// The search for the largest load that holds an objective: a verdict in, the next load out. Pure.

/** `generator`: it does not hold, but not because of the server. */
export type Verdict = 'holds' | 'fails' | 'generator'

export interface SearchPlan {
  readonly start: number
  /** Below this nothing is looked for. */
  readonly least: number
  /** The search ends when the smallest load that failed is at most this times the largest that held. */
  readonly resolution: number
  /** Fresh windows in which the result must hold. */
  readonly confirmations: number
  readonly mostSteps: number
}

/** Why it ended. `found`: to the resolution; `generator`: it could not make more; `nothing`: not even the least holds; `steps`: too many. */
export type SearchEnd = 'found' | 'generator' | 'nothing' | 'steps'

export interface Search {
  readonly plan: SearchPlan
  readonly phase: 'search' | 'confirm' | 'done'
  /** The load to try now; after the end the last one. */
  readonly offered: number
  /** Loads that held and have not failed since, ascending. */
  readonly held: readonly number[]
  /** The smallest that failed; null: none. */
  readonly failed: number | null
  /** Fresh windows that held so far. */
  readonly confirmed: number
  /** The load is tried again, as the generator was in the way: it may have been something else on the machine. */
  readonly isSecondTry: boolean
  /** The generator was the limit at some load. */
  readonly generatorBound: boolean
  readonly steps: number
  readonly end: SearchEnd | null
  /** Null until a load is confirmed. */
  readonly capacity: number | null
}

export function beginSearch(plan: SearchPlan): Search {
  return {
    plan,
    phase: 'search',
    offered: plan.start,
    held: [],
    failed: null,
    confirmed: 0,
    isSecondTry: false,
    generatorBound: false,
    steps: 0,
    end: null,
    capacity: null,
  }
}

/** What comes after the load that was tried. Throws a RangeError after the end. */
export function nextSearch(before: Search, verdict: Verdict): Search {
  if (before.phase === 'done') throw new RangeError('This search has ended.')
  const search = { ...before, steps: before.steps + 1, isSecondTry: false }
  const next = after(search, verdict, before.isSecondTry)
  return next.phase !== 'done' && next.steps >= next.plan.mostSteps ? ended(next, 'steps') : next
}

function after(search: Search, verdict: Verdict, wasSecondTry: boolean): Search {
  if (verdict === 'holds') return afterSuccess(search)
  if (verdict === 'generator' && !wasSecondTry) return { ...search, isSecondTry: true }
  return afterFailure(search, verdict)
}

function afterSuccess(search: Search): Search {
  const { phase, offered, plan, held, failed } = search
  if (phase === 'confirm') {
    const confirmed = search.confirmed + 1
    if (confirmed < plan.confirmations) return { ...search, confirmed }
    const done = { ...search, confirmed, capacity: offered }
    return ended(done, search.generatorBound ? 'generator' : 'found')
  }
  const grown = { ...search, held: [...held, offered] }
  return failed === null ? { ...grown, offered: offered * 2 } : between(grown)
}

function afterFailure(search: Search, verdict: 'fails' | 'generator'): Search {
  const { offered, plan } = search
  const next: Search = {
    ...search,
    phase: 'search',
    confirmed: 0,
    failed: Math.min(search.failed ?? offered, offered),
    // What held once and did not in a fresh window does not hold.
    held: search.held.filter((load) => load < offered),
    generatorBound: search.generatorBound || verdict === 'generator',
  }
  if (next.held.length > 0) {
    // More than this the generator can't make: what held so far is all that can be said.
    return verdict === 'generator' ? confirm(next) : between(next)
  }
  if (verdict === 'generator') return ended(next, 'generator')
  const half = Math.floor(offered / 2)
  return half < plan.least ? ended(next, 'nothing') : { ...next, offered: half }
}

/** Halves what is between the largest load that held and the smallest that failed. */
function between(search: Search): Search {
  const low = search.held.at(-1)
  const { failed, plan } = search
  if (low === undefined || failed === null) return search
  const middle = Math.round((low + failed) / 2)
  const isFound = failed / low <= plan.resolution || middle <= low || middle >= failed
  return isFound ? confirm(search) : { ...search, offered: middle }
}

function confirm(search: Search): Search {
  return { ...search, phase: 'confirm', confirmed: 0, offered: search.held.at(-1) ?? search.offered }
}

function ended(search: Search, end: SearchEnd): Search {
  return { ...search, phase: 'done', end }
}
