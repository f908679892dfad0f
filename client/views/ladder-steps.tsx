// How far the ladder got: the step in use, and why each better one is not.
import { describeTransport } from '../../transports/catalogue.ts'
import type { RungView } from '../../transports/session.state.ts'
import { formatDuration, secondsUntil } from '../format.ts'
import type { Lab } from '../lab.ts'
import type { Room } from '../room.ts'
import { hueOf } from '../theme.ts'

interface LadderStepsProps {
  readonly lab: Lab
  readonly room: Room
}

export function LadderSteps({ lab, room }: LadderStepsProps) {
  const { ladder } = room.state.value
  const used = ladder.findIndex(({ standing }) => standing === 'open')
  // What lies below the step in use was not asked. Of those that race one stands here at most, so that the rows below stay where they are:
  // all of them are links.
  const first = ladder.find(({ standing }) => standing === 'opening')
  const known =
    used < 0
      ? ladder.filter((rung) => rung === first || rung.standing === 'failed' || rung.standing === 'skipped')
      : ladder.slice(0, used + 1).filter((rung) => rung.standing !== 'opening' || rung.detail !== null)
  return (
    <ol class="steps" aria-label="Steps of the ladder, the best first">
      {known.map((rung) => (
        <li
          key={rung.transport}
          class={`step step-${rung.standing}`}
          style={{ '--hue': hueOf(describeTransport(rung.transport)) }}
        >
          <span class="swatch" aria-hidden="true" />
          <p>
            <b>{describeTransport(rung.transport).short}</b> {words(rung, lab.nowMs.value)}
          </p>
        </li>
      ))}
    </ol>
  )
}

function words({ standing, detail, untilMs }: RungView, nowMs: number): string {
  switch (standing) {
    case 'open':
      return 'in use'
    case 'opening':
      return 'is being opened'
    case 'untried':
      return 'not tried'
    case 'failed':
      return `failed: ${detail ?? ''}`
    case 'skipped': {
      const seconds = untilMs === null ? 0 : secondsUntil(untilMs, nowMs)
      return `left alone: ${detail ?? ''} Tried again in ${formatDuration(seconds * 1000)}.`
    }
    default:
      return standing satisfies never
  }
}
