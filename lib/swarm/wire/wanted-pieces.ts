/**
 * What readers want of one torrent, in the order of its deadlines.
 *
 * Windows are dealt like cards, one piece of each in turn, so that no reader waits behind another's
 * whole window; those that are for later are dealt when the others are out. The first missing piece
 * of each window is what its reader waits for.
 * The order is that of the moment it was made: pieces that come stay in it, and whoever walks over
 * it passes them. When a piece goes missing again a new order is due.
 */
import type { Want } from '../contract.ts'

/** Pieces of windows that are looked at; readers move on long before the rest is due. */
const MAX_ORDERED = 4096

export interface WantedPieces {
  readonly all: boolean
  /** Pieces of windows that were missing, by deadline. */
  readonly ordered: readonly number[]
  /** The windows have more than is in `ordered`. */
  readonly cut: boolean
  /** The pieces that readers wait for right now. */
  heads(): readonly number[]
  includes(index: number): boolean
}

interface Cursor {
  at: number
  readonly end: number
}

/** @param isMissing whether a piece must still be fetched; may turn false at any time */
export function orderWanted(
  want: Want,
  pieceCount: number,
  isMissing: (index: number) => boolean
): WantedPieces {
  const skip = (cursor: Cursor) => {
    while (cursor.at < cursor.end && !isMissing(cursor.at)) cursor.at++
    return cursor.at < cursor.end
  }
  const heads = cursorsOf(want, pieceCount, false).filter(skip)
  const ordered = new Set<number>()
  const deal = (windows: readonly Cursor[]) => {
    let open = windows.map((cursor) => ({ ...cursor }))
    while (open.length > 0 && ordered.size < MAX_ORDERED) {
      for (const cursor of open) if (skip(cursor)) ordered.add(cursor.at++)
      open = open.filter(({ at, end }) => at < end)
    }
    return open.length
  }
  const undealt = deal(heads) + deal(cursorsOf(want, pieceCount, true))
  return {
    all: want.all,
    ordered: [...ordered],
    cut: undealt > 0,
    heads: () => [...new Set(heads.flatMap((cursor) => (skip(cursor) ? cursor.at : [])))],
    includes: (index) =>
      want.all || want.windows.some(({ first, end }) => index >= first && index < end)
  }
}

function cursorsOf({ windows }: Want, pieceCount: number, later: boolean): Cursor[] {
  const cursors: Cursor[] = []
  for (const { first, end, later: isLater = false } of windows) {
    if (isLater === later) cursors.push({ at: Math.max(0, first), end: Math.min(end, pieceCount) })
  }
  return cursors
}
