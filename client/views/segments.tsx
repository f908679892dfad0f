// One of a few, side by side: a radio group.
import { useId } from 'preact/hooks'

interface SegmentsProps<Value extends string | number> {
  readonly legend: string
  readonly hideLegend?: boolean
  readonly options: readonly { readonly value: Value; readonly title: string }[]
  readonly value: Value
  readonly choose: (value: Value) => void
}

export function Segments<Value extends string | number>(props: SegmentsProps<Value>) {
  const name = useId()
  return (
    <fieldset class="segments">
      <legend class={props.hideLegend === true ? 'unseen' : undefined}>{props.legend}</legend>
      <div class="segments-row">
        {props.options.map((option) => (
          <label key={option.value}>
            <input
              type="radio"
              name={name}
              checked={option.value === props.value}
              onChange={() => props.choose(option.value)}
            />
            <span>{option.title}</span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}
