/** Opening a torrent for a response, within the deadline of its first byte. */
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Node } from '../../lib/node/node.ts'
import type { Session } from '../../lib/node/session.ts'
import { deadline } from '../../lib/process/deadline.ts'

/** @throws AppError SWARM_TIMEOUT when the metainfo does not come in time. */
export async function openInTime(
  node: Pick<Node, 'open'>,
  infoHash: InfoHash,
  timeoutMs: number,
  signal: AbortSignal
): Promise<Session> {
  function late(): AppError {
    const detail = `no metainfo within ${timeoutMs / 1000} s; phase: metadata`
    return new AppError('SWARM_TIMEOUT', detail, { retryAfter: 10 })
  }
  using limit = deadline(timeoutMs, late, signal)
  return await node.open(infoHash, limit.signal)
}
