/**
 * Something that a content URL gives: bytes with validators and headers, a file or an archive.
 *
 * The plan of a response (`response-plan.ts`) reads only this, so conditions and ranges work the
 * same for whatever has bytes. Making one does no I/O.
 */
import type { ByteSpan } from '../../core/geometry.ts'
import type { EntryFile } from '../../lib/control/control.ts'

export interface Representation {
  /** Strong and quoted (RFC 9110 §8.8.3). */
  readonly etag: string
  /** Milliseconds since the epoch. */
  readonly lastModified: number
  /** Bytes; undefined when it is only known at the end: then there are no ranges of it. */
  readonly size: number | undefined
  readonly mediaType: string
  /** What caches may do with it; a 304 repeats it. */
  readonly cacheControl: string
  /** What a 200 or 206 has beside the type and what the plan itself says. */
  readonly headers: Readonly<Record<string, string>>
  /** First and last file of an archive, which is read on from one file into the next. */
  readonly readsOn?: readonly [first: EntryFile, last: EntryFile]
  /** The bytes of `span`, in order; lazy: a part is made when the one before it was sent. */
  parts(span: ByteSpan): Iterable<BodyPart>
}

export type BodyPart = MadePart | FilePart

/** Bytes that we made: the frame of an archive, the head of a part of several. */
export interface MadePart {
  readonly kind: 'bytes'
  readonly bytes: Uint8Array
}

/** A span of a file of the torrent; `span` counts from the start of the file. */
export interface FilePart {
  readonly kind: 'file'
  readonly file: EntryFile
  readonly span: ByteSpan
  /** Shown every byte as it is sent, in order; the view is valid during the call only. */
  readonly see?: (bytes: Uint8Array) => void
}

/** Named by what it holds, content never changes: a third of a year, and no question after it. */
export const IMMUTABLE = 'public, max-age=29030400, immutable'
