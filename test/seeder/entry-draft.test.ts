import t from 'tap'
import { buildInfo } from '../../core/metainfo-build.ts'
import { entryDraft } from '../../seeder/entry-draft.ts'

const folder = buildInfo({
  name: 'folder',
  files: [
    { path: ['b.txt'], size: 3 },
    { path: ['a', 'c.txt'], size: 2 }
  ],
  pieceLength: 16_384,
  pieces: Buffer.alloc(20)
}).metainfo

t.test('the files of a folder are named below it, with their digests', async (t) => {
  const files = [
    { sha256: 'aa', crc32: 1 },
    { sha256: null, crc32: null }
  ]
  t.same(entryDraft(folder, { files, createdAt: 0 }), {
    infoHash: folder.infoHash,
    name: 'folder',
    single: false,
    size: 5,
    files: [
      { index: 0, path: 'a/c.txt', size: 2, sha256: 'aa', crc32: 1 },
      { index: 1, path: 'b.txt', size: 3, sha256: null, crc32: null }
    ],
    replicas: null
  })
})

t.test('without a sidecar the digests are unknown', async (t) => {
  for (const { sha256, crc32 } of entryDraft(folder, null).files) {
    t.equal(sha256, null)
    t.equal(crc32, null)
  }
})
