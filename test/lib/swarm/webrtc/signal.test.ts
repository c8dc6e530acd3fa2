/** What trackers say, however wrong, and what we say to them. */
import fc from 'fast-check'
import t from 'tap'
import {
  announceSignal,
  answerSignal,
  MAX_SIGNAL_BYTES,
  type OfferSignal,
  parseSignal
} from '../../../../lib/swarm/webrtc/signal.ts'
import { hashOf } from '../../../tracker/announce/tracker-fixture.ts'

const INFO_HASH = hashOf(1)
const BINARY = Buffer.from(INFO_HASH, 'hex').toString('latin1')
const ID = 'x'.repeat(20)
const OFFER = {
  action: 'announce',
  info_hash: BINARY,
  peer_id: ID,
  offer_id: 'o'.repeat(20),
  offer: { type: 'offer', sdp: 'v=0' }
}
const parse = (message: unknown) => parseSignal(JSON.stringify(message))

t.test('an offer is taken as it is', async (t) => {
  t.same(parse(OFFER), {
    kind: 'offer',
    infoHash: INFO_HASH,
    peerId: ID,
    offerId: 'o'.repeat(20),
    sdp: 'v=0'
  })
})

t.test('an answer to our announce says when to come again, or why not', async (t) => {
  const accepted = { action: 'announce', info_hash: BINARY, interval: 120, complete: 1 }
  t.same(parse(accepted), { kind: 'accepted', infoHash: INFO_HASH, intervalS: 120 })
  for (const interval of [undefined, 0, -1, '120', null, []]) {
    t.equal(parse({ ...accepted, interval }).kind, 'accepted')
    t.has(parse({ ...accepted, interval }), { intervalS: undefined })
  }
  const refused = { action: 'announce', 'failure reason': 'no'.repeat(1000) }
  t.match(parse(refused), { kind: 'refused', infoHash: undefined, reason: /^(no){100}$/ })
})

t.test('what is malformed, foreign or too long is nothing', async (t) => {
  const wrong: unknown[] = [
    null,
    [],
    'announce',
    { ...OFFER, action: 'scrape' },
    { ...OFFER, info_hash: 'short' },
    { ...OFFER, info_hash: '\u0394'.repeat(20) },
    { ...OFFER, peer_id: 7 },
    { ...OFFER, offer_id: undefined },
    { ...OFFER, offer: [] },
    { ...OFFER, offer: { type: 'answer', sdp: 'v=0' } },
    { ...OFFER, offer: { type: 'offer', sdp: 'x'.repeat(20_000) } },
    { ...OFFER, offer: undefined, answer: { type: 'answer', sdp: 'v=0' } }
  ]
  for (const message of wrong) t.equal(parse(message).kind, 'nothing')
  t.equal(parseSignal('{').kind, 'nothing')
  t.equal(parseSignal(`{"x":"${'x'.repeat(MAX_SIGNAL_BYTES)}"}`).kind, 'nothing')
})

t.test('no text and no JSON whatever throws', async () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => parseSignal(text) !== null))
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(OFFER)), fc.jsonValue(), (key, value) => {
      return parse({ ...OFFER, [key]: value }) !== null
    })
  )
})

t.test('we ask for nobody, offer nothing, and answer to whoever offered', async (t) => {
  const announce = announceSignal({ infoHash: INFO_HASH, peerId: ID, left: 5, event: 'started' })
  t.match(JSON.parse(announce), {
    action: 'announce',
    info_hash: BINARY,
    peer_id: ID,
    left: 5,
    event: 'started',
    numwant: 0,
    offers: []
  })
  const offer = parse(OFFER) as OfferSignal
  t.match(JSON.parse(answerSignal('me'.repeat(10), offer, 'ours')), {
    info_hash: BINARY,
    peer_id: 'me'.repeat(10),
    to_peer_id: ID,
    offer_id: 'o'.repeat(20),
    answer: { type: 'answer', sdp: 'ours' }
  })
})
