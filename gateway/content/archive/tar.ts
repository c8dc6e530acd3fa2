/**
 * A folder as a tar archive that is never made: any span of it is computed when it is asked for.
 *
 * POSIX ustar; a pax header goes before a file whose name or size ustar cannot say. The length is
 * known always, since nothing in it depends on the bytes of the files.
 */
import type { Entry } from '../../../lib/control/control.ts'
import type { Folder } from '../folder.ts'
import type { BodyPart, Representation } from '../representation.ts'
import { archiveFace } from './archive.ts'
import { type ArchivedFile, archivedFiles } from './entry-names.ts'
import { partsOf, type Strip, startsOf } from './strip.ts'

/** Part of the ETag: another number for every change of what the bytes are. */
const VERSION = 1
const BLOCK = 512
const END_BYTES = 2 * BLOCK
/** The largest size that eleven octal digits say. */
const MAX_USTAR_SIZE = 0o77777777777

/** The archive of `folder`, its files below its own name. Costs a walk of the folder. */
export function tarOf(entry: Entry, folder: Folder): Representation {
  const files = archivedFiles(folder, entry.single)
  const modified = Math.max(0, Math.floor(entry.createdAt / 1000))
  const starts = startsOf(files.length, (index) => entrySize(files[index] as ArchivedFile))
  const strips: Strip[] = [
    { starts, parts: (index) => entryParts(files[index] as ArchivedFile, modified) },
    { starts: startsOf(1, () => END_BYTES), parts: () => [zeros(END_BYTES)] }
  ]
  return {
    ...archiveFace({ entry, folder, files, format: 'tar', variant: String(VERSION) }),
    size: (starts.at(-1) ?? 0) + END_BYTES,
    parts: (span) => partsOf(strips, span)
  }
}

function entrySize(archived: ArchivedFile): number {
  const pax = Buffer.byteLength(paxRecords(archived))
  return (pax === 0 ? 0 : BLOCK + padded(pax)) + BLOCK + padded(archived.file.size)
}

function* entryParts(archived: ArchivedFile, modified: number): Iterable<BodyPart> {
  const { file } = archived
  yield { kind: 'bytes', bytes: heads(archived, modified) }
  yield { kind: 'file', file, span: { start: 0, end: file.size } }
  if (file.size < padded(file.size)) yield zeros(padded(file.size) - file.size)
}

/** The headers of a file: a pax header where one is needed, then ustar's. */
function heads(archived: ArchivedFile, modified: number): Buffer {
  const { file, name } = archived
  const pax = Buffer.from(paxRecords(archived))
  const place = splitName(name) ?? { prefix: '', name: plainName(name) }
  // A program without pax sees an empty file rather than the wrong end of a large one.
  const size = file.size > MAX_USTAR_SIZE ? 0 : file.size
  const head = ustarHeader({ ...place, size, modified, type: '0' })
  if (pax.length === 0) return head
  const paxName = { prefix: '', name: `PaxHeaders/${file.index}` }
  return Buffer.concat([
    ustarHeader({ ...paxName, size: pax.length, modified, type: 'x' }),
    pax,
    Buffer.alloc(padded(pax.length) - pax.length),
    head
  ])
}

interface UstarFields {
  readonly prefix: string
  readonly name: string
  readonly size: number
  readonly modified: number
  readonly type: '0' | 'x'
}

/** POSIX.1-2017, pax, "ustar Interchange Format". */
function ustarHeader({ prefix, name, size, modified, type }: UstarFields): Buffer {
  const head = Buffer.alloc(BLOCK)
  head.write(name, 0, 100, 'latin1')
  head.write('0000644\0', 100)
  head.write('0000000\0', 108)
  head.write('0000000\0', 116)
  head.write(`${octal(size)}\0`, 124)
  head.write(`${octal(modified)}\0`, 136)
  head.write('        ', 148)
  head.write(type, 156)
  head.write('ustar\x0000', 257, 'latin1')
  head.write(prefix, 345, 155, 'latin1')
  const sum = head.reduce((total, byte) => total + byte, 0)
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return head
}

/** What ustar cannot say of a file, or nothing. */
function paxRecords({ file, name }: ArchivedFile): string {
  const path = splitName(name) === undefined ? paxRecord('path', name) : ''
  return file.size > MAX_USTAR_SIZE ? path + paxRecord('size', String(file.size)) : path
}

/** `length key=value`, where the length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest
  while (length !== rest + String(length).length) length = rest + String(length).length
  return `${length} ${key}=${value}\n`
}

/** Where ustar has room for a name: 100 bytes, and 155 for what is before a slash in it. */
function splitName(path: string): { prefix: string; name: string } | undefined {
  if (!/^[\x20-\x7e]*$/.test(path)) return undefined
  if (path.length <= 100) return { prefix: '', name: path }
  const slash = path.indexOf('/', path.length - 101)
  const ends = slash <= 0 || slash > 155 || slash === path.length - 1
  return ends ? undefined : { prefix: path.slice(0, slash), name: path.slice(slash + 1) }
}

/** A name for programs without pax: the last segment in ASCII, as much of its end as fits. */
function plainName(path: string): string {
  const last = path.slice(path.lastIndexOf('/') + 1)
  return last.replace(/[^\x20-\x7e]+/g, '_').slice(-100)
}

function octal(number: number): string {
  return number.toString(8).padStart(11, '0')
}

function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK) * BLOCK
}

function zeros(bytes: number): BodyPart {
  return { kind: 'bytes', bytes: Buffer.alloc(bytes) }
}
