// A straight line through points by least squares: what one more connection takes, as the slope of memory over connections.

export interface Line {
  readonly slope: number
  readonly intercept: number
  /** The share of the variance that the line explains. */
  readonly fit: number
}

/** Null with fewer than two different places. */
export function lineThrough(points: readonly { readonly x: number; readonly y: number }[]): Line | null {
  const count = points.length
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / count
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / count
  let [xx, xy, yy] = [0, 0, 0]
  for (const { x, y } of points) {
    xx += (x - meanX) ** 2
    xy += (x - meanX) * (y - meanY)
    yy += (y - meanY) ** 2
  }
  if (!(xx > 0)) return null
  const slope = xy / xx
  return { slope, intercept: meanY - slope * meanX, fit: yy === 0 ? 1 : (xy * xy) / (xx * yy) }
}
