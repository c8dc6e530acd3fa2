/**
 * What a worker uploads: who is served next, with which buffer, how fast.
 *
 *   requests → line (one per peer) → turn → tokens → slab → one vectored read → one write
 *
 * Guarantees: turns are fair (`upload-turns.ts`); no more than `MAX_READS` reads run and no more
 * slabs than the two pools hold are lent, whatever peers do; the node's and the torrent's rate are
 * kept. A peer gets small slabs until it has shown that it reads: those who do not can hold all the
 * small ones for a while, but neither the large ones nor those kept for the fleet.
 * Not its job: who may ask at all (`choker.ts`), the requests of a peer (`upload-line.ts`).
 */
import type { Geometry } from '../../../core/geometry.ts'
import type { PeerClass } from '../contract.ts'
import type { PeerStream } from './peer-stream.ts'
import { type RateLimit, UNLIMITED } from './rate-limit.ts'
import { UploadLine, type UploadRun } from './upload-line.ts'
import { BLOCK_BYTES, SlabPool, type UploadSlab } from './upload-slab.ts'
import { UploadTurns } from './upload-turns.ts'

/** Reads at a time: all workers share the thread pool (`lib/store/disk-jobs.ts`). */
const MAX_READS = 3
const LARGE_BLOCKS = 64
const MAX_LARGE = 32
/** A block of any allowed length fits. */
const SMALL_BLOCKS = 8
const MAX_SMALL = 256
/** Small slabs that strangers leave to the fleet. */
const KEPT_FOR_FLEET = 64
/** Memory of slabs that nobody used for so long is given back. */
const IDLE_MS = 10_000

/** A connection as its uploads see it. */
export interface UploadPeer {
  readonly stream: Pick<PeerStream, 'unsentBytes' | 'write'>
  /** The address without the port: turns are shared out by it. */
  readonly host: string
  /** May change, when a node has proven itself. */
  readonly peerClass: PeerClass
  /** BEP 6 is spoken on the connection. */
  readonly fast: boolean
  /** Sends a reject (BEP 6); called only while `fast`. */
  reject(index: number, begin: number, length: number): void
  /** Ends the connection; `close` of its uploads follows, now or later. */
  drop(reason: string): void
  /** So many bytes of content were handed to the stream. */
  sent(bytes: number): void
}

/** One torrent's pieces; the same object for every peer of the torrent: turns are shared out by it. */
export interface UploadSource {
  readonly geometry: Geometry
  /** The torrent's own upload limit. */
  readonly rate: RateLimit
  has(index: number): boolean
  /** See `PieceKeeper.readRun`. */
  readRun(offset: number, views: readonly Uint8Array[]): Promise<boolean>
}

/** The requests of one peer that was unchoked. Nothing here throws. */
export interface PeerUploads {
  /** A request while the peer may ask (unchoked, or the piece is in its allowed-fast set). */
  request(index: number, begin: number, length: number): void
  /** A request while it may not: rejected (BEP 6) or, without that, left unanswered. */
  refuse(index: number, begin: number, length: number): void
  cancel(index: number, begin: number, length: number): void
  /** Drops everything that waits; with BEP 6 each is rejected. Call it after the choke was sent. */
  choke(): void
  /** The stream has taken everything: more may follow. */
  drained(): void
  /** Drops the peer if it has stopped reading; about once a second. @param now milliseconds */
  sweep(now: number): void
  /** The connection has ended. May be called twice. */
  close(): void
  /** Requests that wait. */
  readonly waiting: number
}

export interface Uploads {
  open(peer: UploadPeer, source: UploadSource): PeerUploads
  /** Buffers lent to streams and reads. */
  readonly slabsOut: number
  /** Ends timers; what is under way is finished by the streams. May be called twice. */
  close(): void
}

export interface UploadsDeps {
  /** The node's upload limit, shared by all workers. */
  readonly rate: RateLimit
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** Calls `fn` after `ms`; returns how to prevent it. */
  readonly later?: (fn: () => void, ms: number) => () => void
}

