import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { type BencodeInput, encodeBencode } from '../../core/bencode.ts'
import { AppError } from '../../core/errors.ts'
import { parseInfo, pieceHash } from '../../core/metainfo.ts'
import { holds } from './property.ts'

const PIECE = 16_384

type Info = Record<string, BencodeInput | undefined>
type FileInfo = { length: number; path: BencodeInput; [key: string]: BencodeInput }

/** Hashes for `size` bytes, each different, right in number. */
function hashes(size: number, pieceLength = PIECE): Buffer {
  return Buffer.concat(
    Array.from({ length: Math.ceil(size / pieceLength) }, (_, i) => Buffer.alloc(20, i + 1))
  )
}

function single(changes: Info = {}): Buffer {
  const base = { length: 40_000, name: 'movie.mp4', 'piece length': PIECE, pieces: hashes(40_000) }
  return encodeBencode({ ...base, ...changes })
}

function folder(files: readonly FileInfo[], changes: Info = {}): Buffer {
  const size = files.reduce((sum, { length }) => sum + length, 0)
  const pieces = 'pieces' in changes ? undefined : hashes(size)
  const base = { files, name: 'folder', 'piece length': PIECE, pieces }
  return encodeBencode({ ...base, ...changes })
}

const file = (path: string, length = 1): FileInfo => ({ length, path: path.split('/') })

t.test('a single file', async (t) => {
  const info = single()
  const metainfo = parseInfo(info)
  t.equal(metainfo.infoHash, createHash('sha1').update(info).digest('hex'))
  t.equal(metainfo.info, info, 'the very bytes that were hashed')
  t.equal(metainfo.name, 'movie.mp4')
  t.same(Buffer.from(metainfo.nameBytes), Buffer.from('movie.mp4'))
  t.same(metainfo.geometry, { size: 40_000, pieceLength: PIECE, pieceCount: 3 })
  t.equal(metainfo.single, true)
  t.equal(metainfo.private, false)
  const [only, ...others] = metainfo.files
  t.match(only, { index: 0, name: 'movie.mp4', offset: 0, size: 40_000, padding: false })
  t.same(only?.path, [Buffer.from('movie.mp4')])
  t.same(others, [])
})

t.test('the hash of a piece is a view of the dictionary', async (t) => {
  const info = single()
  const metainfo = parseInfo(info)
  t.same(Buffer.from(pieceHash(metainfo, 1)), Buffer.alloc(20, 2))
  t.equal(metainfo.pieces.buffer, info.buffer)
  t.equal(pieceHash(metainfo, 2).buffer, info.buffer)
})

t.test(
  'the files of a folder lie one after the other, in the order of the dictionary',
  async (t) => {
    const metainfo = parseInfo(
      folder([file('b', 10), file('a/deep/c', 20_000), file('a/empty', 0)])
    )
    t.equal(metainfo.single, false)
    t.equal(metainfo.geometry.size, 20_010)
    t.same(
      metainfo.files.map(({ index, name, offset, size }) => [index, name, offset, size]),
      [
        [0, 'b', 0, 10],
        [1, 'a/deep/c', 10, 20_000],
        [2, 'a/empty', 20_010, 0]
      ]
    )
    t.same(
      metainfo.files[1]?.path,
      ['a', 'deep', 'c'].map((text) => Buffer.from(text))
    )
  }
)

t.test('nothing at all is a torrent without pieces', async (t) => {
  const empty = parseInfo(single({ length: 0, pieces: '' }))
  t.same(empty.geometry, { size: 0, pieceLength: PIECE, pieceCount: 0 })
  t.equal(empty.files.length, 1)
  t.equal(parseInfo(folder([file('a', 0), file('b', 0)])).geometry.pieceCount, 0)
})

t.test('names and paths are bytes; their text keeps apart what differs', async (t) => {
  const info = folder([
    { length: 1, path: [Buffer.from([0xe9])] },
    { length: 1, path: ['é'] },
    { length: 1, path: ['e\u0301'] },
    { length: 1, path: ['back\\slash', 'CON', ' ', '...'] }
  ])
  const metainfo = parseInfo(info)
  t.same(
    metainfo.files.map(({ name }) => name),
    ['\u{10fee9}', 'é', 'e\u0301', 'back\\slash/CON/ /...']
  )
  t.same(metainfo.files[0]?.path, [Buffer.from([0xe9])])
  const named = parseInfo(single({ name: Buffer.from([0x61, 0xff]) }))
  t.equal(named.name, 'a\u{10feff}')
  t.same(named.nameBytes, Buffer.from([0x61, 0xff]))
})

