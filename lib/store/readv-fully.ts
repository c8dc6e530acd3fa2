/** A vectored read that is not done before every byte is there: the system may give fewer. */
import { AppError } from '../../core/errors.ts'
import { totalBytes, viewsWithin } from './view-list.ts'

/** As much of a `FileHandle` as is needed. */
export interface VectoredFile {
  readv(views: readonly Uint8Array[], position: number): Promise<{ readonly bytesRead: number }>
}

/**
 * Fills the views one after the other from `position` on. Rejects with `STORE_SHORT_READ` when the
 * file ends before.
 */
export async function readvFully(
  file: VectoredFile,
  views: readonly Uint8Array[],
  position: number
): Promise<void> {
  const total = totalBytes(views)
  let left = views
  let done = 0
  while (done < total) {
    const { bytesRead } = await file.readv(left, position + done)
    if (bytesRead === 0) throw new AppError('STORE_SHORT_READ', `got ${done} of ${total} bytes`)
    done += bytesRead
    if (done < total) left = viewsWithin(views, done, total)
  }
}
