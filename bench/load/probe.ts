// The generator's side of the probe in a server: one question over a local socket, at both ends of a window.
import net from 'node:net'
import { messageOf } from '../../transports/errors.ts'
import { collectFirst, type ProbeReading, readOnly } from '../servers/probe.ts'

const sockets = new Map<string, Promise<net.Socket>>()

/** Asks a server's probe; `collect`: after a full garbage collection. Rejects when there is none. */
export async function askProbe(path: string, collect: boolean): Promise<ProbeReading> {
  let opening = sockets.get(path)
  if (opening === undefined) {
    opening = connect(path)
    sockets.set(path, opening)
  }
  const socket = await opening
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error('The probe of a server is gone.'))
    socket.once('close', ended)
    socket.once('data', (line) => {
      socket.off('close', ended)
      resolve(JSON.parse(line.toString('utf8')) as ProbeReading)
    })
    socket.write(collect ? collectFirst : readOnly)
  })
}

function connect(path: string): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(path)
    const failed = (error: Error): void => {
      sockets.delete(path)
      reject(new Error(`The probe of a server can't be asked: ${messageOf(error)}`, { cause: error }))
    }
    socket.once('error', failed)
    socket.on('close', () => sockets.delete(path))
    socket.once('connect', () => {
      socket.off('error', failed).on('error', () => socket.destroy())
      socket.unref()
      resolve(socket)
    })
  })
}
