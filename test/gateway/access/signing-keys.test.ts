import t from 'tap'
import { createSigningKeys, parseSigningKeys } from '../../../gateway/access/signing-keys.ts'

const SECRET = 'a secret without blanks'.replaceAll(' ', '-')

t.test('configured keys count, and the feed is not asked', async (t) => {
  const configured = parseSigningKeys(`new:${SECRET}, old:${SECRET}`)
  const replica = { signingKeys: () => [{ id: 'feed', secret: SECRET, revision: 1 }] }
  const keys = createSigningKeys({ configured, replica })
  t.equal(keys.first().id, 'new')
  t.same(
    keys.all().map(({ id }) => id),
    ['new', 'old']
  )
})

t.test('without them those of the feed do, once they are known', async (t) => {
  const feed: { id: string; secret: string; revision: number }[] = []
  const keys = createSigningKeys({ configured: undefined, replica: { signingKeys: () => feed } })
  t.throws(() => keys.first(), { code: 'TRACKER_UNAVAILABLE', retryAfter: 2 })
  t.throws(() => keys.all(), { code: 'TRACKER_UNAVAILABLE' })
  feed.push({ id: 'k', secret: SECRET, revision: 4 })
  t.equal(keys.first().id, 'k')
})

t.test('a secret may hold a colon', async (t) => {
  t.same(parseSigningKeys(`a:b:${SECRET}`), [{ id: 'a', secret: `b:${SECRET}` }])
})

t.test('a bad list is refused without showing it', async (t) => {
  const bad = [
    '',
    SECRET,
    `a:${SECRET},`,
    'a:short',
    `:${SECRET}`,
    `a b:${SECRET}`,
    `a:x${SECRET} y`
  ]
  for (const text of bad) {
    t.throws(
      () => parseSigningKeys(text),
      { message: /^must be id:secret pairs(?!.*blanks)/ },
      text
    )
  }
  t.throws(() => parseSigningKeys(`a:${SECRET},a:${SECRET}`), /twice/)
  const many = Array.from({ length: 17 }, (_, at) => `k${at}:${SECRET}`).join(',')
  t.throws(() => parseSigningKeys(many), /more than 16/)
})
