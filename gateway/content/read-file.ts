/** A small file of a torrent in one piece of memory, for what the gateway itself has to read. */
import { AppError } from '../../core/errors.ts'
import type { Entry, EntryFile } from '../../lib/control/control.ts'
import type { Node } from '../../lib/node/node.ts'
import { openInTime } from './open-in-time.ts'
import { torrentSpan } from './part-reader.ts'
import { createReader } from './reader.ts'

/**
 * All bytes of a file, verified. The caller bounds its size.
 * @throws AppError as a response of the file would be answered with
 */
export async function readFile(
  node: Pick<Node, 'open'>,
  { infoHash }: Entry,
  file: EntryFile,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal }
): Promise<Uint8Array> {
  const session = await openInTime(node, infoHash, timeoutMs, signal)
  const span = torrentSpan(session, file.index, { start: 0, end: file.size })
  const reader = createReader(session, span, { pieceTimeoutMs: timeoutMs })
  const bytes = new Uint8Array(file.size)
  try {
    for (let filled = 0; filled < bytes.byteLength; ) {
      const count = await reader.read(bytes.subarray(filled), signal)
      if (count === 0) throw new AppError('STORE_SHORT_READ', `${file.path} ended early`)
      filled += count
    }
  } finally {
    reader.close()
  }
  return bytes
}
