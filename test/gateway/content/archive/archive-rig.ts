/** Entries with content that is made up as it is read, and archives put together from their parts. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import type { Test } from 'tap'
import { createPathLookup, type Folder } from '../../../../gateway/content/folder.ts'
import type { Representation } from '../../../../gateway/content/representation.ts'
import type { Entry, EntryFile } from '../../../../lib/control/control.ts'
import { entryOf } from '../../publish/fleet.ts'

export interface FileSpec {
  readonly path: string
  readonly size?: number
  /** Leave the CRC-32 out of the catalogue. */
  readonly unknown?: boolean
}

const PATTERN = Buffer.from(Array.from({ length: 509 }, (_, at) => (at * 7 + (at >> 3)) & 0xff))

/** Bytes of a file: a function of its place in the torrent. */
export function contentOf({ index, size }: Pick<EntryFile, 'index' | 'size'>): Buffer {
  return Buffer.alloc(size, PATTERN.subarray(index % 100))
}

export function folderEntry(specs: readonly FileSpec[], over: Partial<Entry> = {}): Entry {
  const files = specs.map(({ path, size = 10, unknown = false }, index) => {
    const crc = unknown ? null : crc32(contentOf({ index, size }))
    return { index, path, size, sha256: null, crc32: crc }
  })
  const size = files.reduce((sum, file) => sum + file.size, 0)
  return entryOf({ name: 'album', single: false, files, size, ...over })
}

export function folderOf(entry: Entry, path = ''): Folder {
  const segments = path === '' ? [] : [entry.name, ...path.split('/')]
  const target = createPathLookup()(entry, segments)
  if (target?.kind !== 'folder') throw new Error(`${path} is no folder`)
  return target.folder
}

/** The bytes of a span, content included, as a client would get them. */
export function bytesOf(archive: Representation, start = 0, end = Number.MAX_SAFE_INTEGER): Buffer {
  const pieces: Uint8Array[] = []
  for (const part of archive.parts({ start, end })) {
    if (part.kind === 'bytes') {
      pieces.push(part.bytes)
      continue
    }
    const bytes = contentOf(part.file).subarray(part.span.start, part.span.end)
    const half = bytes.length >> 1
    for (const piece of [bytes.subarray(0, half), bytes.subarray(half)]) part.see?.(piece)
    pieces.push(bytes)
  }
  return Buffer.concat(pieces)
}

/** Every kind of file and name that an archive treats in a way of its own. */
export const ODD_FILES: readonly FileSpec[] = [
  { path: 'a.txt', size: 700 },
  { path: 'cd 1/ö ü/日本.flac', size: 20_000 },
  { path: 'cd 1/empty', size: 0 },
  { path: 'x\\y' },
  { path: 'x_y' },
  { path: 'raw\u{10feff}', size: 512 },
  { path: `${'l'.repeat(90)}/${'m'.repeat(90)}`, size: 513 },
  { path: `${'l'.repeat(200)}/${'m'.repeat(90)}` },
  { path: `${'deep/'.repeat(60)}end` },
  { path: 'n'.repeat(100) }
]

/** A folder that is gone when the test is over. `t.testdir` would empty the one a rig stores in. */
export async function emptyFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'archive-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A file of these bytes, gone when the test is over. */
export async function onDisk(t: Test, name: string, bytes: Uint8Array): Promise<string> {
  const path = join(await emptyFolder(t), name)
  await writeFile(path, bytes)
  return path
}

const run = promisify(execFile)

/** Why tests with Python must be skipped, if they must. */
export const noPython =
  spawnSync('python3', ['--version']).status === 0 ? false : 'python3 is not installed'

/** What a Python script prints, as JSON. */
export async function python(script: string, ...args: string[]): Promise<unknown> {
  const { stdout } = await run('python3', ['-c', script, ...args], { maxBuffer: 2 ** 26 })
  return JSON.parse(stdout)
}
