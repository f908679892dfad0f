// A short value that can be changed where it stands: Enter or leaving keeps it, Escape takes it back.
import { useId, useRef, useState } from 'preact/hooks'

interface FieldProps {
  readonly label: string
  readonly value: string
  /** Why a value may not be; null when it may. */
  readonly problem: (value: string) => string | null
  readonly commit: (value: string) => void
}

export function Field({ label, value, problem, commit }: FieldProps) {
  const id = useId()
  const [typed, setTyped] = useState<string | null>(null)
  const input = useRef<HTMLInputElement>(null)
  const shown = typed ?? value
  const trouble = typed === null ? null : problem(typed)
  const keep = () => {
    if (typed !== null && typed !== value && trouble === null) commit(typed.trim())
    setTyped(null)
  }
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        ref={input}
        id={id}
        value={shown}
        spellcheck={false}
        autocomplete="off"
        enterkeyhint="done"
        aria-invalid={trouble !== null}
        aria-describedby={trouble === null ? undefined : `${id}-trouble`}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onBlur={keep}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && !event.isComposing) {
            if (trouble === null) input.current?.blur()
          } else if (event.key === 'Escape') setTyped(null)
        }}
      />
      {trouble === null ? null : (
        <p class="field-trouble" id={`${id}-trouble`} role="alert">
          {trouble}
        </p>
      )}
    </div>
  )
}
