// The proof: counted from the offsets that the session handed up, by code that shares nothing with the session.
import { formatCount, formatDuration } from '../format.ts'
import type { Room } from '../room.ts'
import { Explained } from './explain.tsx'

const words =
  'From the numbers of all messages since this room was entered, across every switch: skipped, seen twice, out of order. Last switch: from the choice until the new link had caught up, on this page’s monotonic clock.'

export function ProofLine({ room }: { readonly room: Room }) {
  const { lost, duplicated, reordered, lastSwitch } = room.figures.value
  const clean = lost + duplicated + reordered === 0
  return (
    <Explained class={`proof ${clean ? '' : 'broken'}`} words={words}>
      <span class="proof-mark" aria-hidden="true">
        {clean ? '✓' : '✕'}
      </span>
      <span class="proof-counts">
        lost <b>{formatCount(lost)}</b> · duplicated <b>{formatCount(duplicated)}</b> · reordered{' '}
        <b>{formatCount(reordered)}</b> · last switch{' '}
        <b>{lastSwitch === null ? '–' : formatDuration(lastSwitch.durationMs)}</b>
      </span>
    </Explained>
  )
}
