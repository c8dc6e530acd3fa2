import fc from 'fast-check'
import t from 'tap'
import { type BencodeDict, decodeBencode, encodeBencode } from '../../core/bencode.ts'
import { AppError } from '../../core/errors.ts'
import { buildInfo } from '../../core/metainfo-build.ts'
import { buildTorrentFile, parseTorrentFile } from '../../core/torrent-file.ts'
import { holds } from './property.ts'

const { info, infoHash } = buildInfo({
  name: 'movie.mp4',
  size: 5,
  pieceLength: 262_144,
  pieces: Buffer.alloc(20, 1)
})

const text = (value: unknown) => Buffer.from(value as Uint8Array).toString()

t.test('it carries the info dictionary unchanged, trackers by tier, and web seeds', async (t) => {
  const bytes = buildTorrentFile(info, {
    announce: [['http://a/announce', 'udp://a:1'], [], ['ws://b']],
    urlList: ['http://gateway/x/movie.mp4'],
    createdAt: 1_700_000_000_999
  })
  const dict = decodeBencode(bytes) as BencodeDict
  t.same([...dict.keys()], ['announce', 'announce-list', 'creation date', 'info', 'url-list'])
  t.equal(text(dict.get('announce')), 'http://a/announce')
  t.same(
    (dict.get('announce-list') as Uint8Array[][]).map((tier) => tier.map(text)),
    [['http://a/announce', 'udp://a:1'], ['ws://b']]
  )
  t.equal(dict.get('creation date'), 1_700_000_000)
  t.same((dict.get('url-list') as Uint8Array[]).map(text), ['http://gateway/x/movie.mp4'])
  t.ok(bytes.includes(info))
  t.equal(parseTorrentFile(bytes).infoHash, infoHash)
})

t.test('what there is none of is absent', async (t) => {
  const bytes = buildTorrentFile(info, { announce: [], urlList: [] })
  t.same([...(decodeBencode(bytes) as BencodeDict).keys()], ['info'])
  t.equal(parseTorrentFile(bytes).infoHash, infoHash)
})

t.test('an info dictionary in odd order keeps its bytes and its infohash', async (t) => {
  const odd = Buffer.from('d4:name1:x6:lengthi0e6:pieces0:12:piece lengthi16384ee')
  const metainfo = parseTorrentFile(buildTorrentFile(odd, { announce: [['u']], urlList: [] }))
  t.same(Buffer.from(metainfo.info), odd)
})

t.test('a stranger’s trackers, seeds and nodes are ignored, whatever they are', async (t) => {
  const bytes = Buffer.concat([
    Buffer.from('d8:announcei7e4:info'),
    info,
    Buffer.from('5:nodesle8:url-listd1:ali1eeee')
  ])
  t.equal(parseTorrentFile(bytes).infoHash, infoHash)
})

t.test('what is no torrent file is refused', async (t) => {
  const refused: readonly (readonly [Uint8Array, RegExp])[] = [
    [Buffer.from(''), /not a torrent file: expected a dict/],
    [Buffer.from('<html>'), /not a torrent file/],
    [encodeBencode({ announce: 'x' }), /no info dictionary/],
    [encodeBencode({ info: 'x' }), /expected a dict/],
    [encodeBencode({ info: {} }), /name: missing/],
    [
      Buffer.concat([buildTorrentFile(info, { announce: [], urlList: [] }), Buffer.from('x')]),
      /after/
    ]
  ]
  for (const [bytes, message] of refused) {
    t.throws(() => parseTorrentFile(bytes), { code: 'METAINFO_INVALID', message })
  }
})

t.test('no bytes make it throw anything but METAINFO_INVALID', async (t) => {
  const whole = buildTorrentFile(info, { announce: [['http://a']], urlList: ['b'] })
  const broken = fc.tuple(fc.nat(whole.length), fc.nat(255)).map(([at, value]) => {
    const bytes = Buffer.from(whole)
    bytes[at] = value
    return bytes
  })
  holds(
    t,
    fc.property(fc.oneof(broken, fc.uint8Array()), (bytes) => {
      try {
        parseTorrentFile(bytes)
        return true
      } catch (err) {
        return err instanceof AppError && err.code === 'METAINFO_INVALID'
      }
    }),
    1000
  )
})
