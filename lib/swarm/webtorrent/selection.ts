/**
 * Turns a `Want` into webtorrent's selections.
 *
 * Windows become stream selections, which are never merged, in the order of their deadlines. All
 * have priority 0: webtorrent reshuffles selections that have another. The first pieces of the
 * first window are critical, which lets a faster peer take them over. For "everything" the rarest
 * pieces come first, a batch at a time: webtorrent's own rarest-first walks all pieces for each
 * request and takes twenty times the processor at a thousand pieces.
 */
import type { Selection, Torrent } from 'webtorrent'
import type { Want } from '../contract.ts'

/** Pieces of a batch; after half of them the next batch is due. */
export const RAREST_BATCH = 128
const CRITICAL_PIECES = 2

/** Replaces what `torrent` selects. Windows are cut to the pieces that exist. */
export function applyWant(torrent: Torrent, want: Want, pieceCount: number): void {
  const windows = want.windows
    .map(({ first, end }) => ({ first: Math.max(0, first), end: Math.min(end, pieceCount) }))
    .filter(({ first, end }) => end > first)
  torrent._selections.clear()
  for (const { first, end } of windows) torrent._selections.insert(selection(first, end))
  if (want.all && pieceCount > 0) {
    for (const index of rarest(torrent, pieceCount)) {
      torrent._selections.insert(selection(index, index + 1))
    }
    torrent._selections.insert(selection(0, pieceCount))
  }
  torrent._critical = []
  const urgent = windows[0]
  if (urgent !== undefined) {
    const end = Math.min(urgent.end, urgent.first + CRITICAL_PIECES)
    for (let index = urgent.first; index < end; index++) torrent._critical[index] = true
  }
  torrent._updateSelections()
}

/** The pieces a `Want` names, each window's in order; a piece may come twice. */
export function* wantedPieces(want: Want, pieceCount: number): Generator<number> {
  for (const { first, end } of want.windows) {
    for (let index = Math.max(0, first); index < Math.min(end, pieceCount); index++) yield index
  }
  if (want.all) for (let index = 0; index < pieceCount; index++) yield index
}

/** The missing pieces that fewest peers have, equals in random order; at most a batch. */
function rarest(torrent: Torrent, pieceCount: number): number[] {
  const candidates: { readonly index: number; readonly rank: number }[] = []
  for (let index = 0; index < pieceCount; index++) {
    if (torrent.bitfield.get(index)) continue
    let holders = 0
    for (const wire of torrent.wires) if (wire.peerPieces.get(index)) holders++
    if (holders > 0) candidates.push({ index, rank: holders + Math.random() })
  }
  candidates.sort((a, b) => a.rank - b.rank)
  return candidates.slice(0, RAREST_BATCH).map(({ index }) => index)
}

function selection(first: number, end: number): Selection {
  return { from: first, to: end - 1, offset: 0, priority: 0, isStreamSelection: true }
}
