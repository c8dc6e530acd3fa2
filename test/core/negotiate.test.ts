import fc from 'fast-check'
import t from 'tap'
import { negotiate, wishFor } from '../../core/negotiate.ts'
import { holds } from './property.ts'

const HTML = 'text/html'
const JSON_TYPE = 'application/json'
const TORRENT = 'application/x-bittorrent'
const OFFERS = [HTML, JSON_TYPE, TORRENT] as const

t.test('the offer with the greatest weight wins, of equals the one that is named', async (t) => {
  for (const [accept, chosen] of [
    [undefined, HTML],
    ['', HTML],
    ['nonsense', HTML],
    ['*/*', HTML],
    ['application/*', JSON_TYPE],
    ['application/json', JSON_TYPE],
    ['APPLICATION/JSON ; Q=0.1', JSON_TYPE],
    ['application/json;charset=utf-8', JSON_TYPE],
    ['text/html, application/json', HTML],
    ['application/json, text/html', HTML],
    ['text/html;q=0.5, application/json', JSON_TYPE],
    ['text/html;q=0.5,application/json;q=0.6', JSON_TYPE],
    ['application/json, */*', JSON_TYPE],
    ['*/*,application/x-bittorrent', TORRENT],
    ['*/*;q=0.9,application/x-bittorrent;q=0.8', HTML],
    ['application/*;q=0.8, text/*;q=0.7', JSON_TYPE],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', HTML],
    ['text/html;q=0, */*;q=0.1', JSON_TYPE],
    ['text/html;q=0, application/json;q=0', undefined],
    ['*/*;q=0', undefined],
    ['image/png', undefined],
    ['text/html;q=2, application/json;q=0.1', JSON_TYPE],
    ['text/html;q=0.1234, application/json;q=0.1', JSON_TYPE],
    ['*/html, application/json;q=0.1', JSON_TYPE],
    [',,;q=1, ,application/json', JSON_TYPE],
    ['text/html;level=1, text/html;q=0.1, application/json;q=0.5', JSON_TYPE]
  ] as const) {
    t.equal(negotiate(accept, OFFERS), chosen, accept ?? 'no header')
  }
})

t.test('the example of RFC 9110, as far as types go', async (t) => {
  const accept = 'text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, */*;q=0.5'
  t.same(wishFor(accept, 'text/plain'), { weight: 0.7, closeness: 3 })
  t.equal(wishFor(accept, 'text/html').weight, 0.3)
  t.equal(wishFor(accept, 'image/jpeg').weight, 0.5)
  t.equal(wishFor('text/html', 'image/jpeg').weight, 0)
})

t.test('no more than a hundred items count', async (t) => {
  t.equal(negotiate(`${'a/b,'.repeat(99)}application/json`, OFFERS), JSON_TYPE)
  t.equal(negotiate(`${'a/b,'.repeat(100)}application/json`, OFFERS), undefined)
})

t.test('no header does harm, and an offer is only given to whom it is no offence', async (t) => {
  const part = fc.constantFrom(
    'text',
    '/',
    'html',
    '*',
    ';',
    'q=',
    '0',
    '1',
    '.5',
    ',',
    ' ',
    'json'
  )
  holds(
    t,
    fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
      const accept = parts.join('')
      const chosen = negotiate(accept, OFFERS)
      const wishes = OFFERS.map((offer) => wishFor(accept, offer).weight)
      if (chosen === undefined) return wishes.every((weight) => weight === 0)
      return wishFor(accept, chosen).weight === Math.max(...wishes)
    })
  )
})
