/**
 * Reads a span of a torrent in order: verified pieces from the disk, missing ones asked of the
 * swarm through a window that grows with what the client took.
 *
 * The window starts at two pieces and grows to 32 MiB with the bytes read, so a paused client
 * stops the swarm from being asked for more. Every wait, for the swarm and for the disk, has a
 * deadline that starts anew with each piece, and ends when the content goes away.
 */
import { AppError } from '../../core/errors.ts'
import { type ByteSpan, type PieceSpan, pieceAt, pieceSpan, piecesOf } from '../../core/geometry.ts'
import type { Session } from '../../lib/node/session.ts'
import { abortable } from '../../lib/process/abortable.ts'
import { deadline } from '../../lib/process/deadline.ts'
import type { TorrentStats } from '../../lib/swarm/contract.ts'

/** Where the bytes of a response came from: the values of the metric's label `source`. */
export type ByteSource = 'library' | 'cache' | 'peer' | 'seeder'

export interface ReaderConfig {
  /** How long one missing piece may take. */
  readonly pieceTimeoutMs: number
}

export interface Reader {
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

const MAX_WINDOW = 32 * 2 ** 20
const FIRST_WINDOW_PIECES = 2
/** How long the word of a piece's sender may lag behind the piece; it decides a metric only. */
const HEARSAY_MS = 50
const NOTHING: PieceSpan = { first: 0, end: 0 }

/**
 * @throws AppError SWARM_NO_PEERS, SWARM_TIMEOUT from `ready` and `read` when a piece does not
 *   come in time, STORE_FAILED when the disk does not answer, QUOTA_EXCEEDED when other responses
 *   fill the cache; the reason of the session's end when the content goes away meanwhile.
 */
export function createReader(session: Session, span: ByteSpan, config: ReaderConfig): Reader {
  const { store } = session
  const { geometry } = store.metainfo
  const seat = session.sit()
  /** Pieces from here on that were missing when they came into the window. */
  const fetched = new Set<number>()
  let position = span.start
  let source: ByteSource = store.kind
  let asksSwarm = false
  /** The window that the seat has in full. */
  let pinned: PieceSpan = NOTHING
  let alive: { readonly of: AbortSignal; readonly signal: AbortSignal } | undefined

  async function ready(signal: AbortSignal, timeoutMs = config.pieceTimeoutMs) {
    if (position >= span.end) return source
    const index = pieceAt(geometry, position)
    const alive = aliveFor(signal)
    if (!isAtHand()) await obtainInTime(index, timeoutMs, alive)
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
  function isAtHand(): boolean {
    if (!isProven()) return false
    const { first, end } = piecesOf(geometry, windowFrom(position))
    return isWhole() || (pinned.first === first && pinned.end === end)
  }

  /** A complete library is read as it lies: no window, no pin, no message to the engine. */
  function isWhole(): boolean {
    return store.kind === 'library' && store.complete
  }

  /** From the piece at `from` on, as far ahead as was read so far. */
  function windowFrom(from: number): ByteSpan {
    const least = FIRST_WINDOW_PIECES * geometry.pieceLength
    const ahead = Math.max(least, Math.min(from - span.start, MAX_WINDOW))
    const { start } = pieceSpan(geometry, pieceAt(geometry, from))
    return { start, end: Math.min(from + ahead, span.end) }
  }

  /** Runs `obtain` on a piece; what the store does not interrupt is left behind. */
  async function obtainInTime(index: number, timeoutMs: number, alive: AbortSignal): Promise<void> {
    using limit = deadline(timeoutMs, () =>
      asksSwarm ? notDelivered(index, timeoutMs, session.stats()) : notRead(index, timeoutMs)
    )
    const signal = AbortSignal.any([alive, limit.signal])
    await abortable(obtain(index, signal), signal)
  }

  /** The signal of whoever reads and of the end of the content, made once for the same reader. */
  function aliveFor(signal: AbortSignal): AbortSignal {
    if (alive?.of !== signal) {
      alive = { of: signal, signal: AbortSignal.any([signal, session.gone]) }
    }
    alive.signal.throwIfAborted()
    return alive.signal
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
    const window = windowFrom(position)
    noteMissing(window)
    try {
      await seat.want(window, signal)
      pinned = piecesOf(geometry, window)
    } catch (err) {
      if (!isFull(err)) throw err
      pinned = NOTHING
      const { start, end } = pieceSpan(geometry, index)
      await seat.want({ start, end: Math.min(end, span.end) }, signal).catch(refuseFull)
    }
  }

  function noteMissing(window: ByteSpan): void {
    const { first, end } = piecesOf(geometry, window)
    for (const index of fetched) if (index < first) fetched.delete(index)
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

  async function read(target: Uint8Array, signal: AbortSignal): Promise<number> {
    if (position >= span.end) return 0
    await ready(signal)
    const end = endOfSource(Math.min(position + target.byteLength, span.end))
    const prefix = store.provenPrefix({ start: position, end })
    if (prefix.end <= position) return read(target, signal)
    await readInTime(prefix, target, aliveFor(signal))
    position = prefix.end
    return prefix.end - prefix.start
  }

  /** Without a signal for the deadline: this runs for every buffer, and making one is slow. */
  async function readInTime(bytes: ByteSpan, target: Uint8Array, signal: AbortSignal) {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const { pieceTimeoutMs } = config
    const index = pieceAt(geometry, bytes.start)
    const timer = setTimeout(() => reject(notRead(index, pieceTimeoutMs)), pieceTimeoutMs)
    try {
      await Promise.race([abortable(store.read(bytes, target, signal), signal), late])
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    ready,
    read,
    get source() {
      return source
    },
    close: () => seat.leave()
  }
}

function isFull(err: unknown): boolean {
  return err instanceof AppError && err.code === 'STORE_FULL'
}

/** Not for want of a bigger disk: what fills it are other responses, which end. */
function refuseFull(err: unknown): never {
  if (!isFull(err)) throw err
  const detail = 'running responses use all of the cache'
  throw new AppError('QUOTA_EXCEEDED', detail, { cause: err, retryAfter: 5 })
}

function notRead(index: number, timeoutMs: number): AppError {
  const detail = `piece ${index} was not read within ${timeoutMs / 1000} s; phase: disk`
  return new AppError('STORE_FAILED', detail)
}

/** 502 when nobody was ever connected, 504 when somebody was: the body says how far it came. */
function notDelivered(index: number, timeoutMs: number, stats: TorrentStats | undefined): AppError {
  const { found = 0, tried = 0, connected = 0, peers = 0 } = stats ?? {}
  const tally = `peers found ${found}, tried ${tried}, connected ${connected}, still connected ${peers}`
  const waited = `piece ${index} did not come within ${timeoutMs / 1000} s`
  return connected === 0
    ? new AppError('SWARM_NO_PEERS', `${waited}; phase: connecting; ${tally}`, { retryAfter: 10 })
    : new AppError('SWARM_TIMEOUT', `${waited}; phase: downloading; ${tally}`, { retryAfter: 10 })
}
