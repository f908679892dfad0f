// The commit queue: one commit a tick, bounded, in order, and every entry settled.
import { expect, test } from 'vitest'
import { serverLimits } from '../limits.ts'
import { ProblemError, problemName } from '../problem.ts'
import { CommitQueue, type Waiting } from './commit-queue.ts'
import { draftOf, draftsOf } from './log.drafts.ts'

/** A queue whose commits are written down; each entry resolves with nothing appended. */
function recorded(): { queue: CommitQueue; commits: Waiting[][] } {
  const commits: Waiting[][] = []
  const queue = new CommitQueue((batch) => {
    commits.push([...batch])
    for (const entry of batch) entry.resolve([])
  })
  return { queue, commits }
}

const nextTick = () => new Promise((resolve) => setImmediate(resolve))

function draftCount(commit: readonly Waiting[] | undefined): number {
  return (commit ?? []).reduce((sum, entry) => sum + entry.drafts.length, 0)
}

test('what comes in one tick is one commit, in the order of the calls', async () => {
  const { queue, commits } = recorded()
  const settled: string[] = []
  const calls = ['one', 'two', 'one', 'three'].map((room, index) =>
    queue.push(room, [draftOf(index)]).then(() => settled.push(`${room} ${index}`)),
  )
  expect(commits).toHaveLength(0)
  await Promise.all(calls)
  expect(commits).toHaveLength(1)
  expect(commits[0]?.map((entry) => [entry.room, entry.drafts])).toEqual([
    ['one', [draftOf(0)]],
    ['two', [draftOf(1)]],
    ['one', [draftOf(2)]],
    ['three', [draftOf(3)]],
  ])
  expect(settled).toEqual(['one 0', 'two 1', 'one 2', 'three 3'])
})

test('what comes while a commit is made belongs to the next one', async () => {
  const commits: string[][] = []
  let late: Promise<unknown> | null = null
  const queue: CommitQueue = new CommitQueue((batch) => {
    commits.push(batch.map((entry) => entry.room))
    late ??= queue.push('late', [draftOf(9)])
    for (const entry of batch) entry.resolve([])
  })
  await queue.push('early', [draftOf(1)])
  await late
  expect(commits).toEqual([['early'], ['late']])
})

test('a commit takes 256 drafts at most, and other work of the event loop passes between two', async () => {
  const events: string[] = []
  const queue = new CommitQueue((batch) => {
    events.push(`commit of ${draftCount(batch)}`)
    for (const entry of batch) entry.resolve([])
  })
  const all = draftsOf(1, serverLimits.commitDrafts * 2 + 1).map((draft) => queue.push('room', [draft]))
  const other = nextTick()
    .then(() => events.push('other work'))
    .then(nextTick)
    .then(() => events.push('other work'))
  await Promise.all([...all, other])
  expect(events).toEqual(['commit of 256', 'other work', 'commit of 256', 'other work', 'commit of 1'])
})

test('one call is never torn apart, whatever its size', async () => {
  const { queue, commits } = recorded()
  const sizes = [200, 100, 300, 1, 255, 1]
  await Promise.all(sizes.map((size) => queue.push('room', draftsOf(1, size))))
  expect(commits.map(draftCount)).toEqual([200, 100, 300, 256, 1])
})

test('beyond its bound it refuses at once, and takes more when some have been committed', async () => {
  const { queue } = recorded()
  const queued = queue.push('room', draftsOf(1, serverLimits.queuedDrafts))
  const error = await queue.push('room', [draftOf(0)]).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(ProblemError)
  expect(problemName((error as ProblemError).problem)).toBe('overloaded')
  expect((error as ProblemError).problem.retryAfterMs).toBe(1000)
  await queued
  await expect(queue.push('room', draftsOf(1, serverLimits.queuedDrafts))).resolves.toEqual([])
})

test('drained: at once when nothing waits, else after the last commit', async () => {
  const { queue, commits } = recorded()
  await queue.drained()
  const calls = draftsOf(1, serverLimits.commitDrafts + 1).map((draft) => queue.push('room', [draft]))
  await Promise.all([queue.drained(), queue.drained()])
  expect(commits.map(draftCount)).toEqual([256, 1])
  await Promise.all(calls)
})

test('a commit that throws rejects its own entries, and the queue goes on', async () => {
  let fail = true
  const queue = new CommitQueue((batch) => {
    if (fail) throw new Error('the disk is full')
    for (const entry of batch) entry.resolve([])
  })
  const failed = await Promise.allSettled([queue.push('one', [draftOf(1)]), queue.push('two', [draftOf(2)])])
  expect(failed.map((one) => one.status === 'rejected' && (one.reason as Error).message)).toEqual([
    'the disk is full',
    'the disk is full',
  ])
  fail = false
  await expect(queue.push('one', [draftOf(1)])).resolves.toEqual([])
  await queue.drained()
  // What failed counts no longer: the whole bound is free.
  await expect(queue.push('one', draftsOf(1, serverLimits.queuedDrafts))).resolves.toEqual([])
})

test('a commit that throws takes what waits behind it in the same rooms along: order outlives the failure', async () => {
  let failures = 1
  const commits: Waiting[][] = []
  const queue = new CommitQueue((batch) => {
    if (failures-- > 0) throw new Error('disk full')
    commits.push([...batch])
    for (const entry of batch) entry.resolve([])
  })
  const first = queue.push('one', draftsOf(0, serverLimits.commitDrafts))
  const behind = queue.push('one', [draftOf(1000)])
  const elsewhere = queue.push('two', [draftOf(2000)])
  const fates = await Promise.allSettled([first, behind, elsewhere])
  expect(fates.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
  await queue.push('one', draftsOf(0, 2))
  expect(commits.map((commit) => commit.map(({ room }) => room))).toEqual([['two'], ['one']])
  await queue.drained()
})

test('nothing to store is stored at once, and makes no commit', async () => {
  const { queue, commits } = recorded()
  expect(await queue.push('one', [])).toEqual([])
  await nextTick()
  expect(commits).toEqual([])
})
