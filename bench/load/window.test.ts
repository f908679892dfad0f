// A window over a real process: what was collected before it isn't in it, and what its event loop did is.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningServer, startControl, watchedOf } from '../processes.ts'
import { type Certificate, makeCertificate } from '../servers/certificate.ts'
import { askProbe } from './probe.ts'
import { collectGarbage, openWindow, pause } from './window.ts'

let certificate: Certificate
let server: RunningServer

beforeAll(async () => {
  certificate = await makeCertificate()
  server = await startControl({ script: 'tcp.ts', core: null, certificate })
})
afterAll(async () => {
  await server.stop()
  certificate.remove()
})

describe('a window', () => {
  it('does not count the collection that was forced before it', async () => {
    const before = await askProbe(server.probe, false)
    await collectGarbage(watchedOf(server))
    const close = await openWindow(watchedOf(server))
    await pause(50)
    const window = await close()
    const after = await askProbe(server.probe, false)
    // The collection did take time, outside.
    expect(after.gcMs - before.gcMs).toBeGreaterThan(0.5)
    expect(window.serverGcMs).toBeLessThan(0.5)
  })

  it('tells a quiet server from a busy one', async () => {
    const close = await openWindow(watchedOf(server))
    await pause(300)
    const window = await close()
    expect(window.wallMs).toBeGreaterThanOrEqual(299)
    expect(window.serverLoopUtilisation).toBeLessThan(0.5)
    expect(window.serverCpuUs).toBeLessThan(150_000)
  })
})
