// Where a message is written. Enter sends, Shift+Enter breaks the line; what is written offline is kept and sent once.
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { messageOf } from '../../transports/errors.ts'
import { wireLimits } from '../../transports/limits.ts'
import { textProblem, utf8Bytes } from '../../transports/text.ts'
import { formatCount } from '../format.ts'
import type { Lab } from '../lab.ts'
import type { Room } from '../room.ts'
import { RobotControl } from './robot-control.tsx'

interface ComposerProps {
  readonly lab: Lab
  readonly room: Room
  readonly narrow: boolean
  readonly onSent: () => void
}

/** From this share of the limit on, the bytes are counted where they can be seen. */
const countFrom = 0.75

export function Composer({ lab, room, narrow, onSent }: ComposerProps) {
  const [text, setText] = useState('')
  const [refusal, setRefusal] = useState<string | null>(null)
  const area = useRef<HTMLTextAreaElement>(null)
  useLayoutEffect(() => growWithText(area.current), [text])
  const blank = text.trim() === ''
  const trouble = refusal ?? (blank ? null : textProblem(text))
  const bytes = utf8Bytes(text)
  const send = () => {
    if (blank || trouble !== null) return
    try {
      room.send(lab.user.value, text.replace(/\s+$/, ''))
      setText('')
      onSent()
    } catch (error) {
      setRefusal(messageOf(error))
    }
    area.current?.focus()
  }
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      <textarea
        ref={area}
        rows={1}
        value={text}
        aria-label={`Message to ${room.name}`}
        aria-invalid={trouble !== null}
        aria-describedby="composer-help"
        placeholder="Write a message"
        enterkeyhint="send"
        onInput={(event) => {
          setText(event.currentTarget.value)
          setRefusal(null)
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
          event.preventDefault()
          send()
        }}
      />
      <button type="submit" class="primary" aria-disabled={blank || trouble !== null}>
        Send
      </button>
      <div class="composer-foot">
        <p class="composer-help" id="composer-help">
          {trouble === null ? (
            <span class="hint">
              <kbd>Enter</kbd> sends <span aria-hidden="true">·</span> <kbd>Shift+Enter</kbd> breaks the line
            </span>
          ) : (
            <span class="wrong" role="alert">
              {trouble}
            </span>
          )}
          {bytes > wireLimits.textBytes * countFrom ? (
            <span class="composer-bytes">
              {formatCount(bytes)} of {formatCount(wireLimits.textBytes)} bytes
            </span>
          ) : null}
        </p>
        {narrow ? null : <RobotControl room={room} />}
      </div>
    </form>
  )
}

/** Makes the area as high as its text; the style sheet bounds it. */
function growWithText(area: HTMLTextAreaElement | null): void {
  if (area === null) return
  area.style.height = 'auto'
  area.style.height = `${area.scrollHeight + 2}px`
}
