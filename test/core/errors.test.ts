import t from 'tap'
import { AppError, ERRORS } from '../../core/errors.ts'

t.test('every code has an error status, a level that fits it and its own title', async (t) => {
  const titles = new Set<string>()
  for (const [code, { status, level, title }] of Object.entries(ERRORS)) {
    t.match(code, /^[A-Z]+(_[A-Z]+)*$/)
    t.ok(status >= 400 && status <= 599, `${code} has status ${status}`)
    t.ok(status >= 500 || level === 'debug', `${code}: the client's fault is not ours to log`)
    t.notOk(titles.has(title), `${code}: ${title}`)
    titles.add(title)
  }
})

t.test('an AppError has the status of its code and keeps its cause', async (t) => {
  const cause = new Error('disk on fire')
  const err = new AppError('STORE_FULL', 'no room for 3 bytes', {
    cause,
    retryAfter: 5,
    errors: [{ detail: 'why' }]
  })
  t.ok(err instanceof Error)
  t.match(err, {
    name: 'AppError',
    code: 'STORE_FULL',
    status: 507,
    message: 'no room for 3 bytes'
  })
  t.equal(err.cause, cause)
  t.equal(err.retryAfter, 5)
  t.same(err.errors, [{ detail: 'why' }])
})

t.test('without extras there is no cause and nothing to retry', async (t) => {
  const err = new AppError('INTERNAL', 'bug')
  t.notOk('cause' in err)
  t.equal(err.retryAfter, undefined)
  t.equal(err.errors, undefined)
})
