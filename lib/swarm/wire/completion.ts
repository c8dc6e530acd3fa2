/**
 * What becomes of a piece whose blocks have all come: hashed, written, its bits set, told.
 *
 * A wrong piece is fetched again and its senders are found out; one that the disk does not take is
 * asked for again after a while. Nothing is lost but time.
 */
import type { Metainfo } from '../../../core/metainfo.ts'
import { pieceHash } from '../../../core/metainfo.ts'
import type { PeerClass } from '../contract.ts'
import type { PieceKeeper } from '../piece-keeper.ts'
import { createBlame } from './blame.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { PieceInFlight } from './piece-in-flight.ts'

/** Until a piece that the disk did not take is asked for again. */
const REFUSED_MS = 2000

export interface CompletionEvents {
  verified(index: number, from: PeerClass): void
  /** The piece was wrong. */
  failed(index: number): void
  /** This connection sent wrong bytes. */
  guilty(serial: number): void
  /**
   * There is memory for more.
   * @param again a piece that was here, or not to be asked for, is to be asked for now
   */
  settled(again: boolean): void
}

export interface CompletionDeps {
  readonly metainfo: Metainfo
  readonly keeper: Pick<PieceKeeper, 'write'>
  readonly pool: BufferPool
  readonly classOf: (serial: number) => PeerClass
  readonly events: CompletionEvents
}

export interface Completion {
  /** Takes the piece over, its memory included. */
  finish(piece: PieceInFlight): void
  /** It is being written, or the disk did not take it just now. */
  holds(index: number): boolean
  /** It came wrong from several: it must come from one peer alone. */
  isSuspect(index: number): boolean
  /** Asks the disk again at once. */
  retry(): void
  /** @param now milliseconds */
  tick(now: number): void
  /** Resolves when nothing is being written. */
  close(): Promise<void>
}

export function createCompletion(deps: CompletionDeps): Completion {
  const { metainfo, keeper, pool, events } = deps
  const blame = createBlame()
  const writing = new Map<number, Promise<void>>()
  /** Pieces the disk did not take, and when (milliseconds) they are asked for again. */
  const refused = new Map<number, number>()

  function finish(piece: PieceInFlight): void {
    if (piece.digest().equals(pieceHash(metainfo, piece.index))) accept(piece)
    else discard(piece)
  }

  function accept(piece: PieceInFlight): void {
    for (const serial of blame.right(piece)) events.guilty(serial)
    const written = write(piece).finally(() => {
      writing.delete(piece.index)
      pool.give(piece.bytes)
      events.settled(false)
    })
    writing.set(piece.index, written)
  }

  async function write(piece: PieceInFlight): Promise<void> {
    const from = senderClass(piece)
    const outcome = await keeper.write(piece.index, piece.bytes).catch(() => 'failed')
    if (outcome === 'written') events.verified(piece.index, from)
    else refused.set(piece.index, Date.now() + REFUSED_MS)
  }

  function discard(piece: PieceInFlight): void {
    const guilty = blame.wrong(piece)
    pool.give(piece.bytes)
    events.failed(piece.index)
    for (const serial of guilty) events.guilty(serial)
    events.settled(true)
  }

  /** The class that sent most of the piece's blocks. */
  function senderClass(piece: PieceInFlight): PeerClass {
    const blocks = { seeder: 0, gateway: 0, stranger: 0 }
    for (let block = 0; block < piece.blockCount; block++) {
      blocks[deps.classOf(piece.senderOf(block))]++
    }
    if (blocks.seeder >= blocks.gateway && blocks.seeder >= blocks.stranger) return 'seeder'
    return blocks.gateway >= blocks.stranger ? 'gateway' : 'stranger'
  }

  return {
    finish,
    holds: (index) => writing.has(index) || refused.has(index),
    isSuspect: blame.isSuspect,
    retry: () => refused.clear(),
    tick(now) {
      let due = false
      for (const [index, at] of refused) {
        if (now < at) continue
        refused.delete(index)
        due = true
      }
      if (due) events.settled(true)
    },
    async close() {
      await Promise.all(writing.values())
    }
  }
}
