/**
 * A folder as a zip archive that is never made: any span of it is computed when it is asked for.
 *
 *   entry 0 | entry 1 | … | directory, in blocks of entries | end        entry: header, file
 *
 * With the CRC-32 of every file in the catalogue the length is known beforehand and any range can
 * be had. Where one is unknown (an import) the archive can only be sent from its start: the CRC is
 * taken from the bytes that pass and follows them in a descriptor.
 */
import { crc32 } from 'node:zlib'
import type { Entry, EntryFile } from '../../../lib/control/control.ts'
import type { Folder } from '../folder.ts'
import type { BodyPart, FilePart, MadePart, Representation } from '../representation.ts'
import { archiveFace } from './archive.ts'
import { type ArchivedFile, archivedFiles } from './entry-names.ts'
import { partsOf, type Strip, startsOf } from './strip.ts'
import {
  descriptor,
  descriptorSize,
  directoryHeader,
  directoryHeaderSize,
  endOfDirectory,
  localHeader,
  localHeaderSize
} from './zip-records.ts'

/** Part of the ETag: another number for every change of what the bytes are. */
const VERSION = 1
/** Directory headers that are made at once. */
const BLOCK = 256
/** Once its CRC-32s are known the archive has a length: caches should ask again. */
const FOR_AN_HOUR = 'public, max-age=3600'

/** The archive of `folder`, its files below its own name. Costs a walk of the folder. */
export function zipOf(entry: Entry, folder: Folder): Representation {
  const files = archivedFiles(folder, entry.single)
  const crcs = Uint32Array.from(files, ({ file }) => file.crc32 ?? 0)
  const unknown = files.reduce((sum, { file }) => sum + (isUnknown(file) ? 1 : 0), 0)
  const layout = layoutOf(files, entry.createdAt)
  // A CRC-32 that becomes known changes the bytes, and none is ever forgotten.
  const variant = `${VERSION}.${unknown}`
  const face = archiveFace({ entry, folder, files, format: 'zip', variant })
  if (unknown === 0) {
    const strips = stripsOf(layout, crcs)
    return { ...face, size: layout.size, parts: (span) => partsOf(strips, span) }
  }
  return {
    ...face,
    cacheControl: FOR_AN_HOUR,
    size: undefined,
    parts(span) {
      if (span.start !== 0) throw new RangeError('the CRC-32s are learnt from the start on')
      return partsOf(stripsOf(layout, crcs.slice()), span)
    }
  }
}

/** Whether the CRC-32 is only known when the bytes have passed. Of nothing it is 0. */
function isUnknown({ size, crc32 }: EntryFile): boolean {
  return size > 0 && crc32 === null
}

interface Layout {
  readonly files: readonly ArchivedFile[]
  readonly modified: number
  /** Of the entries: header, file, descriptor. */
  readonly entryStarts: Float64Array
  /** Of the blocks of the directory, within it. */
  readonly blockStarts: Float64Array
  readonly end: Buffer
  readonly size: number
}

function layoutOf(files: readonly ArchivedFile[], modified: number): Layout {
  const entryStarts = startsOf(files.length, (index) => {
    const { file, name } = files[index] as ArchivedFile
    const described = isUnknown(file) ? descriptorSize(file.size) : 0
    return localHeaderSize({ name, size: file.size, modified }) + file.size + described
  })
  const blockStarts = startsOf(Math.ceil(files.length / BLOCK), (block) =>
    files.slice(block * BLOCK, (block + 1) * BLOCK).reduce((bytes, { file, name }, index) => {
      const start = entryStarts[block * BLOCK + index] ?? 0
      return bytes + directoryHeaderSize({ name, size: file.size, modified }, start)
    }, 0)
  )
  const offset = entryStarts.at(-1) ?? 0
  const size = blockStarts.at(-1) ?? 0
  const end = endOfDirectory({ count: files.length, offset, size })
  return { files, modified, entryStarts, blockStarts, end, size: offset + size + end.length }
}

/** @param crcs of the files; an unknown one is 0 and learnt here before the directory needs it. */
function stripsOf(layout: Layout, crcs: Uint32Array): Strip[] {
  const { files, modified, entryStarts, blockStarts, end } = layout

  function* entryParts(index: number): Iterable<BodyPart> {
    const { file, name } = files[index] as ArchivedFile
    const { size } = file
    const crc = isUnknown(file) ? undefined : crcs[index]
    yield made(localHeader({ name, size, crc, modified }))
    const part = { kind: 'file', file, span: { start: 0, end: size } } as const
    if (crc === undefined) yield* described(part, index)
    else yield part
  }

  function* described(part: FilePart, index: number): Iterable<BodyPart> {
    const { size } = part.file
    let seen = 0
    function see(bytes: Uint8Array): void {
      seen += bytes.byteLength
      crcs[index] = crc32(bytes, crcs[index])
    }
    yield { ...part, see }
    // Nothing at all was seen by who asks what parts there are and reads none.
    if (seen > 0 && seen !== size) throw new Error(`${seen} bytes of ${size} were seen`)
    yield made(descriptor(crcs[index] ?? 0, size))
  }

  function directoryBlock(block: number): Buffer {
    const first = block * BLOCK
    const headers = files.slice(first, first + BLOCK).map(({ file, name }, nth) => {
      const entry = { name, size: file.size, crc: crcs[first + nth] ?? 0, modified }
      return directoryHeader(entry, isUnknown(file), entryStarts[first + nth] ?? 0)
    })
    return Buffer.concat(headers)
  }

  return [
    { starts: entryStarts, parts: entryParts },
    { starts: blockStarts, parts: (block) => [made(directoryBlock(block))] },
    { starts: startsOf(1, () => end.length), parts: () => [made(end)] }
  ]
}

function made(bytes: Uint8Array): MadePart {
  return { kind: 'bytes', bytes }
}
