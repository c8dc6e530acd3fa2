/**
 * The vectors here are part of the public promise: the infohash is a function of names and bytes
 * alone, for ever. They were computed by another program (Python's hashlib over a bencoder written
 * for it). If one fails, the code is wrong, never the vector.
 */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { decodeBencode } from '../../core/bencode.ts'
import { AppError } from '../../core/errors.ts'
import { pieceLengthFor } from '../../core/geometry.ts'
import { buildInfo, type FileSpec, inTorrentOrder } from '../../core/metainfo-build.ts'
import { holds } from './property.ts'

/** 300 000 known bytes. */
const DATA = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31 + 7) % 256))

function hashPieces(bytes: Buffer, pieceLength: number): Buffer {
  const hashes: Buffer[] = []
  for (let at = 0; at < bytes.length; at += pieceLength) {
    hashes.push(
      createHash('sha1')
        .update(bytes.subarray(at, at + pieceLength))
        .digest()
    )
  }
  return Buffer.concat(hashes)
}

function publishFile(name: string, bytes: Buffer) {
  const pieceLength = pieceLengthFor(bytes.length)
  const pieces = hashPieces(bytes, pieceLength)
  return buildInfo({ name, size: bytes.length, pieceLength, pieces })
}

function publishFolder(name: string, contents: readonly (readonly [string, Buffer])[]) {
  const all = contents.map(([path, bytes]) => ({
    path: path.split('/'),
    size: bytes.length,
    bytes
  }))
  const bytes = Buffer.concat(inTorrentOrder(all).map((file) => file.bytes))
  const pieceLength = pieceLengthFor(bytes.length)
  const files = all.map(({ path, size }) => ({ path, size }))
  return buildInfo({ name, files, pieceLength, pieces: hashPieces(bytes, pieceLength) })
}

t.test('VECTOR: a file of two pieces', async (t) => {
  const { info, infoHash } = publishFile('movie.mp4', DATA)
  t.equal(infoHash, 'a1b7d13b48d146c940d7f6266262e49fc8b535f0')
  t.equal(info.length, 109)
})

t.test('VECTOR: an empty file', async (t) => {
  const { info, infoHash } = publishFile('empty.txt', Buffer.alloc(0))
  t.equal(infoHash, '7b5b5358a812c03afe33b841a311b361800a7064')
  t.equal(
    info.toString('latin1'),
    'd6:lengthi0e4:name9:empty.txt12:piece lengthi262144e6:pieces0:e'
  )
})

t.test('VECTOR: a file of one byte', async (t) => {
  t.equal(publishFile('one', Buffer.from('A')).infoHash, 'daf1277d7f9be7713a633c95a322067f76663768')
})

t.test('VECTOR: a name in Unicode, NFC', async (t) => {
  const name = '\u00c9l\u00e9phant \u00e9t\u00e9 \u2013 \u8c61.mkv'
  const { infoHash } = publishFile(name, Buffer.from('hello'))
  t.equal(infoHash, 'b8a36ce43b585d849cee9a4e21b93601d4e0906a')
})

const FOLDER: readonly (readonly [string, Buffer])[] = [
  ['b.txt', Buffer.from('bee')],
  ['a/z.bin', DATA.subarray(0, 270_000)],
  ['\u{1f600}', Buffer.from('1')],
  ['a.txt', Buffer.from('ay')],
  ['a/\u00e9', Buffer.alloc(0)],
  ['Z', Buffer.from('zed')],
  ['\uff5e', Buffer.from('22')]
]

t.test('VECTOR: a folder', async (t) => {
  const { infoHash, metainfo } = publishFolder('folder', FOLDER)
  t.equal(infoHash, 'eb9e625527b9980f3803454e8927740685573a7b')
  t.same(
    metainfo.files.map(({ name }) => name),
    ['Z', 'a.txt', 'a/z.bin', 'a/\u00e9', 'b.txt', '\uff5e', '\u{1f600}'],
    'sorted by the bytes of the whole path, not by UTF-16 and not by folder'
  )
})

t.test('the order in which files are handed in does not matter', async (t) => {
  holds(
    t,
    fc.property(fc.shuffledSubarray([...FOLDER], { minLength: FOLDER.length }), (contents) => {
      return (
        publishFolder('folder', contents).infoHash === 'eb9e625527b9980f3803454e8927740685573a7b'
      )
    }),
    20
  )
})

t.test('nothing but length or files, name, piece length and pieces', async (t) => {
  const keys = (info: Buffer) => [...(decodeBencode(info) as Map<string, unknown>).keys()]
  t.same(keys(publishFile('x', DATA).info), ['length', 'name', 'piece length', 'pieces'])
  t.same(keys(publishFolder('x', FOLDER).info), ['files', 'name', 'piece length', 'pieces'])
})

t.test('what is built is what parsing reads', async (t) => {
  const { info, infoHash, metainfo } = publishFolder('folder', FOLDER)
  t.equal(metainfo.info, info)
  t.equal(metainfo.infoHash, infoHash)
  t.equal(metainfo.single, false)
  t.equal(metainfo.private, false)
  t.equal(metainfo.geometry.size, 270_011)
  t.equal(publishFile('x', DATA).metainfo.single, true)
})

t.test('what parsing would refuse is not built', async (t) => {
  const base = { pieceLength: 16_384, pieces: Buffer.alloc(20) }
  const folder = (...paths: string[][]): readonly FileSpec[] =>
    paths.map((path) => ({ path, size: 1 }))
  const refused = [
    () => buildInfo({ ...base, name: '..', size: 1 }),
    () => buildInfo({ ...base, name: 'lone \ud800', size: 1 }),
    () => buildInfo({ ...base, name: 'x', size: -1 }),
    () => buildInfo({ ...base, name: 'x', size: 1.5 }),
    () => buildInfo({ ...base, name: 'x', size: 16_385 }),
    () => buildInfo({ ...base, name: 'x', files: [] }),
    () => buildInfo({ ...base, name: 'x', files: folder(['a'], ['a']) }),
    () => buildInfo({ ...base, name: 'x', files: folder(['a'], ['a', 'b']) }),
    () => buildInfo({ ...base, name: 'x', files: folder(['\udfff']) })
  ]
  for (const build of refused) {
    t.throws(build, { name: 'AppError', code: 'METAINFO_INVALID' }, build.toString())
  }
})

t.test('the order is that of the UTF-8 bytes of joined paths', async (t) => {
  const path = fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 3
  })
  holds(
    t,
    fc.property(fc.array(path, { maxLength: 8 }), (paths) => {
      const sorted = inTorrentOrder(paths.map((segments) => ({ path: segments })))
      const keys = sorted.map((file) => Buffer.from(file.path.join('/')))
      return (
        keys.length === paths.length &&
        keys.every((key, i) => i === 0 || Buffer.compare(keys[i - 1] ?? key, key) <= 0)
      )
    })
  )
})

t.test('an AppError, not a BencodeError, tells of a name that cannot be encoded', async (t) => {
  try {
    buildInfo({ name: '\ud800', size: 0, pieceLength: 1, pieces: Buffer.alloc(0) })
    t.fail('was built')
  } catch (err) {
    t.ok(err instanceof AppError)
    t.match((err as AppError).cause, { name: 'BencodeError' })
  }
})
