// The chart module: axes, lines, marks, intervals and labels as SVG text. Knows scales and marks, nothing of benches.
import { escapeText } from './escape.ts'
import type { Mark, Shape } from './marks.ts'
import type { Scale } from './scale.ts'

export interface Margin {
  readonly top: number
  readonly right: number
  readonly bottom: number
  readonly left: number
}

export interface Frame {
  readonly width: number
  readonly height: number
  readonly margin: Margin
  readonly x: Scale
  readonly y: Scale
  readonly xTitle: string
  readonly yTitle: string
  /** What a screen reader says of the plot. */
  readonly label: string
}

export interface Point {
  readonly x: number
  readonly y: number
}

/** About how wide a text of 12 px is, px. */
export function textWidth(text: string): number {
  return text.length * 6.6
}

export const lineHeight = 15

export class Plot {
  readonly #frame: Frame
  readonly #parts: string[] = []
  readonly #over: string[] = []

  constructor(frame: Frame) {
    this.#frame = frame
  }

  get left(): number {
    return this.#frame.margin.left
  }
  get right(): number {
    return this.#frame.width - this.#frame.margin.right
  }
  get top(): number {
    return this.#frame.margin.top
  }
  get bottom(): number {
    return this.#frame.height - this.#frame.margin.bottom
  }

  /** Pixels; what lies outside of the domain is put on the edge. */
  at(x: number, y: number): Point {
    const inside = (share: number): number => Math.min(1, Math.max(0, share))
    return {
      x: this.left + inside(this.#frame.x.place(x)) * (this.right - this.left),
      y: this.bottom - inside(this.#frame.y.place(y)) * (this.bottom - this.top),
    }
  }

  /** A line through values; `faint`: the model's. */
  line(values: readonly Point[], mark: Mark, kind: 'measured' | 'theory' = 'measured'): void {
    const points = simplified(values.map(({ x, y }) => this.at(x, y)))
    if (points.length < 2) return
    const dash = kind === 'theory' ? '1 3' : mark.dash
    const path = points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join('')
    const dashes = dash === '' ? '' : ` stroke-dasharray="${dash}"`
    this.#parts.push(`<path class="${mark.className} ${kind}" d="${path}"${dashes}/>`)
  }

  /** A mark with what it says when it is pointed at. `hollow`: the model's, or one that failed. */
  dot(value: Point, mark: Mark, says: string, size: 'usual' | 'hollow' = 'usual'): void {
    const { x, y } = this.at(value.x, value.y)
    this.#over.push(
      `<path class="${mark.className} dot ${size}" d="${shapePath(size === 'hollow' ? 'ring' : mark.shape, x, y, 4)}" data-say="${escapeText(says)}"/>`,
    )
  }

  /** Many values that have no name each, as one path. */
  specks(values: readonly Point[], mark: Mark): void {
    const path = values.map(({ x, y }) => this.at(x, y)).map(({ x, y }) => `M${round(x)} ${round(y)}h0`)
    this.#parts.push(`<path class="${mark.className} speck" d="${path.join('')}"/>`)
  }

  /** Thin lines from the bottom up to each value, as one path. */
  bars(values: readonly Point[], mark: Mark): void {
    const path = values
      .map(({ x, y }) => this.at(x, y))
      .map(({ x, y }) => `M${round(x)} ${this.bottom}V${round(y)}`)
    this.#parts.push(`<path class="${mark.className} leader" d="${path.join('')}"/>`)
  }

  /** A horizontal interval with ends. */
  interval(low: number, high: number, y: number, mark: Mark): void {
    const [from, to] = [this.at(low, y), this.at(high, y)]
    const end = (x: number): string => `M${round(x)} ${round(from.y - 4)}v8`
    this.#parts.push(
      `<path class="${mark.className} measured" d="M${round(from.x)} ${round(from.y)}H${round(to.x)}${end(from.x)}${end(to.x)}"/>`,
    )
  }

  /** A line across the plot at a value of x, with a text at its top. */
  upright(x: number, text: string): void {
    const place = this.at(x, this.#frame.y.low)
    this.#parts.push(`<path class="rule" d="M${round(place.x)} ${this.top}V${this.bottom}"/>`)
    if (text === '') return
    const left = place.x + textWidth(text) + 6 > this.right
    this.text(place.x + (left ? -4 : 4), this.top + 11, text, left ? 'end' : 'start')
  }

  text(
    x: number,
    y: number,
    text: string,
    anchor: 'start' | 'middle' | 'end' = 'start',
    className = 'soft',
  ): void {
    this.#over.push(
      `<text class="${className}" x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escapeText(text)}</text>`,
    )
  }

  raw(svg: string): void {
    this.#parts.push(svg)
  }

