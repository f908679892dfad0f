// The plain inflater that the rules get their evidence from, against zlib: what it makes of good bytes and of spoilt ones.
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Random } from './fuzz/random.ts'
import { inflatePlainly } from './plain-inflate.ts'
import { concat } from './protocol/testing.ts'

const enough = 1_000_000

function payload(random: Random): Uint8Array {
  return Uint8Array.from({ length: random.below(600) }, () =>
    random.chance(0.5) ? 97 + random.below(4) : random.below(256),
  )
}

describe('RFC 1951 read plainly', () => {
  it('gives back what zlib has compressed, in every kind of block', () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = new Random(seed)
      const content = payload(random)
      const whole = deflateRawSync(content, { level: random.below(10), strategy: random.below(5) })
      const { output, corrupt, finalEnds } = inflatePlainly(whole, enough)
      expect({ output, corrupt, finalEnd: finalEnds[0] }, `seed ${seed}`).toEqual({
        output: content,
        corrupt: false,
        finalEnd: whole.length,
      })
    }
  })

  it('finds corrupt what zlib finds corrupt', () => {
    const found = { corrupt: 0, fine: 0 }
    for (let seed = 0; seed < 1000; seed++) {
      const random = new Random(seed)
      const options = { strategy: random.below(5), finishFlush: constants.Z_SYNC_FLUSH }
      const spoilt = Uint8Array.from(deflateRawSync(payload(random), options))
      for (let count = random.below(3); count >= 0; count--) {
        const at = random.below(spoilt.length)
        spoilt[at] = (spoilt[at] ?? 0) ^ (1 << random.below(8))
      }
      let isCorrupt = false
      try {
        inflateRawSync(spoilt, { finishFlush: constants.Z_SYNC_FLUSH })
      } catch (error) {
        isCorrupt = error instanceof Error && 'code' in error && error.code === 'Z_DATA_ERROR'
      }
      const { corrupt, finalEnds } = inflatePlainly(spoilt, enough)
      // zlib looks at nothing behind a last block.
      expect(corrupt && finalEnds.length === 0, `seed ${seed}`).toBe(isCorrupt)
      found[isCorrupt ? 'corrupt' : 'fine']++
    }
    expect(found.corrupt).toBeGreaterThan(100)
    expect(found.fine).toBeGreaterThan(100)
  })

  it('says how far back it is referred, and starts from nothing behind a last block', () => {
    const random = new Random(7)
    const part = random.bytes(500)
    const whole = deflateRawSync(concat(part, part))
    expect(inflatePlainly(whole, enough).farthestBytes).toBe(500)
    const two = inflatePlainly(concat(whole, whole), enough)
    expect(two).toMatchObject({ corrupt: false, finalEnds: [whole.length, 2 * whole.length] })
    expect(two.output).toEqual(concat(part, part, part, part))
    const referring = deflateRawSync(part, { dictionary: part })
    expect(inflatePlainly(concat(whole, referring), enough)).toMatchObject({ corrupt: true })
  })

  it('stops soon after what it was asked for', () => {
    const bomb = deflateRawSync(new Uint8Array(100_000))
    expect(inflatePlainly(bomb, 1000).output.length).toBeLessThan(1300)
  })
})
