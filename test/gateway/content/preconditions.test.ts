import t from 'tap'
import { checkPreconditions, rangeApplies } from '../../../gateway/content/preconditions.ts'

const ETAG = '"aa.0"'
const MODIFIED = Date.UTC(2026, 10, 1, 12, 0, 0, 250)
const SAME = new Date(MODIFIED).toUTCString()
const EARLIER = new Date(MODIFIED - 60_000).toUTCString()
const LATER = new Date(MODIFIED + 60_000).toUTCString()
const validators = { etag: ETAG, lastModified: MODIFIED }

t.test('conditions are decided in the order of RFC 9110 §13.2.2', async (t) => {
  const table: [string, Record<string, string>, string][] = [
    ['no condition', {}, 'proceed'],
    ['If-None-Match with our tag', { 'if-none-match': ETAG }, 'not-modified'],
    ['If-None-Match with our tag, weak', { 'if-none-match': `W/${ETAG}` }, 'not-modified'],
    ['If-None-Match in a list', { 'if-none-match': `"x", ${ETAG}` }, 'not-modified'],
    ['If-None-Match with a comma in a tag', { 'if-none-match': '"a,b"' }, 'proceed'],
    ['If-None-Match *', { 'if-none-match': '*' }, 'not-modified'],
    ['If-None-Match with another tag', { 'if-none-match': '"x"' }, 'proceed'],
    [
      'If-None-Match wins over If-Modified-Since',
      { 'if-none-match': '"x"', 'if-modified-since': SAME },
      'proceed'
    ],
    ['If-Modified-Since at the date', { 'if-modified-since': SAME }, 'not-modified'],
    ['If-Modified-Since later', { 'if-modified-since': LATER }, 'not-modified'],
    ['If-Modified-Since earlier', { 'if-modified-since': EARLIER }, 'proceed'],
    ['If-Modified-Since that is no date', { 'if-modified-since': 'yesterday' }, 'proceed'],
    ['If-Match with our tag', { 'if-match': ETAG }, 'proceed'],
    ['If-Match *', { 'if-match': '*' }, 'proceed'],
    ['If-Match with our tag, weak', { 'if-match': `W/${ETAG}` }, 'failed'],
    ['If-Match with another tag', { 'if-match': '"x"' }, 'failed'],
    ['If-Unmodified-Since at the date', { 'if-unmodified-since': SAME }, 'proceed'],
    ['If-Unmodified-Since earlier', { 'if-unmodified-since': EARLIER }, 'failed'],
    ['If-Unmodified-Since that is no date', { 'if-unmodified-since': 'x' }, 'proceed'],
    [
      'If-Match wins over If-Unmodified-Since',
      { 'if-match': ETAG, 'if-unmodified-since': EARLIER },
      'proceed'
    ]
  ]
  for (const [name, headers, expected] of table) {
    t.equal(checkPreconditions(headers, validators), expected, name)
  }
})

t.test('If-Range lets a range count only for the very same bytes', async (t) => {
  const table: [string, string | undefined, boolean][] = [
    ['absent', undefined, true],
    ['our tag', ETAG, true],
    ['our tag, weak', `W/${ETAG}`, false],
    ['another tag', '"x"', false],
    ['the date', SAME, true],
    ['an earlier date', EARLIER, false],
    ['a later date', LATER, false],
    ['nonsense', 'x', false]
  ]
  for (const [name, value, expected] of table) {
    t.equal(rangeApplies(value, validators), expected, name)
  }
})
