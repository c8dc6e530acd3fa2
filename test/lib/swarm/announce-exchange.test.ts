/** The URL of an announce and what is read from its answer. */
import t from 'tap'
import { encodeBencode } from '../../../core/bencode.ts'
import { type InfoHash, parseInfoHash } from '../../../core/info-hash.ts'
import { announceParams, parseAnnounceAnswer } from '../../../lib/swarm/announce-exchange.ts'

const infoHash = parseInfoHash('00112233445566778899aabbccddeeff01234567') as InfoHash
const QUERY = {
  infoHash,
  peerId: '-SG0010-abcdefghijkl',
  port: 6881,
  uploaded: 1,
  downloaded: 2,
  left: 3,
  numwant: 50,
  key: 'ab12',
  trackerId: undefined,
  event: 'started'
} as const

t.test('the infohash and the peer id are percent-encoded byte by byte', async (t) => {
  t.equal(
    announceParams({ ...QUERY, peerId: '-SG0010-\u00ff&=abcdefghi' }),
    'info_hash=%00%11%22%33%44%55%66%77%88%99%aa%bb%cc%dd%ee%ff%01%23%45%67' +
      '&peer_id=%2d%53%47%30%30%31%30%2d%ff%26%3d%61%62%63%64%65%66%67%68%69' +
      '&port=6881&uploaded=1&downloaded=2&left=3&compact=1&numwant=50&key=ab12&event=started'
  )
})

t.test('at the interval there is no event, and an id of the tracker is told again', async (t) => {
  const params = announceParams({ ...QUERY, event: undefined, trackerId: 'a&b' })
  t.notMatch(params, 'event')
  t.match(params, '&trackerid=a%26b')
  t.notMatch(announceParams(QUERY), 'trackerid')
})

t.test('answers that are none are malformed', async (t) => {
  for (const body of ['', 'hello', 'i5e', 'l', 'd8:interval', '<html>']) {
    t.equal(parseAnnounceAnswer(Buffer.from(body)).status, 'malformed', body)
  }
})

t.test('a refusal says why, and for how long', async (t) => {
  const cases = [
    [{ 'failure reason': 'no' }, undefined],
    [{ 'failure reason': 'no', 'retry in': 'never' }, 'never'],
    [{ 'failure reason': 'no', 'retry in': 5 }, 5],
    [{ 'failure reason': 'no', 'retry in': '7' }, 7],
    [{ 'failure reason': 'no', 'retry in': 'soon' }, undefined]
  ] as const
  for (const [answer, retryMinutes] of cases) {
    const parsed = parseAnnounceAnswer(encodeBencode(answer))
    t.match(parsed, { status: 'refused', reason: 'no' })
    t.equal(parsed.status === 'refused' && parsed.retryMinutes, retryMinutes)
  }
})

t.test('compact peers of both families are read, ragged ends and port 0 are not', async (t) => {
  const peers = Buffer.from([192, 0, 2, 1, 0x1a, 0xe1, 192, 0, 2, 2, 0, 0, 9, 9])
  const peers6 = Buffer.concat([
    Buffer.from('20010db8000000000000000000000001', 'hex'),
    Buffer.from([0, 80])
  ])
  const answer = parseAnnounceAnswer(
    encodeBencode({ interval: 900, 'min interval': 60, peers, peers6 })
  )
  t.same(answer, {
    status: 'accepted',
    interval: 900,
    minInterval: 60,
    trackerId: undefined,
    peers: [
      { host: '192.0.2.1', port: 6881 },
      { host: '2001:db8:0:0:0:0:0:1', port: 80 }
    ]
  })
})

t.test('a list of thousands is cut', async (t) => {
  const answer = parseAnnounceAnswer(encodeBencode({ peers: Buffer.alloc(6 * 5000, 7) }))
  t.ok(answer.status === 'accepted' && answer.peers.length === 200)
})
