import t from 'tap'
import { encodeBase32 } from '../../../core/base32.ts'
import { type InfoHash, infoHashBytes, parseInfoHash } from '../../../core/info-hash.ts'
import { hintsOf, openTarget } from '../../../gateway/access/open-target.ts'

const A = parseInfoHash('0123456789abcdef0123456789abcdef01234567') as InfoHash
const BASE32 = encodeBase32(infoHashBytes(A))
const TRACKER = 'http://tracker.test/announce?key=1&b=2'
const MAGNET = `magnet:?xt=urn:btih:${A}&dn=x&tr=${encodeURIComponent(TRACKER)}&x.pe=192.0.2.1:6881`
const FOUND = `/${A}/?${new URLSearchParams([
  ['tr', TRACKER],
  ['x.pe', '192.0.2.1:6881']
])}`

t.test('a magnet link leads to its torrent, however it is put into the URL', async (t) => {
  const forms = [
    `/${MAGNET}`,
    `/${encodeURIComponent(MAGNET)}`,
    `/${MAGNET.replace('magnet', 'MAGNET')}`,
    `/?magnet=${encodeURIComponent(MAGNET)}`,
    `/?x=1&magnet=${encodeURIComponent(MAGNET)}`
  ]
  for (const form of forms) t.same(openTarget(form), { location: FOUND, status: 302 }, form)
  const bare = `/magnet:?xt=urn:btih:${BASE32.toUpperCase()}`
  t.same(openTarget(bare), { location: `/${A}/`, status: 302 })
})

t.test('the hints of the query are those of the magnet', async (t) => {
  const { location = '' } = openTarget(`/${MAGNET}`) ?? {}
  const { searchParams } = new URL(location, 'http://gateway.test')
  t.same(hintsOf(searchParams, false), {
    trackers: [TRACKER],
    peers: [{ host: '192.0.2.1', port: 6881, class: 'stranger' }],
    near: false
  })
})

t.test('an infohash in base32 leads to the one in hex, with all that follows', async (t) => {
  t.same(openTarget(`/${BASE32}/a%20b?download=1`), {
    location: `/${A}/a%20b?download=1`,
    status: 308
  })
  t.same(openTarget(`/${BASE32.toUpperCase()}.torrent`), { location: `/${A}.torrent`, status: 308 })
  t.same(openTarget(`/${BASE32}`), { location: `/${A}`, status: 308 })
})

t.test('everything else is left alone', async (t) => {
  const others = [
    '/',
    '/?q=1',
    `/${A}/x`,
    '/magnet:?dn=nothing',
    '/magnet%3A%3Fxt%3D%E0%A4%A',
    `/?magnet=http://evil.test/`,
    `/${BASE32}x/y`,
    `/x/${MAGNET}`,
    '/v1/torrents'
  ]
  for (const target of others) t.equal(openTarget(target), undefined, target)
})

t.test('nothing of a magnet can lead away from the gateway', async (t) => {
  const evil = `/magnet:?xt=urn:btih:${A}&tr=${encodeURIComponent('javascript:x')}&x.pe=//evil.test`
  t.same(openTarget(evil), { location: `/${A}/`, status: 302 })
})

t.test('hints are bounded, and private ones are for those on this machine', async (t) => {
  const query = new URLSearchParams()
  for (let n = 1; n <= 100; n++) {
    query.append('tr', `udp://tracker-${n}.test:80`)
    query.append('x.pe', `192.0.2.${n}:1000`)
  }
  t.equal(hintsOf(query, false).trackers.length, 10)
  t.equal(hintsOf(query, false).peers.length, 20)
  const odd = new URLSearchParams([
    ['tr', 'file:///etc/passwd'],
    ['tr', 'wss://tracker.test'],
    ['tr', `http://${'x'.repeat(2000)}.test`],
    ['x.pe', 'localhost:1'],
    ['x.pe', 'name.test:1'],
    ['x.pe', '10.0.0.1:1'],
    ['x.pe', '[::1]:1'],
    ['x.pe', '192.0.2.1:0'],
    ['x.pe', 'rubbish']
  ])
  t.same(hintsOf(odd, false), { trackers: [], peers: [], near: false })
  t.match(hintsOf(odd, true).peers, [{ host: '10.0.0.1' }, { host: '::1' }])
})
