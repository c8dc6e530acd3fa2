import fc from 'fast-check'
import t from 'tap'
import { parseHttpDate } from '../../core/http-date.ts'
import { holds } from './property.ts'

const TIME = Date.UTC(1994, 10, 6, 8, 49, 37)

t.test('the three forms of RFC 9110 §5.6.7 are read', async (t) => {
  for (const text of [
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    ' Sun, 06 Nov 1994 08:49:37 GMT '
  ]) {
    t.equal(parseHttpDate(text), TIME, text)
  }
  t.equal(parseHttpDate('Sunday, 06-Nov-33 08:49:37 GMT'), Date.UTC(2033, 10, 6, 8, 49, 37))
})

t.test('whatever else a program could take for a date is none', async (t) => {
  for (const text of [
    '',
    '5',
    'yesterday',
    '1994-11-06T08:49:37Z',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37 +0000',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 31 Feb 1994 08:49:37 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 06 AnF 1994 08:49:37 GMT',
    'Sun, 06 Xyz 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'sun, 06 nov 1994 08:49:37 gmt'
  ]) {
    t.equal(parseHttpDate(text), undefined, JSON.stringify(text))
  }
})

t.test('what we write ourselves, we read', async (t) => {
  const seconds = fc.integer({ min: 0, max: 253_402_300_799 })
  holds(
    t,
    fc.property(
      seconds,
      (time) => parseHttpDate(new Date(time * 1000).toUTCString()) === time * 1000
    ),
    1000
  )
})
