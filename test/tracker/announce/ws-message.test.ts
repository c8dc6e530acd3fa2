import fc from 'fast-check'
import t from 'tap'
import { addressOf } from '../../../tracker/announce/address.ts'
import { Link } from '../../../tracker/announce/link.ts'
import { parseWsMessage } from '../../../tracker/announce/ws-message.ts'
import { hashOf } from './tracker-fixture.ts'
import { announceMessage, binary, id20, offer } from './ws-peer.ts'

const address = addressOf(new Uint8Array([8, 8, 8, 8]))
const link = new Link({ address, text: '8.8.8.8', port: 1 }, () => {})
const parse = (message: unknown) => parseWsMessage(JSON.stringify(message), link)
const announce = (more: object = {}) => parse(announceMessage(hashOf(1), 'me', more))
const hex20 = (text: string) => Buffer.from(id20(text)).toString('hex')

t.test('an announce is read with its offers', async (t) => {
  t.match(announce({ left: 0, offers: [offer('a'), offer('b')] }), {
    kind: 'announce',
    protocol: 'ws',
    infoHash: hashOf(1),
    peerId: hex20('me'),
    event: 'started',
    seed: true,
    numwant: 2,
    offers: [
      { offerId: id20('a'), sdp: 'sdp of a' },
      { offerId: id20('b'), sdp: 'sdp of b' }
    ],
    answer: undefined
  })
})

t.test('an announce without offers wants nobody', async (t) => {
  for (const offers of [undefined, null, []]) {
    t.match(announce({ offers, numwant: 50 }), { numwant: 0, offers: [] })
  }
})

t.test('offers beyond twenty are left out', async (t) => {
  t.match(announce({ offers: Array(30).fill(offer('a')) }), { numwant: 20 })
})

t.test('a malformed offer makes the announce invalid', async (t) => {
  const good = { type: 'offer', sdp: 'x' }
  const bad: unknown[] = [
    null,
    1,
    'x',
    [],
    {},
    { offer: good },
    { offer: null, offer_id: id20('a') }
  ]
  bad.push({ offer: { ...good, type: 'answer' }, offer_id: id20('a') })
  bad.push({ offer: { ...good, sdp: 5 }, offer_id: id20('a') })
  bad.push({ offer: { ...good, sdp: 'x'.repeat(16_385) }, offer_id: id20('a') })
  bad.push({ offer: good, offer_id: 'short' }, { offer: good, offer_id: '\u0100'.repeat(20) })
  for (const item of bad) {
    const request = announce({ offers: [offer('fine'), item] })
    t.match(request, { kind: 'invalid', reason: 'malformed offers' }, JSON.stringify(item))
  }
  for (const offers of ['x', 5, { length: 3 }, true])
    t.match(announce({ offers }), { kind: 'invalid' })
})

t.test('an answer names whose offer it answers', async (t) => {
  const answer = { type: 'answer', sdp: 'mine' }
  const addressed = { answer, to_peer_id: id20('you'), offer_id: id20('a') }
  t.match(announce(addressed), {
    answer: { toPeerId: hex20('you'), offerId: id20('a'), sdp: 'mine' }
  })
  const spoilt = [
    { answer: 5 },
    { answer: { ...answer, type: 'offer' } },
    { to_peer_id: 'x' },
    { offer_id: null }
  ]
  for (const more of spoilt) {
    t.match(announce({ ...addressed, ...more }), { kind: 'invalid', reason: 'malformed answer' })
  }
})

t.test('hashes and ids are twenty characters below 256', async (t) => {
  for (const value of [undefined, null, 5, {}, 'short', '\u0100'.repeat(20), 'x'.repeat(21)]) {
    t.match(announce({ info_hash: value }), { kind: 'invalid', reason: /info_hash/ })
    t.match(announce({ peer_id: value }), { kind: 'invalid', reason: /peer_id/ })
  }
})

t.test('a scrape names one torrent or several', async (t) => {
  const scrape = (info_hash: unknown) => parse({ action: 'scrape', info_hash })
  const [a, b] = [binary(hashOf(1)), binary(hashOf(2))]
  t.match(scrape(a), { kind: 'scrape', infoHashes: [hashOf(1)] })
  t.match(scrape([a, b, a]), { kind: 'scrape', infoHashes: [hashOf(1), hashOf(2)] })
  for (const bad of [undefined, [], [null], [[a]], Array(75).fill(a)]) {
    t.match(scrape(bad), { kind: 'invalid' })
  }
})

t.test('what is not an object with a known action is invalid', async (t) => {
  for (const message of [
    null,
    1,
    'x',
    [],
    [{}],
    {},
    { action: 'stats' },
    { action: ['announce'] }
  ]) {
    t.match(parse(message), { kind: 'invalid' }, JSON.stringify(message))
  }
  for (const text of ['', '{', '{"action":"announce"', '\u0000', '[[[[']) {
    t.match(parseWsMessage(text, link), { kind: 'invalid', reason: /JSON/ })
  }
})

t.test('no JSON makes the parser throw', async () => {
  const field = fc.oneof(fc.jsonValue(), fc.constant(id20('x')))
  const message = fc.record(
    {
      action: fc.constantFrom('announce', 'scrape'),
      info_hash: field,
      peer_id: field,
      offers: field,
      answer: field
    },
    { requiredKeys: ['action'] }
  )
  fc.assert(fc.property(message, (value) => void parse(value)))
})
