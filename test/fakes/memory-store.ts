/** A piece store in memory for unit tests: pieces appear when the test says so. */
import { createHash } from 'node:crypto'
import { type ByteSpan, pieceAt, pieceSpan } from '../../core/geometry.ts'
import { parseInfo } from '../../core/metainfo.ts'
import { buildInfo } from '../../core/metainfo-build.ts'
import { PieceBits } from '../../lib/store/piece-bits.ts'
import type { PieceStore } from '../../lib/store/piece-store.ts'

export interface MemoryStore extends PieceStore {
  /** The piece arrives: proven, waiters woken. */
  arrive(index: number): void
  readonly pinned: ByteSpan[]
  readonly closed: boolean
}

/** A store of one file `name` with `bytes`, with nothing in it yet. */
export function memoryStore(
  bytes: Uint8Array,
  options: { pieceLength?: number; kind?: 'library' | 'cache'; name?: string } = {}
): MemoryStore {
  const pieceLength = options.pieceLength ?? 16384
  const { info } = buildInfo({
    name: options.name ?? 'file.bin',
    size: bytes.byteLength,
    pieceLength,
    pieces: hashPieces(bytes, pieceLength)
  })
  const metainfo = parseInfo(info)
  const { pieceCount } = metainfo.geometry
  const memory = PieceBits.allocate(pieceCount, 1)
  const bits = new PieceBits(memory, pieceCount, 1)
  const waiters = new Map<number, Set<() => void>>()
  const pinned: ByteSpan[] = []
  let closed = false

  function arrive(index: number): void {
    bits.prove(index)
    for (const wake of waiters.get(index) ?? []) wake()
    waiters.delete(index)
  }

  function whenProven(index: number, signal: AbortSignal): Promise<void> {
    if (bits.isProven(index)) return Promise.resolve()
    if (signal.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      const set = waiters.get(index) ?? new Set()
      waiters.set(index, set.add(resolve))
      signal.addEventListener('abort', () => {
        set.delete(resolve)
        reject(signal.reason)
      })
    })
  }

  return {
    infoHash: metainfo.infoHash,
    metainfo,
    kind: options.kind ?? 'cache',
    shared: {
      layout: { folder: '', starts: Float64Array.of(0, bytes.byteLength), kind: 'cache' },
      size: bytes.byteLength,
      pieceLength,
      bits: memory
    },
    get complete() {
      return bits.count() === pieceCount
    },
    has: (index) => bits.has(index),
    provenPrefix({ start, end }) {
      let reached = start
      while (reached < end && bits.isProven(pieceAt(metainfo.geometry, reached))) {
        reached = Math.min(
          end,
          pieceSpan(metainfo.geometry, pieceAt(metainfo.geometry, reached)).end
        )
      }
      return { start, end: reached }
    },
    prove: async (index) => bits.isProven(index),
    whenProven,
    async read({ start, end }, target) {
      target.set(bytes.subarray(start, end))
    },
    async pin(span) {
      pinned.push(span)
      return { [Symbol.dispose]: () => void pinned.splice(pinned.indexOf(span), 1) }
    },
    noteVerified: arrive,
    noteFailed: (index) => bits.clear(index),
    flush: async () => {},
    close: async () => {
      closed = true
    },
    arrive,
    pinned,
    get closed() {
      return closed
    }
  }
}

/** The concatenated SHA-1 of each piece. */
export function hashPieces(bytes: Uint8Array, pieceLength: number): Buffer {
  const hashes: Buffer[] = []
  for (let start = 0; start < bytes.byteLength; start += pieceLength) {
    hashes.push(
      createHash('sha1')
        .update(bytes.subarray(start, start + pieceLength))
        .digest()
    )
  }
  return Buffer.concat(hashes)
}
