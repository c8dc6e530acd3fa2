import t from 'tap'
import { linkHeader, reprDigest } from '../../../gateway/content/file-links.ts'
import { sampleTorrent } from '../../fakes/sample-torrent.ts'

const { infoHash } = sampleTorrent({ size: 1, pieceLength: 16384 }).metainfo

t.test('a file names the torrent and the metalink that describe it', async (t) => {
  t.equal(
    linkHeader(infoHash),
    `</${infoHash}.torrent>; rel="describedby"; type="application/x-bittorrent", ` +
      `</${infoHash}.meta4>; rel="describedby"; type="application/metalink4+xml"`
  )
  t.match(linkHeader(infoHash, 'https://gw.test'), `<https://gw.test/${infoHash}.meta4>`)
})

t.test('the digest is told when it is known and not refused', async (t) => {
  const sha256 = '5a'.repeat(32)
  const digest = `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`
  t.equal(reprDigest({ sha256 }), digest)
  t.equal(reprDigest({ sha256 }, 'sha-512=10'), digest)
  t.equal(reprDigest({ sha256 }, 'sha-256=0'), undefined)
  t.equal(reprDigest({ sha256 }, ['sha-512=1', 'sha-256=0']), undefined)
  t.equal(reprDigest({ sha256: null }, 'sha-256=10'), undefined)
})