  /** The names of lines, right of where they end, moved apart so that none covers another. */
  endLabels(
    ends: readonly { readonly mark: Mark; readonly value: Point; readonly text?: string }[],
    leaders = true,
  ): void {
    const from = ends.map((end) => ({ ...end, ...this.at(end.value.x, end.value.y) }))
    from.sort((one, other) => one.y - other.y)
    const places = spread(
      from.map((one) => one.y),
      lineHeight,
      [this.top + 4, this.bottom - 2],
    )
    for (const [index, end] of from.entries()) {
      const y = places[index] ?? end.y
      const x = this.right + 14
      const { className, shape, subject } = end.mark
      if (leaders)
        this.#over.push(
          `<path class="${className} leader" d="M${round(end.x + 2)} ${round(end.y)}L${round(this.right + 4)} ${round(y)}"/>`,
        )
      this.#over.push(`<path class="${className} dot" d="${shapePath(shape, x, y, 4)}"/>`)
      this.text(x + 8, y + 4, end.text ?? subject, 'start', 'ink')
    }
  }

  svg(): string {
    const { width, height, label } = this.#frame
    const open = `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeText(label)}" tabindex="0" data-plot="${round(this.left)} ${round(this.top)} ${round(this.right)} ${round(this.bottom)}">`
    return `${open}${this.#axes()}${this.#parts.join('')}${this.#over.join('')}</svg>`
  }

  #axes(): string {
    const { x, y, xTitle, yTitle, height, width } = this.#frame
    const parts: string[] = []
    for (const { value, label } of y.ticks) {
      const place = this.at(x.low, value).y
      parts.push(`<path class="grid" d="M${this.left} ${round(place)}H${this.right}"/>`)
      parts.push(
        `<text class="soft" x="${this.left - 6}" y="${round(place + 4)}" text-anchor="end">${escapeText(label)}</text>`,
      )
    }
    let free = Number.NEGATIVE_INFINITY
    for (const { value, label } of x.ticks) {
      const place = this.at(value, y.low).x
      parts.push(`<path class="grid" d="M${round(place)} ${this.top}V${this.bottom}"/>`)
      const half = textWidth(label) / 2
      const centre = Math.min(place, width - half)
      if (centre - half < free + 4) continue
      free = centre + half
      parts.push(
        `<text class="soft" x="${round(centre)}" y="${this.bottom + 16}" text-anchor="middle">${escapeText(label)}</text>`,
      )
    }
    parts.push(`<path class="axis" d="M${this.left} ${this.bottom}H${this.right}"/>`)
    parts.push(
      `<text class="soft" x="${this.right}" y="${height - 4}" text-anchor="end">${escapeText(xTitle)}</text>`,
    )
    parts.push(`<text class="soft" x="0" y="12">${escapeText(yTitle)}</text>`)
    return parts.join('')
  }
}

/** Moves places (ascending) as little as it takes for `gap` between neighbours, inside of the bounds where they fit. */
export function spread(
  places: readonly number[],
  gap: number,
  [low, high]: readonly [number, number],
): readonly number[] {
  const moved = [...places]
  for (let index = 0; index < moved.length; index++) {
    const least = index === 0 ? low : (moved[index - 1] ?? low) + gap
    moved[index] = Math.max(moved[index] ?? least, least)
  }
  for (let index = moved.length - 1; index >= 0; index--) {
    const most = index === moved.length - 1 ? high : (moved[index + 1] ?? high) - gap
    moved[index] = Math.min(moved[index] ?? most, most)
  }
  return moved
}

/** Leaves out points that lie within a third of a pixel of the straight line from the last one that is kept to the next. */
export function simplified(points: readonly Point[]): readonly Point[] {
  if (points.length < 3) return points
  const first = points[0] as Point
  const last = points.at(-1) as Point
  let farthest = 0
  let distance = 0
  const length = Math.hypot(last.x - first.x, last.y - first.y)
  for (let index = 1; index < points.length - 1; index++) {
    const point = points[index] as Point
    const area = Math.abs((last.x - first.x) * (first.y - point.y) - (first.x - point.x) * (last.y - first.y))
    const off = length === 0 ? Math.hypot(point.x - first.x, point.y - first.y) : area / length
    if (off > distance) [distance, farthest] = [off, index]
  }
  if (distance <= 0.33) return [first, last]
  return [...simplified(points.slice(0, farthest + 1)), ...simplified(points.slice(farthest)).slice(1)]
}

export function round(value: number): string {
  return String(Math.round(value * 10) / 10)
}

