/**
 * The contract of a piece store: one torrent's pieces, as the main thread sees them.
 *
 * A byte leaves the store only from a piece whose hash matched. A piece is *claimed* (the ledger
 * says it was written) or *proven* (its hash matched in this life of the process). Reading needs
 * proof; `prove` hashes a claim once. The library and the cache implement this and pass one suite.
 */
import type { ByteSpan } from '../../core/geometry.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Metainfo } from '../../core/metainfo.ts'
import type { SharedPieces } from './shared-pieces.ts'

export interface PieceStore {
  readonly infoHash: InfoHash
  readonly metainfo: Metainfo
  readonly kind: 'library' | 'cache'
  /** For an engine in another thread. */
  readonly shared: SharedPieces
  /** Every piece is claimed or proven. */
  readonly complete: boolean
  /** Claimed or proven. */
  has(index: number): boolean
  /** The longest prefix of `span` whose pieces are all proven; empty if the first is not. */
  provenPrefix(span: ByteSpan): ByteSpan
  /**
   * Hashes a claimed piece. False when it did not match: the claim is then withdrawn, in memory
   * and in the ledger, and the piece is missing. False for a missing piece.
   */
  prove(index: number, signal: AbortSignal): Promise<boolean>
  /** Resolves once the piece is proven, whoever fetched it. Rejects with the signal's reason. */
  whenProven(index: number, signal: AbortSignal): Promise<void>
  /**
   * The bytes of `span` into `target` from its start. The caller has seen the whole span proven.
   * A short read is `AppError('STORE_SHORT_READ')`; the pieces concerned lose their bits.
   */
  read(span: ByteSpan, target: Uint8Array, signal: AbortSignal): Promise<void>
  /**
   * Keeps the bytes of `span` where they are until the pin is disposed, and makes room for those
   * still missing. The library keeps everything anyway. Rejects with STORE_FULL when some are
   * missing and all of a cache's room is pinned by others or a library's disk is nearly full.
   */
  pin(span: ByteSpan, signal: AbortSignal): Promise<Disposable>
  /** An engine says the piece is written and its bits are set: wakes waiters, feeds the ledger. */
  noteVerified(index: number): void
  /** An engine found the piece's bytes on disk wrong and cleared its bits. */
  noteFailed(index: number): void
  /** Makes what is written durable: data, then ledger. Resolves when both are. */
  flush(): Promise<void>
  close(): Promise<void>
}
