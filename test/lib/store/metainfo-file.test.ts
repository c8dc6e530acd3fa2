import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  decodeMetainfoFile,
  encodeMetainfoFile,
  readMetainfo
} from '../../../lib/store/metainfo-file.ts'
import { sampleTorrent } from '../../fakes/sample-torrent.ts'
import { testFolder } from '../../fakes/test-folder.ts'

const { metainfo } = sampleTorrent({ size: 50, pieceLength: 16_384, files: [20, 30] })
const { info, infoHash } = metainfo
const sidecar = {
  files: [
    { sha256: '01'.repeat(32), crc32: 0xffff_ffff },
    { sha256: null, crc32: null }
  ],
  createdAt: 1_700_000_000_123
}

t.test('info is kept to the byte, beside what the catalogue needs', (t) => {
  const bytes = encodeMetainfoFile({ info, sidecar })
  const details = decodeMetainfoFile(bytes, infoHash)
  t.same(Buffer.from(details?.info ?? []), Buffer.from(info))
  t.same(details?.sidecar, sidecar)
  t.ok(bytes.toString('latin1').startsWith('d4:infod5:files'), 'a plain bencoded dictionary')
  t.equal(decodeMetainfoFile(encodeMetainfoFile({ info, sidecar: null }), infoHash)?.sidecar, null)
  t.end()
})

t.test('a file of another torrent, or damaged anywhere in info, is none', (t) => {
  const bytes = encodeMetainfoFile({ info, sidecar })
  for (let at = 0; at < 7 + info.byteLength; at++) {
    const damaged = Buffer.from(bytes)
    damaged[at] = (damaged[at] ?? 0) ^ 1
    if (decodeMetainfoFile(damaged, infoHash) !== undefined) t.fail(`byte ${at}`)
  }
  for (let length = 0; length < bytes.byteLength; length++) {
    if (decodeMetainfoFile(bytes.subarray(0, length), infoHash) !== undefined) t.fail(`${length}`)
  }
  t.end()
})

t.test('a sidecar that makes no sense is none, and the torrent is still there', (t) => {
  for (const side of ['le', 'd5:filesi1ee', 'd10:created ati1ee']) {
    const bytes = Buffer.concat([Buffer.from('d4:info'), info, Buffer.from(`9:swarmgate${side}e`)])
    t.equal(decodeMetainfoFile(bytes, infoHash)?.sidecar, null, side)
  }
  t.end()
})

t.test('a missing file is none, one that cannot be read is an error', async (t) => {
  const folder = testFolder(t)
  const path = join(folder, 'metainfo')
  t.equal(await readMetainfo(path, infoHash), undefined)
  writeFileSync(path, encodeMetainfoFile({ info, sidecar }))
  t.same((await readMetainfo(path, infoHash))?.sidecar, sidecar)
  await t.rejects(readMetainfo(folder, infoHash), { code: 'STORE_FAILED' })
})
