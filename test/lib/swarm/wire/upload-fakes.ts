/** A peer whose stream takes bytes when the test says so, and a source that reads likewise. */
import { geometryOf } from '../../../../core/geometry.ts'
import type { PeerClass } from '../../../../lib/swarm/contract.ts'
import { type RateLimit, UNLIMITED } from '../../../../lib/swarm/wire/rate-limit.ts'
import type { UploadPeer, UploadSource } from '../../../../lib/swarm/wire/uploads.ts'

export const KiB = 1024
export const BLOCK = 16 * KiB
export const PIECE = 256 * KiB
/** The last piece is short. */
export const GEOMETRY = geometryOf(100 * PIECE - 1000, PIECE)

/** The byte at `offset` of the torrent. */
export const byteAt = (offset: number) => (offset * 31 + (offset >> 14)) & 0xff

export interface Sent {
  readonly index: number
  readonly begin: number
  readonly length: number
}

export interface FakePeer {
  readonly peer: UploadPeer & { peerClass: PeerClass }
  /** Blocks handed to the stream, their bytes checked. */
  readonly blocks: Sent[]
  /** Messages in each write. */
  readonly writes: number[]
  readonly rejected: Sent[]
  readonly dropped: string[]
  /** Writes the stream holds. */
  readonly held: number
  sentBytes: number
  /** Takes the oldest write, or all. */
  take(): void
  takeAll(): void
  /** Takes some bytes of what is held, and finishes no write. */
  takeSome(bytes: number): void
}

interface PeerOptions {
  readonly host?: string
  readonly peerClass?: PeerClass
  readonly fast?: boolean
  /** The stream takes everything at once. */
  readonly eager?: boolean
}

export function fakePeer({
  host = '192.0.2.1',
  peerClass = 'stranger',
  fast = true,
  eager = false
}: PeerOptions = {}): FakePeer {
  const out: { bytes: number; done: () => void }[] = []
  let unsent = 0
  const fake: FakePeer = {
    blocks: [],
    writes: [],
    rejected: [],
    dropped: [],
    sentBytes: 0,
    get held() {
      return out.length
    },
    peer: {
      stream: {
        get unsentBytes() {
          return unsent
        },
        write(bytes, done = () => {}) {
          const before = fake.blocks.length
          fake.blocks.push(...parseBlocks(bytes))
          fake.writes.push(fake.blocks.length - before)
          unsent += bytes.byteLength
          out.push({ bytes: bytes.byteLength, done })
          if (eager) queueMicrotask(fake.take)
        }
      },
      host,
      peerClass,
      fast,
      reject: (index, begin, length) => void fake.rejected.push({ index, begin, length }),
      drop: (reason) => void fake.dropped.push(reason),
      sent(bytes) {
        fake.sentBytes += bytes
      }
    },
    take() {
      const oldest = out.shift()
      unsent -= oldest?.bytes ?? 0
      oldest?.done()
    },
    takeSome(bytes) {
      const oldest = out[0]
      if (oldest === undefined) return
      oldest.bytes -= bytes
      unsent -= bytes
    },
    takeAll() {
      while (out.length > 0) fake.take()
    }
  }
  return fake
}

/** The `piece` messages in `bytes`; throws when a byte of a block is not the torrent's. */
function parseBlocks(bytes: Uint8Array): Sent[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const blocks: Sent[] = []
  for (let at = 0; at < buffer.byteLength; ) {
    const length = buffer.readUInt32BE(at) - 9
    const [index, begin] = [buffer.readUInt32BE(at + 5), buffer.readUInt32BE(at + 9)]
    if (buffer[at + 4] !== 7) throw new Error('no piece message')
    const start = index * PIECE + begin
    for (const nth of [0, length >> 1, length - 1]) {
      if (buffer[at + 13 + nth] !== byteAt(start + nth)) throw new Error(`wrong byte of ${index}`)
    }
    blocks.push({ index, begin, length })
    at += 13 + length
  }
  return blocks
}

export interface FakeSource {
  readonly source: UploadSource
  /** Offset and views of each read. */
  readonly reads: { readonly offset: number; readonly lengths: number[] }[]
  /** Pieces that are not there. */
  readonly missing: Set<number>
  /** What the next reads answer: true, false, or a failure. */
  answer: boolean | Error
  /** While set, reads wait for `go`. */
  slow: boolean
  go(): Promise<void>
}

export function fakeSource(rate: RateLimit = UNLIMITED): FakeSource {
  const waiting: (() => void)[] = []
  const fake: FakeSource = {
    reads: [],
    missing: new Set(),
    answer: true,
    slow: false,
    source: {
      geometry: GEOMETRY,
      rate,
      has: (index) => !fake.missing.has(index),
      async readRun(offset, views) {
        fake.reads.push({ offset, lengths: views.map(({ byteLength }) => byteLength) })
        if (fake.slow) await new Promise<void>((resolve) => waiting.push(resolve))
        if (fake.answer instanceof Error) throw fake.answer
        let at = offset
        for (const view of views)
          for (let nth = 0; nth < view.length; nth++) view[nth] = byteAt(at++)
        return fake.answer
      }
    },
    async go() {
      for (const wake of waiting.splice(0)) wake()
      await settled()
    }
  }
  return fake
}

/** Everything that needs no event from outside has happened. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
