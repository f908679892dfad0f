// What the process and the hub are doing, in Prometheus' text format (version 0.0.4).
import { type EventLoopUtilization, performance } from 'node:perf_hooks'
import type { HubStats, QueueStats } from '../transports/contract.server.ts'
import type { Queued } from '../transports/queued.server.ts'
import type { EventLoop } from './event-loop.ts'

/** A figure: its name with its unit, what it counts, and its value. */
interface Figure {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  readonly value: number
}

export interface ConnectionCounts {
  readonly sockets: number
  readonly http2Sessions: number
  readonly queued: Queued
}

export class Metrics {
  readonly #loop: EventLoop
  #utilization: EventLoopUtilization = performance.eventLoopUtilization()

  constructor(loop: EventLoop) {
    this.#loop = loop
  }

  /** All figures as text. Utilization is since the last call. */
  text(hub: HubStats, queues: QueueStats, connections: ConnectionCounts): string {
    const figures = [
      ...this.#process(),
      ...this.#eventLoop(),
      ...ofHub(hub),
      ...ofQueues(queues, connections.queued),
      ...ofConnections(connections),
    ]
    return figures
      .map(
        ({ name, type, help, value }) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`,
      )
      .join('')
  }

  #process(): Figure[] {
    const { user, system } = process.cpuUsage()
    const { rss, heapUsed } = process.memoryUsage()
    const startedAt = Date.now() / 1000 - process.uptime()
    return [
      counter('process_cpu_user_seconds_total', 'CPU time in user mode.', user / 1e6),
      counter('process_cpu_system_seconds_total', 'CPU time in the kernel.', system / 1e6),
      counter('process_cpu_seconds_total', 'CPU time.', (user + system) / 1e6),
      gauge('process_resident_memory_bytes', 'Memory that the process really holds.', rss),
      gauge('process_start_time_seconds', 'Start, since the Unix epoch.', startedAt),
      gauge('nodejs_heap_size_used_bytes', 'JavaScript heap in use.', heapUsed),
    ]
  }

  #eventLoop(): Figure[] {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, this.#utilization)
    this.#utilization = now
    const { mean, p99, max } = this.#loop.delaysMs()
    return [
      gauge('parley_event_loop_utilization', 'Part of the time that the event loop was busy.', utilization),
      gauge('parley_event_loop_delay_mean_seconds', 'Mean delay of a timer in the last minute.', mean / 1000),
      gauge('parley_event_loop_delay_p99_seconds', 'Its 99th percentile.', p99 / 1000),
      gauge('parley_event_loop_delay_max_seconds', 'Its maximum.', max / 1000),
    ]
  }
}

function ofHub(hub: HubStats): Figure[] {
  return [
    gauge('parley_rooms', 'Rooms in memory.', hub.rooms),
    gauge('parley_subscribers', 'Readers that follow a room.', hub.subscribers),
    gauge('parley_subscribers_behind', 'Readers whose wire has not taken everything yet.', hub.behind),
    counter('parley_messages_published_total', 'Messages stored, repeated sends included.', hub.published),
    counter('parley_messages_delivered_total', 'Messages written to readers.', hub.delivered),
    counter('parley_batches_total', 'Batches made of them.', hub.batches),
  ]
}

/** What a peer that stops reading costs: bounded for each, so a sum that grows is a number of peers that grows. */
function ofQueues({ readers, answers }: QueueStats, connections: Queued): Figure[] {
  const held = 'Bytes that are written and that the system has not taken'
  return [
    gauge('parley_queued_bytes', `${held}, of all connections.`, connections.bytes),
    gauge('parley_queued_bytes_max', 'The same of the connection that has most.', connections.mostBytes),
    gauge('parley_queued_connections', 'Connections that have any.', connections.holders),
    gauge('parley_subscriber_queued_bytes_max', `${held}, of the reader that has most.`, readers.mostBytes),
    gauge('parley_subscribers_queued', 'Readers that have any.', readers.holders),
    gauge('parley_poll_unread_bytes', 'Bytes of answers to polls that are not taken yet.', answers.bytes),
    gauge('parley_poll_unread_bytes_max', 'The same of the connection that has most.', answers.mostBytes),
  ]
}

function ofConnections({ sockets, http2Sessions }: ConnectionCounts): Figure[] {
  return [
    gauge('parley_sockets', 'Open TCP connections.', sockets),
    gauge('parley_http2_sessions', 'HTTP/2 sessions on them.', http2Sessions),
  ]
}

function counter(name: string, help: string, value: number): Figure {
  return { name, type: 'counter', help, value }
}

function gauge(name: string, help: string, value: number): Figure {
  return { name, type: 'gauge', help, value }
}
