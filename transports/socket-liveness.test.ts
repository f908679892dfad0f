// The watch over silent links, on a clock by hand.
import { describe, expect, it } from 'vitest'
import { ManualClock } from './clock.harness.ts'
import { Liveness, type Watched } from './socket-liveness.ts'

class Peer implements Watched {
  heard = false
  pings = 0
  terminated = 0
  answers = true

  ping(): void {
    this.pings++
    if (this.answers) this.heard = true
  }

  terminate(): void {
    this.terminated++
  }
}

describe('liveness (R34)', () => {
  it('pings every socket once an interval with one timer, and not all at once', () => {
    const clock = new ManualClock()
    const liveness = new Liveness(1600, clock)
    const peers = Array.from({ length: 40 }, () => new Peer())
    for (const peer of peers) {
      liveness.watch(peer)
      clock.advance(40)
      expect(clock.waiting).toBe(1)
    }
    let most = 0
    const pings = (): number => peers.reduce((total, peer) => total + peer.pings, 0)
    for (let before = pings(), step = 0; step < 16; step++, before = pings()) {
      clock.advance(100)
      most = Math.max(most, pings() - before)
    }
    expect(most).toBeLessThan(10)
    clock.advance(16_000)
    for (const peer of peers) {
      expect(peer.pings).toBeGreaterThanOrEqual(11)
      expect(peer.pings).toBeLessThanOrEqual(12)
      expect(peer.terminated).toBe(0)
    }
  })

  it('cuts a socket that is silent, once, within two intervals', () => {
    const clock = new ManualClock()
    const liveness = new Liveness(1600, clock)
    const [dead, alive] = [new Peer(), new Peer()]
    dead.answers = false
    liveness.watch(dead)
    liveness.watch(alive)
    clock.advance(1600)
    expect(dead).toMatchObject({ pings: 1, terminated: 0 })
    clock.advance(1600)
    expect(dead).toMatchObject({ pings: 1, terminated: 1 })
    clock.advance(16_000)
    expect(dead.terminated).toBe(1)
    expect(alive.terminated).toBe(0)
  })

  it('keeps no timer when nothing is watched', () => {
    const clock = new ManualClock()
    const liveness = new Liveness(1600, clock)
    const peer = new Peer()
    liveness.watch(peer)
    liveness.unwatch(peer)
    clock.advance(200)
    expect(clock.waiting).toBe(0)
    liveness.watch(peer)
    liveness.stop()
    expect(clock.waiting).toBe(0)
    clock.advance(5000)
    expect(peer.pings).toBe(0)
  })
})
