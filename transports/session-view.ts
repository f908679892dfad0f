// A session's links and its ladder, as they are shown. Pure.
import type { LinkView, RungView } from './session.state.ts'
import type { Attempt } from './session-attempt.ts'

export interface SessionLinks {
  readonly live: Attempt | null
  readonly former: Attempt | null
  /** The best first. */
  readonly openings: readonly Attempt[]
}

/** In the order in which they came. */
export function linkViews({ live, former, openings }: SessionLinks): readonly LinkView[] {
  const links: LinkView[] = []
  if (former !== null) links.push(former.view('closing'))
  if (live !== null) links.push(live.view(former === null ? 'live' : 'catching-up'))
  for (const opening of openings) links.push(opening.view('opening'))
  return links
}

/** What is held against each step, and over it what the links know better: which of them is open, or being opened. */
export function ladderView(
  rungs: readonly RungView[],
  { live, openings }: SessionLinks,
): readonly RungView[] {
  return rungs.map((rung) => {
    if (live?.transport.name === rung.transport)
      return { ...rung, standing: 'open', detail: null, untilMs: null }
    const isOpening = openings.some(({ transport }) => transport.name === rung.transport)
    return isOpening ? { ...rung, standing: 'opening' } : rung
  })
}