export function createUploads({ rate, now = Date.now, later = startTimer }: UploadsDeps): Uploads {
  const large = new SlabPool(MAX_LARGE, LARGE_BLOCKS)
  const small = new SlabPool(MAX_SMALL, SMALL_BLOCKS)
  const turns = new UploadTurns<UploadLine>()
  /** Lines of torrents whose own rate is used up. */
  const parked = new Set<UploadLine>()
  let stopTimer: (() => void) | undefined
  let wakeAt = Infinity
  let reads = 0
  let planned = false
  let closed = false
  let usedAt = 0

  /** Not at once: the requests of one chunk of bytes are to become one run. */
  function plan(): void {
    if (planned || closed) return
    planned = true
    queueMicrotask(serveAll)
  }

  /** What is left is for the fleet. */
  function isScarce(): boolean {
    return small.left <= KEPT_FOR_FLEET
  }

  function serveAll(): void {
    planned = false
    while (!closed && reads < MAX_READS && small.left > 0) {
      const line = turns.first(isScarce())
      if (line === undefined || !serve(line)) return
    }
  }

  /** False when the node's rate is used up: the line stays where it is, before all others. */
  function serve(line: UploadLine): boolean {
    const length = line.ready ? line.nextLength() : 0
    if (length === 0) {
      turns.remove(line)
      return true
    }
    const nodeBytes = rate.take(Math.max(length, sizeOfRun(line)), now())
    const granted = line.torrent.rate.take(nodeBytes, now())
    rate.giveBack(nodeBytes - granted)
    if (granted >= length) {
      startRead(line, granted)
      return true
    }
    giveBack(line, granted)
    return wait(line, length, nodeBytes < length)
  }

  /** Where a rate is kept runs are short, so that turns are equal. */
  function sizeOfRun(line: UploadLine): number {
    const limited = rate !== UNLIMITED || line.torrent.rate !== UNLIMITED
    return (line.trusted && !limited ? LARGE_BLOCKS : SMALL_BLOCKS) * BLOCK_BYTES
  }

  function giveBack(line: UploadLine, bytes: number): void {
    rate.giveBack(bytes)
    line.torrent.rate.giveBack(bytes)
  }

  function wait(line: UploadLine, length: number, nodeIsShort: boolean): boolean {
    if (!nodeIsShort) {
      turns.remove(line)
      parked.add(line)
    }
    const limit = nodeIsShort ? rate : line.torrent.rate
    wakeIn(Math.max(1, limit.waitMs(length, now())))
    return !nodeIsShort
  }

  function wakeIn(ms: number): void {
    if (now() + ms >= wakeAt) return
    stopTimer?.()
    wakeAt = now() + ms
    stopTimer = later(wake, ms)
  }

  function wake(): void {
    stopTimer = undefined
    wakeAt = Infinity
    for (const line of parked) if (line.ready) turns.add(line)
    parked.clear()
    plan()
  }

  function startRead(line: UploadLine, granted: number): void {
    const slab = lendFor(granted)
    const run = line.takeRun(slab, granted)
    turns.charge(line, run.bytes)
    turns.remove(line)
    giveBack(line, granted - run.bytes)
    usedAt = now()
    reads++
    void read(line, run)
  }

  /** A small one is there: `serveAll` has looked. */
  function lendFor(bytes: number): UploadSlab {
    const slab = (bytes > SMALL_BLOCKS * BLOCK_BYTES ? large.lend() : undefined) ?? small.lend()
    if (slab === undefined) throw new Error('no slab is left')
    return slab
  }

  async function read(line: UploadLine, run: UploadRun): Promise<void> {
    const there = await line.torrent.readRun(run.offset, run.slab.views).catch(() => false)
    reads--
    const done = () => {
      run.slab.release()
      onReady(line)
    }
    if (!there) line.giveUp(run, done)
    const sent = there ? line.send(run, done) : 0
    giveBack(line, run.bytes - sent)
    onReady(line)
  }

  function onReady(line: UploadLine): void {
    if (line.ready && !parked.has(line)) turns.add(line)
    plan()
  }

  function onClose(line: UploadLine): void {
    turns.remove(line)
    parked.delete(line)
  }

  function onSweep(at: number): void {
    if (at - usedAt < IDLE_MS) return
    large.trim()
    small.trim()
  }

  const keeper = { onReady, onClose, onSweep, now, isScarce }
  return {
    open: (peer, source) => new UploadLine(peer, source, keeper),
    get slabsOut() {
      return large.out + small.out
    },
    close() {
      closed = true
      stopTimer?.()
      stopTimer = undefined
    }
  }
}

function startTimer(fn: () => void, ms: number): () => void {
  const timer = setTimeout(fn, ms)
  return () => clearTimeout(timer)
}
