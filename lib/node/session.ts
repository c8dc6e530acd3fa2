/**
 * One torrent in use by this process: its piece store, its readers and its place in the swarm.
 *
 * The union of all readers' windows is the only thing that asks the swarm for pieces. A session
 * joins the swarm when something is missing or a peer knocks, never before: content that is
 * complete on the disk is read without the engine hearing of it.
 */
import { AppError } from '../../core/errors.ts'
import { type ByteSpan, type PieceSpan, piecesOf } from '../../core/geometry.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import type { PieceStore } from '../store/piece-store.ts'
import type { PeerAddress, PeerClass, TorrentStats, Want } from '../swarm/contract.ts'
import type { Swarm } from '../swarm/swarm.ts'
import { createMovableStore } from './movable-store.ts'

export interface SessionDeps {
  readonly swarm: Pick<Swarm, 'join' | 'leave' | 'want' | 'introduce' | 'stats'>
  /** Where the fleet's holders of this torrent can be dialled now. */
  readonly fleetPeers: () => readonly PeerAddress[]
  /** Whether the disk takes what nobody is waiting for; default yes. */
  readonly mayHoard?: () => boolean
  /** Runs once, when the session joins the swarm: strangers come by announce. */
  readonly onJoin: () => void
}

/** One reader's place in a session. */
export interface Seat {
  /**
   * Replaces the window this reader wants, in the order of its pieces, once there is room for it.
   * Rejects with STORE_FULL when there is none, and with the signal's reason.
   */
  want(span: ByteSpan, signal: AbortSignal): Promise<void>
  /** Asks the swarm for the window anew: a piece of it turned out to be missing. */
  askAgain(): void
  leave(): void
}

export interface Session {
  readonly infoHash: InfoHash
  readonly store: PieceStore
  /** Aborted when the content is unpublished or the process stops. */
  readonly gone: AbortSignal
  readonly joined: boolean
  /** Somebody reads or the whole torrent is being fetched. */
  readonly busy: boolean
  /** Pieces are wanted and no peer is connected. */
  readonly stranded: boolean
  /** `Date.now()` of the last use. */
  readonly usedAt: number
  sit(): Seat
  /** Wants every piece from now on, as long as there is room for it. */
  hoard(): void
  /** Room came or went: the swarm hears what is wanted now. */
  reconsider(): void
  /**
   * Goes on with the store that `next` resolves with; the former is closed. Readers notice nothing
   * but a wait: meanwhile the torrent is out of the swarm. If `next` rejects, all stays as it was.
   */
  move(next: () => Promise<PieceStore>): Promise<void>
  /** Joins the swarm, so that peers are served and found. */
  join(): void
  introduce(peers: readonly PeerAddress[]): void
  /** Who sent a piece in this life of the session; undefined when it was on the disk. */
  sender(index: number): PeerClass | undefined
  /**
   * Resolves when the engine tells who sent the piece, at the latest after `ms`: the bits of a
   * piece are shared memory and may be seen before the message.
   */
  whenHeard(index: number, ms: number): Promise<void>
  noteVerified(index: number, from: PeerClass): void
  /** Looks whether bytes moved since the last look: that is use as well. */
  noteTraffic(): void
  stats(): TorrentStats | undefined
  close(reason: Error): Promise<void>
}

const SENDERS: readonly PeerClass[] = ['seeder', 'gateway', 'stranger']
const NOTHING: PieceSpan = { first: 0, end: 0 }

