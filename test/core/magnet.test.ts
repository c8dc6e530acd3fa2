import t from 'tap'
import { infoHashOf } from '../../core/info-hash.ts'
import { buildMagnet, parseMagnet } from '../../core/magnet.ts'

const infoHash = infoHashOf(Buffer.from('abc'))
const BASE32 = 'VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5'

t.test('a link names infohash, name, size, trackers and web seeds, in this order', async (t) => {
  const link = buildMagnet({
    infoHash,
    name: 'a b&c=é#.mp4',
    size: 7,
    announce: ['http://t:8000/announce', 'udp://t:8000'],
    webSeeds: ['http://g/x?y']
  })
  t.equal(
    link,
    `magnet:?xt=urn:btih:${infoHash}&dn=a%20b%26c%3D%C3%A9%23.mp4&xl=7` +
      '&tr=http%3A%2F%2Ft%3A8000%2Fannounce&tr=udp%3A%2F%2Ft%3A8000&ws=http%3A%2F%2Fg%2Fx%3Fy'
  )
})

t.test('what is not known is left out', async (t) => {
  t.equal(
    buildMagnet({ infoHash, name: 'x', announce: [] }),
    `magnet:?xt=urn:btih:${infoHash}&dn=x`
  )
  t.match(
    buildMagnet({ infoHash, name: 'x', size: 0, announce: [] }),
    /&xl=0$/,
    'but zero is known'
  )
})

t.test('a link we built reads back', async (t) => {
  const announce = ['http://t/announce?a=1&b=2', 'ws://t']
  const link = buildMagnet({ infoHash, name: '100% + é/ü', size: 1, announce })
  t.same(parseMagnet(link), { infoHash, name: '100% + é/ü', trackers: announce })
})

t.test('hex and base32 in any case name the same infohash', async (t) => {
  const ids = [infoHash, infoHash.toUpperCase(), BASE32, BASE32.toLowerCase()]
  for (const id of ids) {
    t.same(parseMagnet(`magnet:?xt=urn:btih:${id}`), { infoHash, trackers: [] }, id)
    t.same(parseMagnet(`MAGNET:?xt=URN:BTIH:${id}`), { infoHash, trackers: [] }, id)
  }
  t.equal(parseMagnet(`magnet:?xt=urn:btih:${'A'.repeat(31)}B`)?.infoHash, `${'0'.repeat(39)}1`)
  t.same(parseMagnet(`magnet:?dn=&xt.1=urn%3Abtih%3A${infoHash}&tr.1=u&tr.2=v&tr=`), {
    infoHash,
    trackers: ['u', 'v']
  })
})

t.test('everything a stranger adds beyond name and trackers is ignored', async (t) => {
  const rest = '&xs=http://evil&as=x&ws=http://evil&x.pe=1.2.3.4:5&so=0&kt=a'
  t.same(parseMagnet(`magnet:?xt=urn:btih:${infoHash}${rest}`), { infoHash, trackers: [] })
  const v2 = `&xt=urn:btmh:1220${'ab'.repeat(32)}`
  t.same(parseMagnet(`magnet:?xt=urn:btih:${infoHash}${v2}`), { infoHash, trackers: [] })
})

t.test('what names no single v1 infohash is not a magnet link', async (t) => {
  const other = infoHashOf(Buffer.from('other'))
  const refused = [
    '',
    infoHash,
    `http://x/?xt=urn:btih:${infoHash}`,
    'magnet:?dn=x',
    'magnet:?xt=urn:btih:',
    `magnet:?xt=urn:btih:${infoHash.slice(1)}`,
    `magnet:?xt=urn:btih:${BASE32.replace('V', '1')}`,
    `magnet:?xt=urn:sha1:${infoHash}`,
    `magnet:?xt=urn:btih:${infoHash}&xt=urn:btih:${other}`,
    `magnet:?xt=urn:btih:${infoHash}&dn=${'x'.repeat(65_536)}`
  ]
  for (const text of refused) t.equal(parseMagnet(text), undefined, text.slice(0, 80))
  t.ok(
    parseMagnet(`magnet:?xt=urn:btih:${infoHash}&xt=urn:btih:${BASE32}`),
    'twice the same is one'
  )
})

t.test('trackers past the hundredth are dropped', async (t) => {
  const link = `magnet:?xt=urn:btih:${infoHash}${'&tr=udp://t'.repeat(150)}`
  t.equal(parseMagnet(link)?.trackers.length, 100)
})
