/**
 * The requests of one peer, from the message to the write.
 *
 * Guarantees: what is no block of the torrent ends the connection; no more than `MAX_QUEUED` wait;
 * with BEP 6 every request gets exactly one answer, its block or a reject, and a peer without it
 * that asks for what is not there is disconnected, for it would wait for ever; a peer that takes
 * nothing for `STALL_MS` while bytes wait for it is dropped.
 * Not its job: whose turn it is (`uploads.ts`), whether the peer may ask (`choker.ts`).
 */
import { type Geometry, pieceSize } from '../../../core/geometry.ts'
import type { PeerClass } from '../contract.ts'
import { addressGroup } from './address-group.ts'
import { UploadRequests } from './upload-requests.ts'
import type { UploadSlab } from './upload-slab.ts'
import type { TurnTaker } from './upload-turns.ts'
import type { PeerUploads, UploadPeer, UploadSource } from './uploads.ts'

/** The longest block anybody may ask for. Bytes. */
export const MAX_BLOCK_BYTES = 128 * 1024
/** Nothing more is read while so many bytes wait for the peer. */
const HIGH_MARK = 1024 * 1024
/** Runs with the stream of a peer that is trusted, the one being read included. Else one. */
const MAX_RUNS = 2
/** It must take something in this time, and a whole run in that. Divided while slabs are scarce. */
const STALL_MS = 30_000
const RUN_MS = 120_000
const HURRY = 6
/** A peer that is refused so many more blocks than it is given does not understand. */
const MAX_REFUSALS = 1000
/** A run that took longer came to a slow reader. */
const SLOW_MS = 1000
/** More than the system's buffers between us and a peer that reads nothing can hold. */
const TRUSTED_AFTER = 16 * 1024 * 1024

/** Blocks that follow one another in the torrent, laid out in a slab. */
export interface UploadRun {
  readonly slab: UploadSlab
  /** Of the first byte, in the torrent. */
  readonly offset: number
  /** Of content. */
  readonly bytes: number
  readonly chokes: number
}

/** What a line needs of the scheduler. */
export interface LineKeeper {
  /** The line may be ready to be served. */
  onReady(line: UploadLine): void
  onClose(line: UploadLine): void
  onSweep(now: number): void
  now(): number
  /** Others wait for slabs: who holds one too long is dropped sooner. */
  isScarce(): boolean
}

export class UploadLine implements PeerUploads, TurnTaker {
  readonly torrent: UploadSource
  readonly address: string
  readonly #peer: UploadPeer
  readonly #keeper: LineKeeper
  readonly #requests = new UploadRequests()
  /** A run is being read; so many are with the stream. */
  #reading = false
  #sending = 0
  #refusals = 0
  /** Counts chokes: what was read before one is not sent after it. */
  #chokes = 0
  /** When it last took something, and when a run last was taken whole. */
  #takenAt: number
  #doneAt: number
  #lastUnsent = 0
  /** Bytes taken since the last run that went slowly. */
  #takenFast = 0
  #ended = false

  constructor(peer: UploadPeer, source: UploadSource, keeper: LineKeeper) {
    this.#peer = peer
    this.torrent = source
    this.address = addressGroup(peer.host)
    this.#keeper = keeper
    this.#takenAt = keeper.now()
    this.#doneAt = this.#takenAt
  }

  get peerClass(): PeerClass {
    return this.#peer.peerClass
  }

  get waiting(): number {
    return this.#requests.size
  }

