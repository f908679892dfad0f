// How large the next write of a piece is. Pure.
import type { Profile } from './profile.ts'

/** So many bytes of a piece go one at a time; the rest of it goes as it came, so that a long one ends in reasonable time. */
export const mostSingleBytes = 512

/** Bytes of the next write, when `written` of a piece's `length` bytes have been. */
export function nextWriteBytes(chunks: Profile['chunks'], written: number, length: number): number {
  if (chunks === 'bytewise' && written < mostSingleBytes) return Math.min(1, length - written)
  return length - written
}
