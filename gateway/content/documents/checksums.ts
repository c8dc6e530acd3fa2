/** `{infohash}.sha256`: the SHA-256 of each file, for `sha256sum -c` beside the download. */
import { formatChecksumLine } from '../../../core/checksum-list.ts'
import { AppError } from '../../../core/errors.ts'
import type { Entry } from '../../../lib/control/control.ts'
import { savedPath } from './saved-path.ts'

/** Seconds until a client should ask again for what is being worked out. */
const RETRY_SECONDS = 30

/**
 * One line per file, in torrent order.
 * @throws AppError CONTENT_INCOMPLETE while the hash of a file is unknown: an import is under way.
 */
export function checksumDocument(
  entry: Pick<Entry, 'name' | 'single' | 'files'>,
  progress?: string
): Iterable<Buffer> {
  if (entry.files.some(({ sha256 }) => sha256 === null)) throw incomplete(entry, progress)
  return linesOf(entry)
}

function* linesOf(entry: Pick<Entry, 'name' | 'single' | 'files'>): Iterable<Buffer> {
  for (const file of entry.files) {
    yield formatChecksumLine({ digest: file.sha256 ?? '', path: savedPath(entry, file) })
  }
}

function incomplete({ files }: Pick<Entry, 'files'>, progress = ''): AppError {
  const known = files.filter(({ sha256 }) => sha256 !== null).length
  const detail = `The SHA-256 of ${known} of ${files.length} files is known so far.`
  const message = progress === '' ? detail : `${detail} ${progress}`
  return new AppError('CONTENT_INCOMPLETE', message, { retryAfter: RETRY_SECONDS })
}