  /** Something waits, and the peer has room for it. */
  get ready(): boolean {
    if (this.#ended || this.#reading || this.#requests.size === 0) return false
    if (this.#sending >= (this.trusted ? MAX_RUNS : 1)) return false
    return this.#peer.stream.unsentBytes < HIGH_MARK
  }

  /** It has shown that it reads what it is sent: it may have a large slab. */
  get trusted(): boolean {
    return this.#takenFast >= TRUSTED_AFTER
  }

  /** Length of the next block, after what is not there any more has been refused; 0 for none. */
  nextLength(): number {
    while (this.#requests.size > 0 && !this.torrent.has(this.#requests.indexAt(0))) {
      const index = this.#requests.indexAt(0)
      const begin = this.#requests.beginAt(0)
      const length = this.#requests.lengthAt(0)
      this.#requests.shift(1)
      this.#refuse(index, begin, length)
    }
    return this.#requests.lengthAt(0)
  }

  request(index: number, begin: number, length: number): void {
    if (this.#ended) return
    if (!isBlock(this.torrent.geometry, index, begin, length)) this.#drop('asked for no block')
    else if (!this.torrent.has(index)) this.#refuse(index, begin, length)
    else if (this.#requests.push(index, begin, length)) this.#keeper.onReady(this)
    else this.#refuse(index, begin, length)
  }

  refuse(index: number, begin: number, length: number): void {
    if (this.#ended) return
    if (!isBlock(this.torrent.geometry, index, begin, length)) this.#drop('asked for no block')
    else if (this.#peer.fast) this.#refuse(index, begin, length)
  }

  cancel(index: number, begin: number, length: number): void {
    if (this.#ended || !this.#requests.remove(index, begin, length)) return
    if (this.#peer.fast) this.#peer.reject(index, begin, length)
  }

  choke(): void {
    this.#chokes++
    const queue = this.#requests
    const { size } = queue
    for (let nth = 0; nth < size && this.#peer.fast && !this.#ended; nth++) {
      this.#peer.reject(queue.indexAt(nth), queue.beginAt(nth), queue.lengthAt(nth))
    }
    queue.clear()
  }

  drained(): void {
    this.#takenAt = this.#keeper.now()
    this.#keeper.onReady(this)
  }

  sweep(now: number): void {
    const unsent = this.#peer.stream.unsentBytes
    if (unsent === 0 || unsent < this.#lastUnsent) this.#takenAt = now
    this.#lastUnsent = unsent
    const hurry = this.#keeper.isScarce() && this.peerClass === 'stranger' ? HURRY : 1
    const stalled = now - this.#takenAt > STALL_MS / hurry
    const slow = this.#sending > 0 && now - this.#doneAt > RUN_MS / hurry
    if (stalled || slow) this.#drop('does not take what it asked for')
    this.#keeper.onSweep(now)
  }

  close(): void {
    this.#ended = true
    this.#requests.clear()
    this.#keeper.onClose(this)
  }

  /**
   * Moves requests into the slab: the first and those that go on where it ends, at most `most`
   * bytes of content. The run must be given to `send` or to `giveUp`.
   */
  takeRun(slab: UploadSlab, most: number): UploadRun {
    const queue = this.#requests
    const { pieceLength } = this.torrent.geometry
    const offset = queue.indexAt(0) * pieceLength + queue.beginAt(0)
    let bytes = 0
    let count = 0
    while (count < queue.size) {
      const index = queue.indexAt(count)
      const begin = queue.beginAt(count)
      const length = queue.lengthAt(count)
      if (index * pieceLength + begin !== offset + bytes || bytes + length > most) break
      if (!this.torrent.has(index) || !slab.add(index, begin, length)) break
      bytes += length
      count++
    }
    queue.shift(count)
    this.#reading = true
    return { slab, offset, bytes, chokes: this.#chokes }
  }

  /**
   * Sends what was read; `done` is called once the slab is free again.
   * @returns bytes of content handed to the stream: none when nobody waits for them any more
   */
  send(run: UploadRun, done: () => void): number {
    this.#reading = false
    const choked = run.chokes !== this.#chokes && !this.#peer.fast
    if (this.#ended || choked) {
      done()
      return 0
    }
    const now = this.#keeper.now()
    if (this.#peer.stream.unsentBytes === 0) this.#takenAt = now
    if (this.#sending === 0) this.#doneAt = now
    this.#sending++
    this.#refusals = Math.max(0, this.#refusals - run.slab.views.length)
    this.#peer.sent(run.bytes)
    this.#peer.stream.write(run.slab.message(), () => {
      this.#taken(run.bytes, this.#keeper.now() - now)
      done()
    })
    return run.bytes
  }

  #taken(bytes: number, elapsed: number): void {
    this.#sending--
    this.#takenAt = this.#keeper.now()
    this.#doneAt = this.#takenAt
    this.#takenFast = elapsed > SLOW_MS ? 0 : this.#takenFast + bytes
  }

  /** What was to be read is not there; `done` as in `send`. */
  giveUp(run: UploadRun, done: () => void): void {
    this.#reading = false
    if (run.chokes === this.#chokes || this.#peer.fast) {
      run.slab.each((index, begin, length) => this.#refuse(index, begin, length))
    }
    done()
  }

  #refuse(index: number, begin: number, length: number): void {
    if (this.#ended) return
    if (!this.#peer.fast) this.#drop('asked for a piece that is not there')
    else if (++this.#refusals > MAX_REFUSALS) this.#drop('asks for what it is refused')
    else this.#peer.reject(index, begin, length)
  }

  #drop(reason: string): void {
    if (this.#ended) return
    this.close()
    this.#peer.drop(reason)
  }
}

function isBlock(geometry: Geometry, index: number, begin: number, length: number): boolean {
  if (!(index >= 0 && index < geometry.pieceCount && begin >= 0)) return false
  return length > 0 && length <= MAX_BLOCK_BYTES && begin + length <= pieceSize(geometry, index)
}
