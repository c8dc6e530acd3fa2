/** `Cache-Control: only-if-cached` (RFC 9111 §5.2.1.7): what is here, and nothing asked of others. */
import type { IncomingHttpHeaders } from 'node:http'
import { AppError } from '../../core/errors.ts'
import { type ByteSpan, piecesOf } from '../../core/geometry.ts'
import type { Session } from '../../lib/node/session.ts'
import { torrentSpan } from './part-reader.ts'
import type { Representation } from './representation.ts'

/** Whether the client wants nothing that would have to be fetched. */
export function asksOnlyCached(headers: IncomingHttpHeaders): boolean {
  return /(?:^|,)[ \t]*only-if-cached[ \t]*(?:,|$)/i.test(headers['cache-control'] ?? '')
}

/** Answered as IPFS gateways do, with 412, where RFC 9111 would say 504. */
export function notCached(): AppError {
  return new AppError('NOT_CACHED', 'This is not all here, and only-if-cached was asked for.')
}

/** Whether every byte of `spans` lies in the session's store. */
export function isCached(
  session: Session,
  representation: Representation,
  spans: readonly ByteSpan[]
): boolean {
  const { store } = session
  const { geometry } = store.metainfo
  for (const span of spans) {
    for (const part of representation.parts(span)) {
      if (part.kind !== 'file') continue
      const { first, end } = piecesOf(geometry, torrentSpan(session, part.file.index, part.span))
      for (let index = first; index < end; index++) if (!store.has(index)) return false
    }
  }
  return true
}
