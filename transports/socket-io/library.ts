// The library's client, loaded when it is first used: a page that opens no such link does not fetch it.
import type { SocketIo } from './client.ts'

export const loadSocketIo = async (): Promise<SocketIo> => (await import('socket.io-client')).io
