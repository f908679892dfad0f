// Whether the transports' hues can be seen on every surface of the page, and told from each other, whoever looks.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { autoEntry, catalogue } from '../transports/catalogue.ts'

type Triple = readonly [number, number, number]
type Matrix = readonly [Triple, Triple, Triple]

const tokens = readFileSync(new URL('./styles/tokens.css', import.meta.url), 'utf8')

/** A surface as the style sheet has it. */
function surface(name: string, mode: 'light' | 'dark'): string {
  const found = new RegExp(`--${name}: light-dark\\((#[0-9a-f]{6}), (#[0-9a-f]{6})\\)`).exec(tokens)
  const colour = found?.[mode === 'light' ? 1 : 2]
  if (colour === undefined) throw new Error(`tokens.css has no --${name}.`)
  return colour
}

/** sRGB without its gamma, each part in 0 to 1 (WCAG 2.2, "relative luminance"). */
function linear(colour: string): Triple {
  const part = (from: number): number => {
    const value = Number.parseInt(colour.slice(from, from + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return [part(1), part(3), part(5)]
}

function times(matrix: Matrix, [x, y, z]: Triple): Triple {
  const row = ([a, b, c]: Triple): number => a * x + b * y + c * z
  return [row(matrix[0]), row(matrix[1]), row(matrix[2])]
}

function contrast(one: string, other: string): number {
  const luminance = ([red, green, blue]: Triple): number => 0.2126 * red + 0.7152 * green + 0.0722 * blue
  const [darker = 0, lighter = 0] = [luminance(linear(one)), luminance(linear(other))].sort((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

/** What is left of linear sRGB for each kind of sight: Machado, Oliveira and Fernandes (2009), severity 1. */
const sights: Readonly<Record<string, Matrix>> = {
  trichromat: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanope: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranope: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanope: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
}

/** Oklab, in which equal distances look about equal (CSS Color 4 §9.2). */
function oklab(colour: Triple): Triple {
  const [long, medium, short] = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    colour,
  )
  return times(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    [Math.cbrt(long), Math.cbrt(medium), Math.cbrt(short)],
  )
}

function distance(one: string, other: string, sight: Matrix): number {
  const [a, b] = [oklab(times(sight, linear(one))), oklab(times(sight, linear(other)))]
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])
}

/** Two hues nearer than this in Oklab look alike on dots of 5 px. Two hues of the set that was here before were at 0.009. */
const leastDistance = 0.065

describe.each(['light', 'dark'] as const)('the hues, %s', (mode) => {
  test.each(['ground', 'surface', 'raised'])('keep 3:1 on the page’s %s (WCAG 1.4.11)', (name) => {
    const colour = surface(name, mode)
    for (const { short, hue } of [...catalogue, autoEntry])
      expect(contrast(hue[mode], colour), short).toBeGreaterThanOrEqual(3)
  })

  test.each(Object.entries(sights))('are told apart by a %s', (_name, sight) => {
    for (const [index, one] of catalogue.entries())
      for (const other of catalogue.slice(index + 1)) {
        const apart = distance(one.hue[mode], other.hue[mode], sight)
        expect(apart, `${one.short} and ${other.short}`).toBeGreaterThanOrEqual(leastDistance)
      }
  })
})
