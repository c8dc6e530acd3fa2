/**
 * The body of a response as one run of bytes: what we made and what the torrent holds, in order.
 *
 * Small parts are gathered into one buffer, so that an archive of small files costs no write each.
 */
import { AppError } from '../../core/errors.ts'
import type { ByteSpan } from '../../core/geometry.ts'
import type { Session } from '../../lib/node/session.ts'
import { isPlayable } from './media-type.ts'
import { type ByteSource, createReader, type Reader, type ReaderConfig } from './reader.ts'
import type { BodyPart, FilePart, Representation } from './representation.ts'

export interface PartReader {
  /** Waits, for `timeoutMs` at most, until there are bytes of the torrent to begin with. */
  ready(signal: AbortSignal, timeoutMs: number): Promise<ByteSource>
  /** Fills `target` from its start with what is at hand once anything is; 0 at the end. */
  read(target: Uint8Array, signal: AbortSignal): Promise<number>
  /** The socket took so many bytes more. */
  sent(bytes: number): void
  close(): void
}

export interface PartReaderDeps {
  readonly session: Session
  readonly body: Iterable<BodyPart>
  readonly readsOn: Representation['readsOn']
  readonly config: ReaderConfig
  /** Told of the content's own bytes as they are read. */
  readonly onRead: (source: ByteSource, bytes: number) => void
}

/** Parts we made that may come before the first byte of the torrent is looked for. */
const MAX_MADE_AHEAD = 64

export function createPartReader(deps: PartReaderDeps): PartReader {
  const { session, config, onRead } = deps
  const parts = deps.body[Symbol.iterator]()
  const made: Uint8Array[] = []
  let file: { readonly part: FilePart; left: number } | undefined
  let reader: Reader | undefined
  let ended = false

  /** Takes the next part up. */
  function advance(): void {
    const next = parts.next()
    if (next.done === true) ended = true
    else if (next.value.kind === 'bytes') made.push(next.value.bytes)
    else begin(next.value)
  }

  function begin(part: FilePart): void {
    const left = part.span.end - part.span.start
    if (left <= 0) return
    const span = torrentSpan(session, part.file.index, part.span)
    if (deps.readsOn === undefined) {
      reader?.close()
      reader = createReader(session, span, config)
      if (isPlayable(part.file.path)) reader.foresee(part.file.index)
    } else {
      reader ??= createReader(session, reachOf(session, deps.readsOn), config)
      reader.seek(span)
    }
    file = { part, left }
  }

  async function ready(signal: AbortSignal, timeoutMs: number): Promise<ByteSource> {
    while (file === undefined && !ended && made.length < MAX_MADE_AHEAD) advance()
    return (await reader?.ready(signal, timeoutMs)) ?? session.store.kind
  }

  async function read(target: Uint8Array, signal: AbortSignal): Promise<number> {
    let filled = 0
    while (filled < target.byteLength) {
      filled += takeMade(target.subarray(filled))
      const room = target.subarray(filled)
      if (file !== undefined && room.byteLength > 0) {
        filled += await readFile(room, signal)
        if (file !== undefined) return filled
      }
      if (made.length > 0) continue
      if (ended || filled >= target.byteLength / 2) return filled
      advance()
    }
    return filled
  }

  function takeMade(target: Uint8Array): number {
    let filled = 0
    while (made.length > 0 && filled < target.byteLength) {
      const bytes = made[0] as Uint8Array
      const taken = bytes.subarray(0, target.byteLength - filled)
      target.set(taken, filled)
      filled += taken.byteLength
      if (taken.byteLength === bytes.byteLength) made.shift()
      else made[0] = bytes.subarray(taken.byteLength)
    }
    return filled
  }

  async function readFile(target: Uint8Array, signal: AbortSignal): Promise<number> {
    const current = file as NonNullable<typeof file>
    const from = reader as Reader
    const count = await from.read(target, signal)
    if (count === 0) throw new AppError('STORE_SHORT_READ', `${current.left} bytes are missing`)
    onRead(from.source, count)
    current.part.see?.(target.subarray(0, count))
    current.left -= count
    if (current.left <= 0) file = undefined
    return count
  }

  return {
    ready,
    read,
    sent: (bytes) => reader?.sent(bytes),
    close: () => reader?.close()
  }
}

function reachOf(session: Session, [first, last]: NonNullable<Representation['readsOn']>) {
  const { start } = torrentSpan(session, first.index, { start: 0, end: 0 })
  return { start, end: torrentSpan(session, last.index, { start: last.size, end: last.size }).end }
}

/** Where a span of a file lies in its torrent. */
export function torrentSpan(session: Session, fileIndex: number, span: ByteSpan): ByteSpan {
  const offset = session.store.metainfo.files[fileIndex]?.offset
  if (offset === undefined) {
    throw new AppError('INTERNAL', `the catalogue names file ${fileIndex}, the metainfo does not`)
  }
  return { start: offset + span.start, end: offset + span.end }
}
