import t from 'tap'
import { segmentName } from '../../../core/segment-name.ts'
import { sampleTorrent } from '../../fakes/sample-torrent.ts'
import { store } from '../../lib/node/node-rig.ts'
import { get, openGateway } from './content-rig.ts'

t.test('a name that is not UTF-8 has a URL, of its bytes', async (t) => {
  const { url, fleet, library } = await openGateway(t)
  const name = segmentName(Buffer.from([0x66, 0xff, 0xc3]))
  const sample = sampleTorrent({ size: 10, pieceLength: 16384 })
  await store(library, sample)
  const { infoHash } = fleet.publish(sample, {
    name,
    files: [{ index: 0, path: name, size: 10, sha256: 'ab'.repeat(32), crc32: null }]
  })
  for (const [path, status] of [
    ['f%FF%C3', 200],
    ['%66%ff%c3', 200],
    ['f%FF%C3?%FF', 200],
    ['f%FF', 404],
    ['f%C3%BF%C3', 404],
    ['f%FF%C3%', 400]
  ] as const) {
    const got = await get(url, { path: `/${infoHash}/${path}` })
    t.equal(got.status, status, path)
    if (status === 200) t.ok(got.body.equals(sample.bytes))
  }
  const page = await get(`${url}/${infoHash}/`, { headers: { accept: 'application/json' } })
  t.match(page.body.toString(), `/${infoHash}/f%FF%C3`, 'and the listing links to it')
  const sums = await get(`${url}/${infoHash}.sha256`)
  t.ok(sums.body.equals(Buffer.from(`${'ab'.repeat(32)}  f\xff\xc3\n`, 'latin1')))
})
