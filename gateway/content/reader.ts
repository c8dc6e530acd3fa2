/**
 * Reads a span of a torrent in order: verified pieces from the disk, missing ones asked of the
 * swarm through a window that grows with what the client took.
 *
 * The window starts at two pieces and grows to 32 MiB with the bytes read, so a paused client
 * stops the swarm from being asked for more. Every wait has a deadline that starts anew with
 * each piece.
 */
import { AppError } from '../../core/errors.ts'
import { type ByteSpan, pieceAt, pieceSpan } from '../../core/geometry.ts'
import type { Session } from '../../lib/node/session.ts'
import { deadline } from '../../lib/process/deadline.ts'
import type { TorrentStats } from '../../lib/swarm/contract.ts'

/** Where the bytes of a response came from: the values of the metric's label `source`. */
export type ByteSource = 'library' | 'cache' | 'peer' | 'seeder'

export interface ReaderConfig {
  /** How long one missing piece may take. */
  readonly pieceTimeoutMs: number
}

export interface Reader {
  /** Waits until the first byte can be read. */
  ready(signal: AbortSignal): Promise<ByteSource>
  /**
   * Fills `target` from its start with the next bytes, as many as are at hand without waiting
   * once there are any. 0 at the end of the span.
   */
  read(target: Uint8Array, signal: AbortSignal): Promise<number>
  /** Where the bytes of the last `read` came from. */
  readonly source: ByteSource
  close(): void
}

const MAX_WINDOW = 32 * 2 ** 20
const FIRST_WINDOW_PIECES = 2

/**
 * @throws AppError SWARM_NO_PEERS, SWARM_TIMEOUT from `ready` and `read` when a piece does not
 *   come in time; the reason of the session's end when the content goes away meanwhile.
 */
export function createReader(session: Session, span: ByteSpan, config: ReaderConfig): Reader {
  const { store } = session
  const { geometry } = store.metainfo
  const seat = session.sit()
  let position = span.start
  let source: ByteSource = store.kind

  async function ready(signal: AbortSignal): Promise<ByteSource> {
    if (position >= span.end) return source
    const index = pieceAt(geometry, position)
    const alive = AbortSignal.any([signal, session.gone])
    await moveWindow(alive)
    const hereAlready = store.provenPrefix({ start: position, end: position + 1 }).end > position
    if (hereAlready || (await store.prove(index, alive))) source = store.kind
    else source = await fetchPiece(index, alive)
    return source
  }

  /** A complete library is read as it lies: no window, no pin, no message to the engine. */
  async function moveWindow(signal: AbortSignal): Promise<void> {
    if (store.kind === 'library' && store.complete) return
    const least = FIRST_WINDOW_PIECES * geometry.pieceLength
    const ahead = Math.max(least, Math.min(position - span.start, MAX_WINDOW))
    const { start } = pieceSpan(geometry, pieceAt(geometry, position))
    await seat.want({ start, end: Math.min(position + ahead, span.end) }, signal)
  }

  async function fetchPiece(index: number, signal: AbortSignal): Promise<ByteSource> {
    await moveWindow(signal)
    session.join()
    using limit = deadline(config.pieceTimeoutMs, () =>
      notDelivered(index, config.pieceTimeoutMs, session.stats())
    )
    await store.whenProven(index, AbortSignal.any([signal, limit.signal]))
    const sender = session.sender(index)
    if (sender === undefined) return store.kind
    return sender === 'seeder' ? 'seeder' : 'peer'
  }

  async function read(target: Uint8Array, signal: AbortSignal): Promise<number> {
    if (position >= span.end) return 0
    const end = Math.min(position + target.byteLength, span.end)
    await ready(signal)
    const prefix = store.provenPrefix({ start: position, end })
    if (prefix.end <= position) return read(target, signal)
    await store.read(prefix, target, signal)
    position = prefix.end
    return prefix.end - prefix.start
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

/** 502 when nobody was ever connected, 504 when somebody was: the body says how far it came. */
function notDelivered(index: number, timeoutMs: number, stats: TorrentStats | undefined): AppError {
  const { found = 0, tried = 0, connected = 0, peers = 0 } = stats ?? {}
  const tally = `peers found ${found}, tried ${tried}, connected ${connected}, still connected ${peers}`
  const waited = `piece ${index} did not come within ${timeoutMs / 1000} s`
  return connected === 0
    ? new AppError('SWARM_NO_PEERS', `${waited}; phase: connecting; ${tally}`, { retryAfter: 10 })
    : new AppError('SWARM_TIMEOUT', `${waited}; phase: downloading; ${tally}`, { retryAfter: 10 })
}
