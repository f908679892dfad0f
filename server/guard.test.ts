// The guard: its own pages and programs may pass; other sites and other names may not (R23).
import { expect, test } from 'vitest'
import { problemName } from '../transports/problem.ts'
import { createGuard, type GuardOptions } from './guard.ts'

const usual: GuardOptions = {
  host: '127.0.0.1',
  port: 8080,
  tlsPort: 8443,
  h2WebSocketPort: 8444,
  origins: [],
}

function verdict(host: string | undefined, origin?: string, options = usual): string | null {
  const found = createGuard(options)({ host, origin })
  return found === null ? null : problemName(found)
}

test.each([
  ['localhost:8080', undefined],
  ['LocalHost:8443', undefined],
  ['127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['[::1]:8080', 'http://[::1]:8080'],
  ['localhost:8444', 'https://localhost:8443'],
  ['localhost:8443', 'https://localhost:8443'],
  ['localhost:8443', 'http://localhost:8080'],
])('host %s with origin %s may pass', (host, origin) => {
  expect(verdict(host, origin)).toBeNull()
})

test.each([
  [undefined],
  [''],
  ['localhost'],
  ['localhost:80'],
  ['rebound.example:8080'],
  ['localhost:8080.rebound.example'],
  ['127.0.0.1:8080@rebound.example'],
  ['0.0.0.0:8080'],
  ['127.0.0.2:8080'],
])('host %s is refused', (host) => {
  expect(verdict(host)).toBe('forbidden-host')
})

test.each([
  ['https://elsewhere.example'],
  ['null'],
  [''],
  ['http://localhost'],
  ['http://localhost:3000'],
  ['https://localhost:8080'],
  ['https://localhost:8444'],
  ['http://localhost:8080.elsewhere.example'],
  ['http://LOCALHOST:8080'],
  ['localhost:8080'],
])('origin %s is refused', (origin) => {
  expect(verdict('localhost:8080', origin)).toBe('forbidden-origin')
})

test('default ports are left out, as browsers do', () => {
  const options = { ...usual, port: 80, tlsPort: 443 }
  expect(verdict('localhost', 'http://localhost', options)).toBeNull()
  expect(verdict('localhost', 'https://localhost', options)).toBeNull()
  expect(verdict('localhost:80', undefined, options)).toBe('forbidden-host')
})

test('--host adds its name, a wildcard adds none', () => {
  const named = { ...usual, host: '192.0.2.7' }
  expect(verdict('192.0.2.7:8080', 'http://192.0.2.7:8080', named)).toBeNull()
  expect(verdict('[2001:db8::7]:8443', undefined, { ...usual, host: '2001:db8::7' })).toBeNull()
  expect(verdict('0.0.0.0:8080', undefined, { ...usual, host: '0.0.0.0' })).toBe('forbidden-host')
})

test('--origin adds an address and its host name', () => {
  const options = { ...usual, origins: ['https://chat.example'] }
  expect(verdict('chat.example', 'https://chat.example', options)).toBeNull()
  expect(verdict('localhost:8080', 'https://chat.example', options)).toBeNull()
  expect(verdict('chat.example:8444', 'https://chat.example', options)).toBeNull()
  expect(verdict('chat.example', 'http://chat.example', options)).toBe('forbidden-origin')
})
