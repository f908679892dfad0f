// How often polling asks: 100 ms to 30 s on a logarithmic scale, and whether a hidden page asks at all.
import { useId } from 'preact/hooks'
import { formatDuration } from '../format.ts'
import { intervalAt, stepOf, steps } from '../interval.ts'
import type { Lab } from '../lab.ts'

export function PollingInterval({ lab }: { readonly lab: Lab }) {
  const id = useId()
  const intervalMs = lab.intervalMs.value
  return (
    <div class="interval">
      <label for={id}>Asks every</label>
      <input
        id={id}
        type="range"
        min={0}
        max={steps}
        value={stepOf(intervalMs)}
        aria-valuetext={formatDuration(intervalMs)}
        onInput={(event) => {
          lab.intervalMs.value = intervalAt(Number(event.currentTarget.value))
        }}
      />
      <output for={id}>{formatDuration(intervalMs)}</output>
      <label class="check">
        <input
          type="checkbox"
          checked={lab.pauseWhenHidden.value}
          onChange={(event) => {
            lab.pauseWhenHidden.value = event.currentTarget.checked
          }}
        />
        Pause while this tab is hidden
      </label>
    </div>
  )
}
