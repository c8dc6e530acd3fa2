/**
 * A joined torrent's pieces between webtorrent, the disk and the main thread.
 *
 * Selects what is wanted; writes what was fetched and says so, in this order: hash, bytes, bits,
 * message, HAVE; takes back what the disk lost or the cache evicts. webtorrent's bits follow the
 * store's. A piece that the disk did not take is asked for again after a while, or at once with a
 * new want. While too much waits to be written nothing more is selected.
 */
import type { Store, Torrent } from 'webtorrent'
import { pieceSize } from '../../../core/geometry.ts'
import type { InfoHash } from '../../../core/info-hash.ts'
import type { Metainfo } from '../../../core/metainfo.ts'
import type { Descriptors } from '../../store/descriptors.ts'
import { createDiskJobs } from '../../store/disk-jobs.ts'
import type { SharedPieces } from '../../store/shared-pieces.ts'
import type { EngineEvent, Want } from '../contract.ts'
import { createPieceKeeper, type WriteOutcome } from '../piece-keeper.ts'
import { createChunkStore } from './chunk-store.ts'
import type { LiveTorrent } from './live-torrent.ts'
import type { PeerConduct } from './peer-conduct.ts'
import { applyWant, RAREST_BATCH, wantedPieces } from './selection.ts'
import type { UploadSource } from './upload-queue.ts'

const REFUSED_MS = 2000
const WRITES_AT_ONCE = 2
const MAX_PENDING_BYTES = 64 * 2 ** 20
const NOTHING: Want = { all: false, windows: [] }

/** The life of the torrent that pieces come from and go to. */
export interface FlowTarget {
  readonly live: LiveTorrent
  readonly conduct: PeerConduct
}

export interface PieceFlowDeps {
  readonly infoHash: InfoHash
  readonly metainfo: Metainfo
  readonly shared: SharedPieces
  readonly descriptors: Descriptors
  readonly target: () => FlowTarget | undefined
  readonly post: (event: EngineEvent) => void
  readonly onTrouble: (message: string) => void
}

export interface PieceFlow {
  readonly source: UploadSource
  /** A chunk store for a new life of the torrent. */
  openStore(): Store
  haveBitfield(): Uint8Array
  setWant(want: Want): void
  /** The torrent is ready: brings its bits up to date and selects. */
  ready(): void
  hashFailed(index: number): void
  evict(first: number, end: number): Promise<void>
  tick(now: number): void
  close(): Promise<void>
}

export function createPieceFlow(deps: PieceFlowDeps, initial: Want): PieceFlow {
  const { infoHash, metainfo, post } = deps
  const { geometry } = metainfo
  const jobs = createDiskJobs({ swarm: WRITES_AT_ONCE })
  const keeper = createPieceKeeper(
    metainfo,
    deps.shared,
    { descriptors: deps.descriptors, jobs },
    {
      onLost,
      onTrouble: deps.onTrouble
    }
  )
  /** Pieces the disk did not take, and when (milliseconds) they are asked for again. */
  const refused = new Map<number, number>()
  let want = initial
  let selectionDue = false
  let held = false
  let writtenOfBatch = 0
  /** How many pieces the store had when the engine's bits were last brought up to date. */
  let alignedCount = 0

  function readyTarget(): FlowTarget | undefined {
    const target = deps.target()
    return target?.live.ready ? target : undefined
  }

  function openStore(): Store {
    const sizeOf = (index: number) => pieceSize(geometry, index)
    const store = createChunkStore(geometry.pieceLength, sizeOf, keeper, { onWritten, onRefused })
    return {
      ...store,
      put(index, bytes, callback) {
        store.put(index, bytes, callback)
        if (keeper.pendingBytes > MAX_PENDING_BYTES && !held) hold()
      }
    }
  }

  function hold(): void {
    held = true
    selectSoon()
  }

  function onWritten(index: number): void {
    const from = deps.target()?.conduct.verified(index) ?? 'stranger'
    post({ type: 'verified', infoHash, index, from })
    if (want.all && ++writtenOfBatch >= RAREST_BATCH / 2) selectSoon()
    if (!held || keeper.pendingBytes > MAX_PENDING_BYTES / 2) return
    held = false
    selectSoon()
  }

  function onRefused(index: number, outcome: Exclude<WriteOutcome, 'written'>): void {
    deps.target()?.conduct.verified(index)
    refused.set(index, Date.now() + REFUSED_MS)
    if (outcome === 'absent') deps.onTrouble(`the cache had no room for piece ${index}`)
  }

  function onLost(index: number): void {
    post({ type: 'failed', infoHash, index, where: 'disk' })
    readyTarget()?.live.unhave(index)
    selectSoon()
  }

  /** Several changes in one turn of the loop make one selection. */
  function selectSoon(): void {
    if (selectionDue) return
    selectionDue = true
    setImmediate(() => {
      selectionDue = false
      select()
    })
  }

  function select(): void {
    const target = readyTarget()
    if (target === undefined) return
    writtenOfBatch = 0
    for (const index of wantedPieces(want, geometry.pieceCount)) align(target, index)
    applyWant(target.live.torrent, held ? NOTHING : want, geometry.pieceCount)
  }

  /** Pieces that the main thread found or brought are offered too. */
  function alignAll(target: FlowTarget | undefined): void {
    if (target === undefined || keeper.bits.count() === alignedCount) return
    alignedCount = keeper.bits.count()
    for (let index = 0; index < geometry.pieceCount; index++) align(target, index)
  }

  /** The store may have lost or gained the piece without the engine. */
  function align({ live }: FlowTarget, index: number): void {
    const has = keeper.bits.has(index)
    if (has === live.torrent.bitfield.get(index)) return
    if (has) live.have(index)
    else live.unhave(index)
  }

  function askAgain(isDue: (at: number) => boolean): void {
    const target = readyTarget()
    if (target === undefined) return
    for (const [index, at] of refused) {
      if (!isDue(at)) continue
      refused.delete(index)
      if (!target.live.torrent.bitfield.get(index)) target.live.unhave(index)
      selectSoon()
    }
  }

  async function evict(first: number, end: number): Promise<void> {
    const free = keeper.evict(first, end)
    const target = readyTarget()
    for (let index = first; target !== undefined && index < end; index++) {
      if (target.live.torrent.bitfield.get(index)) target.live.unhave(index)
    }
    await free
  }

  return {
    source: {
      geometry,
      has: (index) => (bitsOf(readyTarget())?.get(index) ?? false) && keeper.bits.has(index),
      read: keeper.read
    },
    openStore,
    haveBitfield: () => keeper.bits.haveBitfield(),
    setWant(next) {
      want = next
      askAgain(() => true)
      selectSoon()
    },
    ready() {
      refused.clear()
      alignedCount = -1
      alignAll(readyTarget())
      selectSoon()
    },
    hashFailed(index) {
      post({ type: 'failed', infoHash, index, where: 'wire' })
      deps.target()?.conduct.failed(index)
    },
    evict,
    tick(now) {
      askAgain((at) => now >= at)
      alignAll(readyTarget())
    },
    close: () => keeper.close()
  }
}

function bitsOf(target: FlowTarget | undefined): Torrent['bitfield'] | undefined {
  return target?.live.torrent.bitfield
}
