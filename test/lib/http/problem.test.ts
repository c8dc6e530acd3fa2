import t from 'tap'
import { AppError, ERRORS, type ErrorCode } from '../../../core/errors.ts'
import { toAppError, toProblem } from '../../../lib/http/problem.ts'

t.test('every code of the table becomes its status and title', async (t) => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const { document, headers } = toProblem(new AppError(code, 'what happened'), 'id')
    const { status, title } = ERRORS[code]
    t.match(document, { code, status, title, detail: 'what happened', requestId: 'id', errors: [] })
    t.equal(headers['content-type'], 'application/problem+json')
    t.equal(headers['cache-control'], 'no-store')
  }
})

t.test('whatever else is thrown is INTERNAL and keeps what it was as the cause', async (t) => {
  for (const thrown of [new Error('secret'), 'secret', null, undefined, { statusCode: 999 }]) {
    const err = toAppError(thrown)
    t.equal(err.code, 'INTERNAL')
    t.notMatch(err.message, 'secret')
    t.equal(err.cause, thrown)
  }
})

t.test('a framework error with a status of the client becomes a code of ours', async (t) => {
  const teapot = Object.assign(new Error('short and stout'), { statusCode: 415 })
  t.match(toAppError(teapot), { code: 'MEDIA_TYPE_UNSUPPORTED', message: 'short and stout' })
})

t.test('what the client sent is not sent back without end', async (t) => {
  const { document } = toProblem(new AppError('PATH_INVALID', 'x'.repeat(10_000)), 'id')
  t.equal(document.detail.length, 500)
})