/** A shape around a place, as a path of its own. */
export function shapePath(shape: Shape, x: number, y: number, size: number): string {
  const [cx, cy] = [round(x), round(y)]
  const at = (dx: number, dy: number): string => `${round(x + dx * size)} ${round(y + dy * size)}`
  const circle = (radius: number): string =>
    `M${round(x - radius)} ${cy}a${round(radius)} ${round(radius)} 0 1 0 ${round(2 * radius)} 0a${round(radius)} ${round(radius)} 0 1 0 ${round(-2 * radius)} 0Z`
  switch (shape) {
    case 'circle':
      return circle(size)
    case 'ring':
      return `${circle(size)}${circle(size * 0.45)}`
    case 'bullseye':
      return `${circle(size * 1.1)}${circle(size * 0.8)}${circle(size * 0.4)}`
    case 'square':
      return `M${at(-0.9, -0.9)}H${round(x + 0.9 * size)}V${round(y + 0.9 * size)}H${round(x - 0.9 * size)}Z`
    case 'triangle':
      return `M${at(0, -1.15)}L${at(1.1, 0.85)}L${at(-1.1, 0.85)}Z`
    case 'wedge':
      return `M${at(0, 1.15)}L${at(1.1, -0.85)}L${at(-1.1, -0.85)}Z`
    case 'right':
      return `M${at(1.15, 0)}L${at(-0.85, 1.1)}L${at(-0.85, -1.1)}Z`
    case 'left':
      return `M${at(-1.15, 0)}L${at(0.85, 1.1)}L${at(0.85, -1.1)}Z`
    case 'hourglass':
      return `M${at(-1, -1.1)}L${at(1, -1.1)}L${at(-1, 1.1)}L${at(1, 1.1)}Z`
    case 'bow':
      return `M${at(-1.1, -1)}L${at(-1.1, 1)}L${at(1.1, -1)}L${at(1.1, 1)}Z`
    case 'frame':
      return `M${at(-1, -1)}L${at(1, -1)}L${at(1, 1)}L${at(-1, 1)}ZM${at(-0.5, -0.5)}L${at(0.5, -0.5)}L${at(0.5, 0.5)}L${at(-0.5, 0.5)}Z`
    case 'gem':
      return `M${at(0, -1.25)}L${at(1.1, 0)}L${at(0, 1.25)}L${at(-1.1, 0)}ZM${at(0, -0.65)}L${at(0.55, 0)}L${at(0, 0.65)}L${at(-0.55, 0)}Z`
    case 'pane':
      return `M${at(-1, -1)}L${at(1, -1)}L${at(1, 1)}L${at(-1, 1)}ZM${at(-0.3, -1)}L${at(-0.3, 1)}L${at(0.3, 1)}L${at(0.3, -1)}Z`
    case 'hexagon':
      return `M${at(1.1, 0)}L${at(0.55, 1)}L${at(-0.55, 1)}L${at(-1.1, 0)}L${at(-0.55, -1)}L${at(0.55, -1)}Z`
    case 'star':
      return starPath(x, y, size)
    case 'diamond':
      return `M${at(0, -1.25)}L${at(1.1, 0)}L${at(0, 1.25)}L${at(-1.1, 0)}Z`
    case 'plus':
      return `M${at(-1.1, -0.3)}H${round(x - 0.3 * size)}V${round(y - 1.1 * size)}H${round(x + 0.3 * size)}V${round(y - 0.3 * size)}H${round(x + 1.1 * size)}V${round(y + 0.3 * size)}H${round(x + 0.3 * size)}V${round(y + 1.1 * size)}H${round(x - 0.3 * size)}V${round(y + 0.3 * size)}H${round(x - 1.1 * size)}Z`
    case 'cross':
      return `M${at(-1.1, -0.7)}L${at(-0.7, -1.1)}L${at(0, -0.4)}L${at(0.7, -1.1)}L${at(1.1, -0.7)}L${at(0.4, 0)}L${at(1.1, 0.7)}L${at(0.7, 1.1)}L${at(0, 0.4)}L${at(-0.7, 1.1)}L${at(-1.1, 0.7)}L${at(-0.4, 0)}Z`
    case 'bar':
      return `M${cx} ${round(y - size * 1.2)}h${round(size * 0.6)}v${round(size * 2.4)}h${round(-size * 1.2)}v${round(-size * 2.4)}Z`
  }
}

function starPath(x: number, y: number, size: number): string {
  const corners = Array.from({ length: 10 }, (_, corner) => {
    const radius = size * (corner % 2 === 0 ? 1.25 : 0.5)
    const angle = (corner * Math.PI) / 5 - Math.PI / 2
    return `${round(x + radius * Math.cos(angle))} ${round(y + radius * Math.sin(angle))}`
  })
  return `M${corners.join('L')}Z`
}
