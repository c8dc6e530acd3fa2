import t from 'tap'
import {
  isOurFault,
  isWorthAnother,
  refusalOf,
  relayedHeaders
} from '../../../gateway/publish/seeder-answer.ts'

const answer = (status: number, body: unknown, headers: Record<string, string> = {}) => ({
  status,
  headers,
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
})

t.test('a problem of the seeder is told to the client as it is', async (t) => {
  const errors = [{ detail: 'a', pointer: '#/x' }, { detail: 'b' }, { no: 1 }, null, 'text']
  const problem = { code: 'NAME_NOT_ALLOWED', detail: '".." is not allowed', errors }
  t.match(refusalOf(answer(422, problem)), {
    code: 'NAME_NOT_ALLOWED',
    message: '".." is not allowed',
    errors: [{ detail: 'a', pointer: '#/x' }, { detail: 'b' }],
    retryAfter: undefined
  })
  const full = answer(429, { code: 'QUOTA_EXCEEDED', detail: 'later' }, { 'retry-after': '9' })
  t.match(refusalOf(full), { code: 'QUOTA_EXCEEDED', retryAfter: 9, errors: [] })
})

t.test('whatever else comes is an unavailable seeder', async (t) => {
  for (const strange of [
    answer(401, { code: 'KEY_REQUIRED', detail: 'secret' }),
    answer(403, { code: 'SCOPE_MISSING', detail: 'secret' }),
    answer(400, { code: 'toString', detail: 'secret' }),
    answer(500, { code: 7, detail: 'secret' }),
    answer(502, '<html>secret</html>'),
    answer(500, 'null'),
    answer(302, ''),
    answer(500, [])
  ]) {
    const refusal = refusalOf(strange)
    t.match(refusal, { code: 'SEEDER_UNAVAILABLE', retryAfter: 5 }, String(strange.body))
    t.notMatch(refusal.message, /secret/)
  }
})

t.test('another seeder is worth a try when the fault is the first one’s own', async (t) => {
  const another = [400, 401, 403, 413, 422, 429, 500, 503, 507].filter((status) =>
    isWorthAnother(answer(status, ''))
  )
  t.same(another, [401, 403, 429, 500, 503, 507])
  t.same([400, 401, 403, 404, 500].filter(isOurFault), [401, 403])
})

t.test('a success keeps the headers that are for the client, and no other', async (t) => {
  const headers = {
    location: '/v1/torrents/x',
    'content-type': 'text/plain',
    'set-cookie': 'a',
    date: 'd'
  }
  t.same(relayedHeaders(answer(201, '', headers)), {
    location: '/v1/torrents/x',
    'content-type': 'text/plain'
  })
})