t.test('the UTF-8 variants of names win, and are checked as well', async (t) => {
  const legacy = { 'name.utf-8': 'é', name: Buffer.from([0xe9]) }
  t.equal(parseInfo(single(legacy)).name, 'é')
  const files = [{ length: 1, path: ['x'], 'path.utf-8': ['é'] }]
  t.equal(parseInfo(folder(files)).files[0]?.name, 'é')
  t.throws(() => parseInfo(single({ 'name.utf-8': '..' })), /name\.utf-8: is "\.\."/)
  t.throws(() => parseInfo(folder([{ length: 1, path: ['..'], 'path.utf-8': ['é'] }])), /is "\.\."/)
})

t.test('padding files are flagged and may repeat', async (t) => {
  const pad = (length: number) => ({ attr: 'p', length, path: ['.pad', '100'] })
  const metainfo = parseInfo(folder([file('a', 10), pad(100), file('b', 10), pad(100)]))
  t.same(
    metainfo.files.map(({ index, padding, offset }) => [index, padding, offset]),
    [
      [0, false, 0],
      [1, true, 10],
      [2, false, 110],
      [3, true, 120]
    ]
  )
})

t.test(
  'what is not understood is passed over: hybrid torrents, executables, private',
  async (t) => {
    const tree: BencodeInput = { 'movie.mp4': { '': { length: 40_000, 'pieces root': 'x' } } }
    const hybrid = parseInfo(single({ 'meta version': 2, 'file tree': tree }))
    t.equal(hybrid.geometry.pieceCount, 3)
    t.equal(parseInfo(single({ private: 1 })).private, true)
    t.equal(parseInfo(single({ private: 0 })).private, false)
    t.equal(parseInfo(single({ private: '1' })).private, false)
    t.equal(parseInfo(single({ attr: 'x', source: 2n ** 90n })).files[0]?.padding, false)
  }
)

t.test('keys out of order change the infohash and nothing else', async (t) => {
  const info = Buffer.from('d4:name1:x6:lengthi0e6:pieces0:12:piece lengthi16384ee')
  t.equal(parseInfo(info).infoHash, createHash('sha1').update(info).digest('hex'))
})

const big = 2 ** 53 - 1
const links = { attr: 'l', 'symlink path': ['etc', 'passwd'] }
const refused: readonly (readonly [name: string, info: Buffer, message: RegExp])[] = [
  ['a negative length', single({ length: -1 }), /negative length: -1/],
  ['a negative length in a folder', folder([file('a', 2), file('b', -1)]), /files\/1: negative/],
  ['a length of 2^53', single({ length: 2n ** 53n }), /too large at byte/],
  ['a total past 2^53 - 1', folder([file('a', big), file('b', 1)], { pieces: '' }), /2\^53 - 1/],
  ['a length that is no integer', single({ length: '5' }), /expected an integer/],
  ['too few hashes', single({ pieces: hashes(PIECE * 2) }), /40 bytes of hashes for 3 pieces/],
  ['too many hashes', single({ pieces: hashes(PIECE * 4) }), /80 bytes of hashes for 3 pieces/],
  ['half a hash', single({ pieces: Buffer.alloc(59) }), /59 bytes of hashes for 3 pieces/],
  ['hashes of nothing', single({ length: 0 }), /60 bytes of hashes for 0 pieces/],
  ['no hashes', single({ pieces: undefined }), /pieces: missing/],
  ['hashes that are a list', single({ pieces: [] }), /expected a digit/],
  ['no piece length', single({ 'piece length': undefined }), /piece length: missing/],
  ['piece length 0', single({ 'piece length': 0 }), /piece length: 0 is not within/],
  ['a negative piece length', single({ 'piece length': -PIECE }), /is not within/],
  ['a giant piece length', single({ 'piece length': 2 ** 29 + 1 }), /is not within/],
  ['no name', single({ name: undefined }), /name: missing/],
  ['an empty name', single({ name: '' }), /name: empty/],
  ['the name .', single({ name: '.' }), /name: is "\."/],
  ['the name ..', single({ name: '..' }), /name: is "\.\."/],
  ['a slash in the name', single({ name: 'a/b' }), /name: holds a slash/],
  ['a NUL in the name', single({ name: 'a\0b' }), /name: holds a NUL/],
  ['an overlong name', single({ name: 'x'.repeat(4097) }), /name: over 4096 bytes/],
  ['neither length nor files', single({ length: undefined }), /neither length nor files/],
  ['both length and files', single({ files: [file('a', 40_000)] }), /both length and files/],
  ['no files', folder([]), /files: empty/],
  ['files that are a dict', single({ length: undefined, files: {} }), /expected a list/],
  ['a file without a length', folder([{ path: ['a'] } as never]), /files\/0: no length/],
  ['a file without a path', folder([{ length: 0 } as never]), /files\/0: no path/],
  ['a path without segments', folder([{ length: 1, path: [] }]), /path without segments/],
  ['a path that is a string', folder([{ length: 1, path: 'a' }]), /expected a list/],
  ['an empty segment', folder([{ length: 1, path: ['a', ''] }]), /files\/0\/path\/1: empty/],
  ['the segment .', folder([file('a'), file('b/./c')]), /files\/1\/path\/1: is "\."/],
  ['the segment ..', folder([file('../a')]), /files\/0\/path\/0: is "\.\."/],
  ['a slash in a segment', folder([{ length: 1, path: ['a/b'] }]), /path\/0: holds a slash/],
  ['a NUL in a segment', folder([{ length: 1, path: ['a\0'] }]), /path\/0: holds a NUL/],
  ['a path of 129 segments', folder([file('a/'.repeat(128).concat('b'))]), /over 128 segments/],
  [
    'a path over 4096 bytes',
    folder([file('long name/'.repeat(120).concat('x'.repeat(3000)))]),
    /over 4096/
  ],
  ['the same path twice', folder([file('a/b'), file('c'), file('a/b')]), /duplicate path: a\/b/],
  ['a file that is a folder', folder([file('a/b'), file('a')]), /both a file and a folder: a/],
  ['a folder that is a file', folder([file('a'), file('a/b')]), /both a file and a folder: a/],
  ['a symbolic link', folder([{ ...file('a', 0), ...links }]), /symbolic links are refused/],
  ['a link by path alone', folder([{ ...file('a', 0), 'symlink path': ['b'] }]), /symbolic links/],
  ['a padding link', folder([{ ...file('a', 0), attr: 'pl' }]), /symbolic links/],
  ['a single file that is a link', single({ attr: 'l' }), /symbolic links/],
  ['a single file with a target', single({ 'symlink path': ['b'] }), /symbolic links/],
  ['a key twice', Buffer.from('d6:lengthi0e6:lengthi1ee'), /two values of length/],
  ['something else than a dict', Buffer.from('i1e'), /expected a dict at byte 0/],
  ['bytes behind the dictionary', Buffer.concat([single(), Buffer.from('\n')]), /bytes after/],
  ['a dictionary cut short', single().subarray(0, -1), /expected a digit/],
  ['nothing', Buffer.alloc(0), /expected a dict at byte 0/]
]

