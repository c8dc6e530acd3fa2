import fc from 'fast-check'
import t from 'tap'
import { addressOf } from '../../../tracker/announce/address.ts'
import { httpAction, parseHttpRequest } from '../../../tracker/announce/http-request.ts'
import { hashOf } from './tracker-fixture.ts'

const FROM = addressOf(new Uint8Array([8, 8, 8, 8]))
const HASH = '%01%ffabcdefghijklmno+%20%25'
const GOOD = `/announce?info_hash=${HASH}&peer_id=-XX0001-abcdefghijkl&port=6881&left=0`
const parse = (url: string) => parseHttpRequest(url, FROM)
const reason = (url: string) => {
  const request = parse(url)
  return request.kind === 'invalid' ? request.reason : undefined
}

t.test('only /announce and /scrape are ours', async (t) => {
  t.equal(httpAction('/announce?x'), 'announce')
  t.equal(httpAction('/scrape'), 'scrape')
  for (const url of ['/', '/announces', '/announce/', '/stats', '//announce', '', undefined]) {
    t.equal(httpAction(url), undefined, String(url))
  }
})

t.test('an announce is read with its bytes as they are', async (t) => {
  t.match(parse(GOOD), {
    kind: 'announce',
    protocol: 'http',
    infoHash: Buffer.from('\x01\xffabcdefghijklmno  %', 'latin1').toString('hex'),
    peerId: Buffer.from('-XX0001-abcdefghijkl').toString('hex'),
    port: 6881,
    seed: true,
    event: 'update',
    numwant: 50,
    from: FROM
  })
})

t.test('the event is one of ours or none', async (t) => {
  for (const event of ['started', 'completed', 'stopped', 'paused']) {
    t.match(parse(`${GOOD}&event=${event}`), { event })
  }
  for (const event of ['', 'empty', 'toString', '__proto__', 'error']) {
    t.match(parse(`${GOOD}&event=${event}`), { event: 'update' }, event)
  }
})

t.test('only left=0 makes a seed', async (t) => {
  const url = GOOD.replace('&left=0', '')
  for (const left of ['0', '00']) t.match(parse(`${url}&left=${left}`), { seed: true }, left)
  for (const left of ['1', '-0', '', '0.0', '0x0', 'NaN', '99999999999999999999']) {
    t.match(parse(`${url}&left=${left}`), { seed: false }, left)
  }
  t.match(parse(url), { seed: false })
})

t.test('numwant is honoured up to 82, and zero is zero', async (t) => {
  const wanted = [
    ['0', 0],
    ['7', 7],
    ['82', 82],
    ['83', 82],
    ['-1', 50],
    ['x', 50]
  ] as const
  for (const [numwant, expected] of wanted) {
    t.match(parse(`${GOOD}&numwant=${numwant}`), { numwant: expected }, numwant)
  }
})

t.test('an address that a client claims is not read', async (t) => {
  const request = parse(`${GOOD}&ip=1.2.3.4&ipv4=1.2.3.4&ipv6=::1&socket=x&compact=1`)
  t.match(request, { from: FROM, port: 6881 })
  t.notOk('ip' in request || 'socket' in request)
})

t.test('what an announce must have is named when it is missing or wrong', async (t) => {
  t.match(reason('/announce'), /info_hash/)
  t.match(reason('/announce?info_hash=short'), /info_hash/)
  t.match(reason(`${GOOD}&info_hash=${HASH}`), /info_hash/, 'twice')
  t.match(reason(GOOD.replace('peer_id=-', 'peer_id=')), /peer_id/)
  for (const port of ['0', '65536', '1.5', '-1', '', '1e3', '0x50', '68 81', 'NaN']) {
    t.match(reason(GOOD.replace('port=6881', `port=${port}`)), /port/, port)
  }
})

t.test('percent garbage is refused, not guessed at', async (t) => {
  for (const bad of ['%', '%1', '%zz', '%%%', '%u0041', '%E0%A4%A']) {
    t.match(reason(`${GOOD}&x=${bad}`), /percent/, bad)
  }
})

t.test('a scrape names its torrents, each once', async (t) => {
  const one = `info_hash=${hashOf(1).replace(/../g, '%$&')}`
  const two = `info_hash=${hashOf(2).replace(/../g, '%$&')}`
  t.match(parse(`/scrape?${one}&${two}&${one}`), {
    kind: 'scrape',
    infoHashes: [hashOf(1), hashOf(2)]
  })
  t.match(reason('/scrape'), /no full scrape/)
  t.match(reason('/scrape?info_hash=x'), /20 bytes/)
  t.match(reason(`/scrape?${Array(75).fill(one).join('&')}`), /at most 74/)
})

t.test('no request target makes the parser throw', async () => {
  const text = fc.string({ unit: fc.constantFrom(...'%&=?+0aAfz\xff\x00/'), maxLength: 80 })
  fc.assert(
    fc.property(fc.constantFrom('/announce?', '/scrape?', `${GOOD}&`), text, (start, rest) => {
      parse(start + rest)
    })
  )
})
