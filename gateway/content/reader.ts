/**
 * Reads spans of a torrent in order: verified pieces from the disk, missing ones asked of the
 * swarm through a window (`window.ts`) that grows with what the client took.
 *
 * A paused client stops the swarm from being asked for more. Every wait, for the swarm and for the
 * disk, has a deadline that starts anew with each piece, and ends when the content goes away.
 */
import { type ByteSpan, type PieceSpan, pieceAt, pieceSpan } from '../../core/geometry.ts'
import type { Session } from '../../lib/node/session.ts'
import { abortable } from '../../lib/process/abortable.ts'
import { deadline } from '../../lib/process/deadline.ts'
import { isFull, notDelivered, notRead, refuseFull } from './reader-failure.ts'
import { createReadingTime } from './reading-time.ts'
import { edgesOf, isReadingOn, windowAt } from './window.ts'

/** Where the bytes of a response came from: the values of the metric's label `source`. */
export type ByteSource = 'library' | 'cache' | 'peer' | 'seeder'

export interface ReaderConfig {
  /** How long one missing piece may take. */
  readonly pieceTimeoutMs: number
}

export interface Reader {
  /**
   * What is read next: torrent offsets within the reach. Before the first call it is all of it.
   * Asks for nothing yet. A jump makes the window small again.
   */
  seek(span: ByteSpan): void
  /** The client's socket took so many bytes more: the window grows with them. */
  sent(bytes: number): void
  /**
   * This file's players ask for its head and tail next: once the first window is asked for, both
   * are fetched behind it, if this is the session's first call for the file.
   */
  foresee(file: number): void
  /** Waits until the next byte can be read, for `timeoutMs` if that is less than usual. */
  ready(signal: AbortSignal, timeoutMs?: number): Promise<ByteSource>
  /**
   * Fills `target` from its start with the next bytes, as many as are at hand without waiting
   * once there are any and as come from one source. 0 at the end of the span.
   */
  read(target: Uint8Array, signal: AbortSignal): Promise<number>
  /** Where the bytes of the last `read` came from. */
  readonly source: ByteSource
  close(): void
}

/** How long the word of a piece's sender may lag behind the piece; it decides a metric only. */
const HEARSAY_MS = 50
const NOTHING: PieceSpan = { first: 0, end: 0 }

/**
 * @param reach torrent offsets: as far as windows go, and spans lie within it
 * @throws AppError SWARM_NO_PEERS, SWARM_TIMEOUT from `ready` and `read` when a piece does not
 *   come in time, STORE_FAILED when the disk does not answer, QUOTA_EXCEEDED when other responses
 *   fill the cache; the reason of the session's end when the content goes away meanwhile.
 */