t.test('what is wrong is refused, with what and where', async (t) => {
  for (const [name, info, message] of refused) {
    const wanted = { name: 'AppError', code: 'METAINFO_INVALID', status: 422, message }
    t.throws(() => parseInfo(info), wanted, name)
  }
})

t.test('the place is also a JSON pointer', async (t) => {
  try {
    parseInfo(folder([file('a'), file('b/../c')]))
    t.fail('was accepted')
  } catch (err) {
    t.same((err as AppError).errors, [{ detail: 'is ".."', pointer: '/info/files/1/path/1' }])
  }
})

t.test('grammar errors are the cause of the refusal', async (t) => {
  try {
    parseInfo(Buffer.from('d4:name'))
    t.fail('was accepted')
  } catch (err) {
    t.match((err as AppError).cause, { name: 'BencodeError', at: 7 })
  }
})

t.test('a dictionary over 64 MiB is refused unread', async (t) => {
  t.throws(() => parseInfo(new Uint8Array(64 * 2 ** 20 + 1)), /larger than 67108864 bytes/)
})

t.test('more than a million files are refused', async (t) => {
  const padding = 'd4:attr1:p6:lengthi0e4:pathl1:aee'
  const info = Buffer.from(`d5:filesl${padding.repeat(2 ** 20 + 1)}e4:name1:xe`)
  t.throws(() => parseInfo(info), /files: more than 1048576/)
})

t.test('the widest paths that are allowed', async (t) => {
  const deep = 'a/'.repeat(127).concat('b')
  t.equal(parseInfo(folder([file(deep)])).files[0]?.name, deep)
  t.equal(parseInfo(single({ name: 'x'.repeat(4096) })).name.length, 4096)
  t.equal(parseInfo(single({ 'piece length': 2 ** 29, pieces: hashes(1) })).geometry.pieceCount, 1)
})

/** A valid dictionary, changed at random places. */
const mutilated = fc
  .tuple(
    fc.constantFrom(single(), folder([file('a/b', 7), file('c', 0), file('a/d', 40_000)])),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
  )
  .map(([info, changes]) => {
    const bytes = Buffer.from(info)
    for (const [at, value] of changes) bytes[at % bytes.length] = value
    return bytes
  })

t.test('whatever the bytes, the answer is sound metainfo or METAINFO_INVALID', async (t) => {
  holds(
    t,
    fc.property(fc.oneof(mutilated, fc.uint8Array({ maxLength: 100 })), (info) => {
      try {
        const { files, geometry, pieces } = parseInfo(info)
        let end = 0
        for (const { offset, size } of files) {
          if (offset !== end || size < 0) return false
          end += size
        }
        return end === geometry.size && pieces.length === geometry.pieceCount * 20
      } catch (err) {
        return err instanceof AppError && err.code === 'METAINFO_INVALID'
      }
    }),
    3000
  )
})
