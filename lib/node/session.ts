/**
 * One torrent in use by this process: its piece store, its readers and its place in the swarm.
 *
 * The union of all readers' windows is the only thing that asks the swarm for pieces; the engine
 * hears of it when it changes, once a turn of the loop however many readers move. A session
 * joins the swarm when something is missing or a peer knocks, never before: content that is
 * complete on the disk is read without the engine hearing of it.
 */
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import { onceATurn } from '../process/once-a-turn.ts'
import type { PieceStore } from '../store/piece-store.ts'
import type { PeerAddress, PeerClass, TorrentStats, Want } from '../swarm/contract.ts'
import type { Swarm } from '../swarm/swarm.ts'
import type { Lingering } from './lingering.ts'
import { createMovableStore } from './movable-store.ts'
import { createPieceSenders, PEER_CLASSES } from './piece-senders.ts'
import { createSeats, type Seat } from './seats.ts'

export interface SessionDeps {
  readonly swarm: Pick<Swarm, 'join' | 'leave' | 'want' | 'introduce' | 'stats'>
  /** Where the fleet's holders of this torrent can be dialled now. */
  readonly fleetPeers: () => readonly PeerAddress[]
  /** Whether the disk takes what nobody is waiting for; default yes. */
  readonly mayHoard?: () => boolean
  /** What outlives its reader a moment; shared by all sessions. */
  readonly lingering?: Lingering | undefined
  /** Runs once, when the session joins the swarm: strangers come by announce. */
  readonly onJoin: () => void
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

export function createSession(opened: PieceStore, deps: SessionDeps): Session {
  const store = createMovableStore(opened)
  const { infoHash, metainfo } = store
  const ending = new AbortController()
  const senders = createPieceSenders(metainfo.geometry.pieceCount)
  const tell = onceATurn(say)
  const seats = createSeats({
    store,
    lingering: deps.lingering,
    changed(again) {
      usedAt = Date.now()
      repeats ||= again
      tell()
    }
  })
  let joined = false
  let hoarding = false
  /** What the engine was told last, and whether it must hear it again though nothing changed. */
  let told: Want | undefined
  let repeats = false
  let usedAt = Date.now()
  let movedBytes = 0
  /** Set while the torrent is out of the swarm because its store is being exchanged. */
  let moving: Promise<void> | undefined
  let closing: Promise<void> | undefined

  const wanted = (): Want => ({
    all: hoarding && deps.mayHoard?.() !== false,
    windows: seats.windows()
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
    told = wanted()
    deps.swarm.join({ infoHash, info: metainfo.info, pieces: store.shared, want: told, peers })
  }

  /** What is wanted while the torrent is out of the swarm is said when it enters again. */
  function say(): void {
    if (ending.signal.aborted || moving !== undefined) return
    const want = wanted()
    const asks = want.all || want.windows.length > 0
    if (!joined) {
      if (asks) join()
      return
    }
    if (repeats || !isSame(want, told)) {
      told = want
      deps.swarm.want(infoHash, want)
    }
    repeats = false
    // Idle connections were closed, and nobody dials before somebody says so.
    if (asks && deps.swarm.stats(infoHash)?.peers === 0) introduce(deps.fleetPeers())
  }

  function introduce(peers: readonly PeerAddress[]): void {
    if (!joined || moving !== undefined) return
    if (peers.length > 0) deps.swarm.introduce(infoHash, peers)
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
    seats.end()
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
      return seats.count > 0 || (hoarding && !store.complete)
    },
    get stranded() {
      if (!joined || (deps.swarm.stats(infoHash)?.peers ?? 0) > 0) return false
      const { all, windows } = wanted()
      return (all && !store.complete) || windows.some(({ later }) => later !== true)
    },
    get usedAt() {
      return usedAt
    },
    sit() {
      usedAt = Date.now()
      return seats.sit()
    },
    hoard() {
      hoarding = true
      // A piece may have gone missing since it was told last.
      repeats = true
      usedAt = Date.now()
      if (joined) say()
      else join()
    },
    reconsider() {
      if (hoarding) say()
    },
    move,
    join,
    introduce,
    sender: senders.of,
    whenHeard: senders.whenNoted,
    noteVerified(index, from) {
      usedAt = Date.now()
      senders.note(index, from)
      store.noteVerified(index)
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
  return PEER_CLASSES.reduce((sum, sender) => sum + down[sender] + up[sender], 0)
}

function isSame(one: Want, other: Want | undefined): boolean {
  if (other === undefined || one.all !== other.all) return false
  return (
    one.windows.length === other.windows.length &&
    one.windows.every(({ first, end, later }, at) => {
      const same = other.windows[at]
      return same?.first === first && same.end === end && same.later === later
    })
  )
}