export function createSession(opened: PieceStore, deps: SessionDeps): Session {
  const store = createMovableStore(opened)
  const { infoHash, metainfo } = store
  const ending = new AbortController()
  const windows = new Map<Seat, PieceSpan>()
  /** Per piece: 0 for "was on the disk", else 1 + index into SENDERS. */
  const senders = new Uint8Array(metainfo.geometry.pieceCount)
  const hearers = new Set<(index: number) => void>()
  let joined = false
  let hoarding = false
  let usedAt = Date.now()
  let movedBytes = 0
  /** Set while the torrent is out of the swarm because its store is being exchanged. */
  let moving: Promise<void> | undefined
  let closing: Promise<void> | undefined

  const wanted = (): Want => ({
    all: hoarding && deps.mayHoard?.() !== false,
    windows: [...windows.values()].filter((window) => window.end > window.first)
  })

  function join(): void {
    usedAt = Date.now()
    if (joined || ending.signal.aborted || metainfo.geometry.size === 0) return
    joined = true
    if (moving === undefined) enter()
    deps.onJoin()
  }

  function enter(): void {
    const peers = deps.fleetPeers()
    const { info } = metainfo
    deps.swarm.join({ infoHash, info, pieces: store.shared, want: wanted(), peers })
  }

  /** What is wanted while the torrent is out of the swarm is said when it enters again. */
  function tellWant(): void {
    if (joined && moving === undefined) deps.swarm.want(infoHash, wanted())
  }

  function update(): void {
    usedAt = Date.now()
    if (ending.signal.aborted) return
    if (!joined) {
      join()
      return
    }
    tellWant()
    // Idle connections were closed, and nobody dials before somebody says so.
    if (deps.swarm.stats(infoHash)?.peers === 0) introduce(deps.fleetPeers())
  }

  function introduce(peers: readonly PeerAddress[]): void {
    if (!joined || moving !== undefined) return
    if (peers.length > 0) deps.swarm.introduce(infoHash, peers)
  }

  function sit(): Seat {
    usedAt = Date.now()
    let pin: Disposable | undefined

    function unpin(): void {
      pin?.[Symbol.dispose]()
      pin = undefined
    }

    /** Where the store is so small that the last window is in the way, that one goes first. */
    async function pinNext(span: ByteSpan, signal: AbortSignal): Promise<Disposable> {
      try {
        return await store.pin(span, signal)
      } catch (err) {
        const full = err instanceof AppError && err.code === 'STORE_FULL'
        if (!full || pin === undefined) throw err
        windows.set(seat, NOTHING)
        unpin()
        return store.pin(span, signal)
      }
    }

    const seat: Seat = {
      async want(span, signal) {
        const next = piecesOf(metainfo.geometry, span)
        const last = windows.get(seat) ?? NOTHING
        if (last.first === next.first && last.end === next.end) return
        const room = await pinNext(span, signal)
        if (!windows.has(seat)) return room[Symbol.dispose]()
        unpin()
        pin = room
        windows.set(seat, next)
        if (!allHere(store, next) || joined) update()
      },
      askAgain: update,
      leave() {
        usedAt = Date.now()
        const { first, end } = windows.get(seat) ?? NOTHING
        windows.delete(seat)
        unpin()
        if (end > first) tellWant()
      }
    }
    windows.set(seat, NOTHING)
    return seat
  }

  function whenHeard(index: number, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => hear(index), ms)
      function hear(told: number): void {
        if (told !== index) return
        clearTimeout(timer)
        hearers.delete(hear)
        resolve()
      }
      hearers.add(hear)
    })
  }

  async function move(next: () => Promise<PieceStore>): Promise<void> {
    ending.signal.throwIfAborted()
    if (moving !== undefined) throw new AppError('INTERNAL', `${infoHash} is being moved`)
    const { promise, resolve } = Promise.withResolvers<void>()
    moving = promise
    try {
      if (joined) await deps.swarm.leave(infoHash)
      await store.moveTo(await next()).close()
    } finally {
      moving = undefined
      if (joined && !ending.signal.aborted) enter()
      resolve()
    }
  }

  async function end(reason: Error): Promise<void> {
    ending.abort(reason)
    await moving
    if (joined) await deps.swarm.leave(infoHash)
    await store.close()
  }

  return {
    infoHash,
    store,
    gone: ending.signal,
    get joined() {
      return joined
    },
    get busy() {
      return windows.size > 0 || (hoarding && !store.complete)
    },
    get stranded() {
      const { all, windows: open } = wanted()
      if (!joined || (deps.swarm.stats(infoHash)?.peers ?? 0) > 0) return false
      return (all && !store.complete) || open.some((window) => !allHere(store, window))
    },
    get usedAt() {
      return usedAt
    },
    sit,
    hoard() {
      hoarding = true
      update()
    },
    reconsider() {
      if (hoarding) tellWant()
    },
    move,
    join,
    introduce,
    sender: (index) => SENDERS[(senders[index] ?? 0) - 1],
    whenHeard,
    noteVerified(index, from) {
      usedAt = Date.now()
      senders[index] = 1 + SENDERS.indexOf(from)
      store.noteVerified(index)
      for (const hear of hearers) hear(index)
      if (hoarding && store.complete) hoarding = false
    },
    noteTraffic() {
      const moved = payloadOf(deps.swarm.stats(infoHash))
      if (moved !== movedBytes) usedAt = Date.now()
      movedBytes = moved
    },
    stats: () => deps.swarm.stats(infoHash),
    close(reason) {
      closing ??= end(reason)
      return closing
    }
  }
}

/** Payload bytes in both directions. */
function payloadOf(stats: TorrentStats | undefined): number {
  if (stats === undefined) return 0
  const { downloaded: down, uploaded: up } = stats
  return SENDERS.reduce((sum, sender) => sum + down[sender] + up[sender], 0)
}

function allHere(store: PieceStore, window: PieceSpan): boolean {
  for (let index = window.first; index < window.end; index++) {
    if (!store.has(index)) return false
  }
  return true
}