export function createReader(session: Session, reach: ByteSpan, config: ReaderConfig): Reader {
  const { store } = session
  const { geometry, files } = store.metainfo
  const seat = session.sit()
  const time = createReadingTime(config.pieceTimeoutMs, session.gone)
  /** Pieces of the window that were missing when they came into it. */
  const fetched = new Set<number>()
  let span = reach
  let position = span.start
  /** Bytes the socket took since the last jump, and those it has yet to take from before it. */
  let taken = 0
  let owed = 0
  /** Bytes that were read and not yet taken. */
  let underWay = 0
  let source: ByteSource = store.kind
  let asksSwarm = false
  /** The window that the seat has in full. */
  let pinned: PieceSpan = NOTHING
  let foreseen: number | undefined

  async function ready(signal: AbortSignal, timeoutMs = config.pieceTimeoutMs) {
    if (position >= span.end) return source
    const index = pieceAt(geometry, position)
    signal.throwIfAborted()
    session.gone.throwIfAborted()
    if (!isAtHand(index)) await obtainInTime(index, timeoutMs, signal)
    if (fetched.has(index) && session.sender(index) === undefined) {
      await session.whenHeard(index, HEARSAY_MS)
    }
    source = sourceOf(index)
    return source
  }

  function isProven(): boolean {
    return store.provenPrefix({ start: position, end: position + 1 }).end > position
  }

  /** Nothing to wait for and nobody to tell. */
  function isAtHand(index: number): boolean {
    if (!isProven()) return false
    if (isWhole()) return true
    const { first, end } = nextWindow()
    if (pinned.first === first && pinned.end === end) return true
    // What is all here need not be pinned anew for every piece.
    const half = index + (end - first) / 2
    return store.complete && pinned.first <= index && pinned.end >= Math.min(end, half)
  }

  /** A complete library is read as it lies: no window, no pin, no message to the engine. */
  function isWhole(): boolean {
    return store.kind === 'library' && store.complete
  }

  function nextWindow(): PieceSpan {
    return windowAt(geometry, position, reach.end, taken)
  }

  /** Runs `obtain` on a piece; what the store does not interrupt is left behind. */
  async function obtainInTime(index: number, timeoutMs: number, signal: AbortSignal) {
    const late = () =>
      asksSwarm ? notDelivered(index, timeoutMs, session.stats()) : notRead(index, timeoutMs)
    using limit = deadline(timeoutMs, late, signal, session.gone)
    await abortable(obtain(index, limit.signal), limit.signal)
  }

  async function obtain(index: number, signal: AbortSignal): Promise<void> {
    asksSwarm = false
    await moveWindow(index, signal)
    if (isProven()) return
    const claimed = store.has(index)
    if (await store.prove(index, signal)) return
    fetched.add(index)
    asksSwarm = true
    await moveWindow(index, signal)
    // The window has not changed, but what is missing of it has.
    if (claimed) seat.askAgain()
    session.join()
    await store.whenProven(index, signal)
  }

  async function moveWindow(index: number, signal: AbortSignal): Promise<void> {
    if (isWhole()) return
    const window = nextWindow()
    noteMissing(window)
    try {
      await seat.want(window, signal)
      pinned = window
    } catch (err) {
      if (!isFull(err)) throw err
      pinned = NOTHING
      await seat.want({ first: index, end: index + 1 }, signal).catch(refuseFull)
    }
    foreseeEdges()
  }

  function foreseeEdges(): void {
    const file = foreseen === undefined ? undefined : files[foreseen]
    if (foreseen === undefined || file === undefined) return
    const edges = edgesOf(geometry, { start: file.offset, end: file.offset + file.size })
    void seat.foresee(foreseen, edges, session.gone)
    foreseen = undefined
  }

  function noteMissing({ first, end }: PieceSpan): void {
    for (const index of fetched) if (index < first || index >= end) fetched.delete(index)
    for (let index = first; index < end; index++) if (!store.has(index)) fetched.add(index)
  }

  function sourceOf(index: number): ByteSource {
    const sender = fetched.has(index) ? session.sender(index) : undefined
    if (sender === undefined) return store.kind
    return sender === 'seeder' ? 'seeder' : 'peer'
  }

  /** The end of the bytes from `position` on, at most `end`, that came the same way. */
  function endOfSource(end: number): number {
    if (fetched.size === 0) return end
    let index = pieceAt(geometry, position)
    let reached = pieceSpan(geometry, index).end
    while (reached < end && sourceOf(++index) === source) reached = pieceSpan(geometry, index).end
    return Math.min(reached, end)
  }

  /** Where what is pinned ends: beyond it a cache may let go while we read. */
  function endOfHold(): number {
    if (isWhole()) return span.end
    const index = pieceAt(geometry, position)
    return pieceSpan(geometry, Math.max(index, pinned.end - 1)).end
  }

  async function read(target: Uint8Array, signal: AbortSignal): Promise<number> {
    if (position >= span.end) return 0
    await ready(signal)
    const most = Math.min(position + target.byteLength, span.end, endOfHold())
    const prefix = store.provenPrefix({ start: position, end: endOfSource(most) })
    if (prefix.end <= position) return read(target, signal)
    const late = () => notRead(pieceAt(geometry, prefix.start), config.pieceTimeoutMs)
    await time.spend(() => store.read(prefix, target, signal), signal, late)
    const count = prefix.end - position
    position = prefix.end
    underWay += count
    return count
  }

  function seek(next: ByteSpan): void {
    if (!isReadingOn(geometry, position, next.start)) {
      taken = 0
      owed = underWay
    }
    span = next
    position = next.start
  }

  function sent(bytes: number): void {
    const old = Math.min(owed, bytes)
    owed -= old
    taken += bytes - old
    underWay = Math.max(0, underWay - bytes)
  }

  return {
    seek,
    sent,
    foresee(file) {
      foreseen = file
    },
    ready,
    read,
    get source() {
      return source
    },
    close() {
      time.close()
      seat.leave()
    }
  }
}
