// Problem details.
import { expect, test } from 'vitest'
import { ProblemError, type ProblemName, problem, problemName, problems } from './problem.ts'

test.each(Object.keys(problems) as ProblemName[])('%s keeps its name on the wire', (name) => {
  const made = problem(name, 'Why.')
  expect(made).toEqual({ type: `/problems/${name}`, ...problems[name], detail: 'Why.' })
  expect(problemName(JSON.parse(JSON.stringify(made)))).toBe(name)
  expect(made.status).toBeGreaterThanOrEqual(400)
})

test.each([
  'about:blank',
  '',
  '/problems/',
  '/problems/unheard-of',
  '/problems/toString',
  '/problems/__proto__',
  'bad-room',
])('the type %j is none of ours', (type) => {
  expect(problemName({ type, title: '', status: 400, detail: '' })).toBeNull()
})

test('the error says what the problem says', () => {
  const error = new ProblemError(problem('draining', 'Soon back.', { retryAfterMs: 5 }))
  expect(error.message).toBe('Soon back.')
  expect(error.problem.retryAfterMs).toBe(5)
})
