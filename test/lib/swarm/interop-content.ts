/** Torrents of any shape on disk, as our library lays them out and as every other client does. */
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pieceSpan } from '../../../core/geometry.ts'
import type { Metainfo } from '../../../core/metainfo.ts'
import { buildInfo } from '../../../core/metainfo-build.ts'
import { PieceBits } from '../../../lib/store/piece-bits.ts'
import type { SharedPieces } from '../../../lib/store/shared-pieces.ts'
import { hashPieces } from '../../fakes/memory-store.ts'

export interface Shape {
  readonly pieceLength: number
  /** Sizes of the files; a single one is a torrent without a folder. */
  readonly files: readonly number[]
}

export interface ShapedContent {
  readonly name: string
  readonly shape: Shape
  readonly bytes: Buffer
  readonly metainfo: Metainfo
}

/** Which pieces are there before the transfer. */
export type Held = (index: number) => boolean

export const ALL: Held = () => true
export const NONE: Held = () => false
/** What an interrupted download left: every other piece. */
export const EVERY_OTHER: Held = (index) => index % 2 === 0

/** Bytes that belong to the name, as a torrent of that name. */
export function shapedContent(name: string, shape: Shape): ShapedContent {
  const size = shape.files.reduce((sum, length) => sum + length, 0)
  const bytes = createHash('shake256', { outputLength: size }).update(name).digest()
  const common = {
    name,
    pieceLength: shape.pieceLength,
    pieces: hashPieces(bytes, shape.pieceLength)
  }
  const files = shape.files.map((length, at) => ({ path: [fileName(at)], size: length }))
  const { metainfo } = buildInfo(files.length === 1 ? { ...common, size } : { ...common, files })
  return { name, shape, bytes, metainfo }
}

export interface OurCopy {
  readonly pieces: SharedPieces
  read(): Promise<Buffer>
}

/** A library torrent with the `held` pieces claimed and the others missing. */
export async function ourCopy(
  content: ShapedContent,
  folder: string,
  held: Held
): Promise<OurCopy> {
  const { geometry } = content.metainfo
  const paths = content.shape.files.map((_, at) => join(folder, String(at)))
  await mkdir(folder, { recursive: true })
  await writeParts(content, paths, held)
  const memory = PieceBits.allocate(geometry.pieceCount, 0)
  const bits = new PieceBits(memory, geometry.pieceCount, 0)
  for (let index = 0; index < geometry.pieceCount; index++) if (held(index)) bits.claim(index)
  const layout = { folder, starts: Float64Array.from(startsOf(content)), kind: 'library' as const }
  const { size, pieceLength } = geometry
  return {
    pieces: { layout, size, pieceLength, bits: memory },
    read: () => readParts(paths)
  }
}

export interface TheirCopy {
  /** The folder a client is told to save to. */
  readonly folder: string
  /** As far as it is there. */
  read(): Promise<Buffer>
}

/** What a client finds in its folder; with `NONE` held, nothing. */
export async function theirCopy(
  content: ShapedContent,
  folder: string,
  held: Held
): Promise<TheirCopy> {
  const { files } = content.shape
  const top = join(folder, content.name)
  const paths = files.length === 1 ? [top] : files.map((_, at) => join(top, fileName(at)))
  await mkdir(files.length === 1 || held === NONE ? folder : top, { recursive: true })
  if (held !== NONE) await writeParts(content, paths, held)
  return { folder, read: () => readParts(paths) }
}

function fileName(at: number): string {
  return `${String(at).padStart(2, '0')} – part.bin`
}

function startsOf({ shape }: ShapedContent): number[] {
  const starts = [0]
  for (const length of shape.files) starts.push((starts.at(-1) ?? 0) + length)
  return starts
}

/** Writes every file whole, with zeros where a piece is missing. */
async function writeParts(content: ShapedContent, paths: readonly string[], held: Held) {
  const { geometry } = content.metainfo
  const bytes = Buffer.from(content.bytes)
  for (let index = 0; index < geometry.pieceCount; index++) {
    const { start, end } = pieceSpan(geometry, index)
    if (!held(index)) bytes.fill(0, start, end)
  }
  const starts = startsOf(content)
  await Promise.all(
    paths.map((path, at) => writeFile(path, bytes.subarray(starts[at], starts[at + 1])))
  )
}

async function readParts(paths: readonly string[]): Promise<Buffer> {
  const parts = paths.map((path) => readFile(path).catch(() => Buffer.alloc(0)))
  return Buffer.concat(await Promise.all(parts))
}
