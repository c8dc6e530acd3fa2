/**
 * Finds out who sent a wrong piece.
 *
 * One sender is guilty at once. Of several, each block's digest is kept; the piece is then fetched
 * from one peer alone, and when its bytes are right, whoever sent a block that differs is guilty.
 */
import { createHash } from 'node:crypto'
import type { PieceInFlight } from './piece-in-flight.ts'
import { BLOCK_BYTES } from './request-queue.ts'

/** Wrong pieces remembered at once; the oldest is forgotten. */
const MAX_SUSPECTED = 64

export interface Blame {
  /** The piece did not match its hash. The connections known to be guilty now. */
  wrong(piece: PieceInFlight): readonly number[]
  /** The piece matched. Those who sent other bytes before. */
  right(piece: PieceInFlight): readonly number[]
  /** It came wrong from several: the next try must be from one peer alone. */
  isSuspect(index: number): boolean
}

interface Evidence {
  readonly digests: Buffer
  readonly senders: Uint32Array
}

const DIGEST_BYTES = 20

export function createBlame(): Blame {
  const suspected = new Map<number, Evidence>()

  function keep(piece: PieceInFlight): void {
    const oldest = suspected.keys().next().value
    if (suspected.size >= MAX_SUSPECTED && oldest !== undefined) suspected.delete(oldest)
    const senders = Uint32Array.from({ length: piece.blockCount }, (_, block) =>
      piece.senderOf(block)
    )
    suspected.set(piece.index, { digests: digestBlocks(piece), senders })
  }

  return {
    wrong(piece) {
      const senders = piece.senders()
      if (senders.size === 1) return [...senders]
      keep(piece)
      return []
    },
    right(piece) {
      const evidence = suspected.get(piece.index)
      if (evidence === undefined) return []
      suspected.delete(piece.index)
      const now = digestBlocks(piece)
      const guilty = new Set<number>()
      for (const [block, sender] of evidence.senders.entries()) {
        const at = block * DIGEST_BYTES
        if (now.compare(evidence.digests, at, at + DIGEST_BYTES, at, at + DIGEST_BYTES) !== 0) {
          guilty.add(sender)
        }
      }
      return [...guilty]
    },
    isSuspect: (index) => suspected.has(index)
  }
}

function digestBlocks(piece: PieceInFlight): Buffer {
  return Buffer.concat(
    Array.from({ length: piece.blockCount }, (_, block) => {
      const start = block * BLOCK_BYTES
      const bytes = piece.bytes.subarray(start, start + piece.blockBytes(block))
      return createHash('sha1').update(bytes).digest()
    })
  )
}
