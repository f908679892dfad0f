// Puts a front that is wrong on purpose before the real server, where a run asks for such a fault.
import { type RunningServer, startScript } from './processes.ts'
import type { Certificate } from './servers/certificate.ts'
import type { ControlReady } from './servers/control.ts'
import { committedBy, parseFault } from './servers/faults.ts'

/** The server as it is seen through the front; itself where the fault needs none. Stopping it stops both. */
export async function fronted(
  server: RunningServer,
  options: { readonly fault: string | null; readonly core: number | null; readonly certificate: Certificate },
): Promise<RunningServer> {
  const { fault, core, certificate } = options
  if (fault === null || committedBy(parseFault(fault)) !== 'front') return server
  const identity = ['--cert', certificate.certFile, '--key', certificate.keyFile]
  try {
    const front = await startScript({
      script: 'bench/servers/front.ts',
      args: [...identity, '--fault', fault, '--target', server.secureUrl],
      core,
      read: (text) => /^\{.*\}$/m.exec(text)?.[0] ?? null,
    })
    const { secure } = JSON.parse(front.said) as ControlReady
    const stop = async (): Promise<void> => {
      await front.stop()
      await server.stop()
    }
    return { ...server, secureUrl: secure, stop }
  } catch (error) {
    await server.stop()
    throw error
  }
}
