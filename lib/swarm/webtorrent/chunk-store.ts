/**
 * webtorrent's chunk store over a `PieceKeeper`.
 *
 * A failing `put` would destroy the torrent, and its callback makes webtorrent announce the piece.
 * So the callback is called only for a piece that is written; any other outcome goes to `onRefused`
 * and webtorrent hears nothing, which leaves the piece neither had nor asked for.
 */
import type { Store } from 'webtorrent'
import type { PieceKeeper, WriteOutcome } from '../piece-keeper.ts'

export interface ChunkStoreEvents {
  /** The piece is written, its bits are set; webtorrent learns of it next. */
  onWritten(index: number): void
  onRefused(index: number, outcome: Exclude<WriteOutcome, 'written'>): void
}

export function createChunkStore(
  pieceLength: number,
  sizeOf: (index: number) => number,
  keeper: Pick<PieceKeeper, 'read' | 'write'>,
  events: ChunkStoreEvents
): Store {
  let closed = false

  function get(...[index, options, callback]: Parameters<Store['get']>): void {
    const offset = options?.offset ?? 0
    const length = options?.length ?? sizeOf(index) - offset
    keeper.read(index, offset, length).then(
      (bytes) => {
        if (bytes === undefined) callback(new Error(`piece ${index} is not there`))
        else callback(null, bytes)
      },
      (err: unknown) => callback(new Error(`piece ${index} cannot be read`, { cause: err }))
    )
  }

  async function put(...[index, bytes, callback]: Parameters<Store['put']>): Promise<void> {
    const outcome = await keeper.write(index, bytes)
    if (closed) return
    if (outcome !== 'written') return events.onRefused(index, outcome)
    events.onWritten(index)
    callback(null)
  }

  function close(callback: (err: Error | null) => void): void {
    closed = true
    callback(null)
  }

  return {
    chunkLength: pieceLength,
    get,
    put: (index, bytes, callback) => void put(index, bytes, callback),
    close,
    destroy: close
  }
}
