/**
 * What readers want of one torrent, in the order of its deadlines.
 *
 * Windows are dealt like cards, one piece of each in turn, so that no reader waits behind another's
 * whole window. The first missing piece of each window is what its reader waits for.
 */
import type { Want } from '../contract.ts'

/** Pieces of windows that are looked at; readers move on long before the rest is due. */
const MAX_ORDERED = 4096

export interface WantedPieces {
  readonly all: boolean
  /** Pieces of windows that are missing, by deadline. */
  readonly ordered: readonly number[]
  /** Those of them that a reader waits for right now. */
  readonly heads: readonly number[]
  includes(index: number): boolean
}

/** @param isMissing whether a piece must still be fetched */
export function orderWanted(
  want: Want,
  pieceCount: number,
  isMissing: (index: number) => boolean
): WantedPieces {
  const cursors = want.windows.map(({ first, end }) => ({
    at: Math.max(0, first),
    end: Math.min(end, pieceCount)
  }))
  const ordered = new Set<number>()
  const heads = new Set<number>()
  const skip = (cursor: { at: number; readonly end: number }) => {
    while (cursor.at < cursor.end && !isMissing(cursor.at)) cursor.at++
  }
  for (const cursor of cursors) {
    skip(cursor)
    if (cursor.at < cursor.end) heads.add(cursor.at)
  }
  let open = cursors
  while (open.length > 0 && ordered.size < MAX_ORDERED) {
    for (const cursor of open) {
      skip(cursor)
      if (cursor.at < cursor.end) ordered.add(cursor.at++)
    }
    open = open.filter(({ at, end }) => at < end)
  }
  return {
    all: want.all,
    ordered: [...ordered],
    heads: [...heads],
    includes: (index) =>
      want.all || want.windows.some(({ first, end }) => index >= first && index < end)
  }
}
