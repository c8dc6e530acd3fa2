/**
 * The real download side between fake peers and a fake store, in virtual time.
 *
 * `Date.now` is the rig's clock until the test ends; a `step` moves it and gives every remote side
 * its turn to send. Nothing waits for anything outside, so a seed replays a run.
 */
import { createHash } from 'node:crypto'
import type { Test } from 'tap'
import { type Geometry, pieceSpan } from '../../../../core/geometry.ts'
import { PieceBits } from '../../../../lib/store/piece-bits.ts'
import type { Want } from '../../../../lib/swarm/contract.ts'
import type { WriteOutcome } from '../../../../lib/swarm/piece-keeper.ts'
import { type BufferPool, createBufferPool } from '../../../../lib/swarm/wire/buffer-pool.ts'
import { createFetching, type Fetching } from '../../../../lib/swarm/wire/fetching.ts'
import { Peer } from '../../../../lib/swarm/wire/peer.ts'
import { NOBODY, type PeerOwner } from '../../../../lib/swarm/wire/peer-owner.ts'
import { type RateLimit, UNLIMITED } from '../../../../lib/swarm/wire/rate-limit.ts'
import { type SampleTorrent, sampleTorrent } from '../../../fakes/sample-torrent.ts'
import { type RemoteOptions, RemotePeer } from './remote-peer.ts'

export const TICK_MS = 100

interface RigOptions {
  readonly size: number
  readonly pieceLength: number
  readonly poolBytes?: number
  readonly download?: RateLimit
  /** What the store does with a piece. */
  readonly write?: (index: number) => WriteOutcome
}

export interface FetchingRig {
  readonly sample: SampleTorrent
  readonly geometry: Geometry
  readonly bits: PieceBits
  readonly pool: BufferPool
  readonly fetching: Fetching
  readonly peers: ReadonlyMap<number, Peer>
  readonly remotes: readonly RemotePeer[]
  /** Serials of those that were found guilty; their connection is closed. */
  readonly guilty: Set<number>
  /** Why connections ended, by serial. */
  readonly closed: Map<number, string>
  readonly verified: number[]
  /** Milliseconds since the beginning. */
  readonly ms: number
  want(want: Partial<Want>): void
  join(options?: RemoteOptions): RemotePeer
  /** Moves the time, at most to the next tick. */
  step(ms: number): Promise<void>
  /** Until `done`; false when it is not within `limitMs`. */
  until(done: () => boolean, limitMs: number): Promise<boolean>
}

/** Everything that needs no time has happened. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

export function fetchingRig(t: Pick<Test, 'teardown'>, options: RigOptions): FetchingRig {
  const realNow = Date.now
  const start = 1_000_000
  let clock = start
  Date.now = () => clock
  t.teardown(() => {
    Date.now = realNow
  })
  const sample = sampleTorrent(options)
  const { metainfo } = sample
  const { geometry } = metainfo
  const bits = new PieceBits(PieceBits.allocate(geometry.pieceCount, 0), geometry.pieceCount, 0)
  const peers = new Map<number, Peer>()
  const remotes: RemotePeer[] = []
  const guilty = new Set<number>()
  const closed = new Map<number, string>()
  const verified: number[] = []
  const pool = createBufferPool({ limitBytes: options.poolBytes ?? 64 * 2 ** 20 })

  async function write(index: number, bytes: Uint8Array): Promise<WriteOutcome> {
    const outcome = options.write?.(index) ?? 'written'
    await settled()
    const { start: from, end } = pieceSpan(geometry, index)
    if (sha1(bytes) !== sha1(sample.bytes.subarray(from, end))) throw new Error('wrong bytes')
    if (outcome === 'written') bits.prove(index)
    return outcome
  }

  const fetching = createFetching({
    metainfo,
    keeper: { bits, write },
    pool,
    peers,
    classOf: (serial) => peers.get(serial)?.peerClass ?? 'stranger',
    download: options.download ?? UNLIMITED,
    mayAsk: () => true,
    events: {
      verified: (index) => void verified.push(index),
      failed() {},
      guilty(serial) {
        guilty.add(serial)
        peers.get(serial)?.close('guilty')
      }
    }
  })
  t.teardown(() => fetching.close())
  const owner: PeerOwner = {
    ...NOBODY,
    gained: fetching.gained,
    lost: fetching.lost,
    turned: fetching.turned,
    blockStart: fetching.blockStart,
    blockEnd: fetching.blockEnd,
    rejected: fetching.rejected,
    closed(peer, reason) {
      peers.delete(peer.serial)
      closed.set(peer.serial, reason)
      fetching.closed(peer)
    }
  }

  function join(remoteOptions: RemoteOptions = {}): RemotePeer {
    const serial = remotes.length + 1
    const remote = new RemotePeer(sample, remoteOptions)
    const their = {
      infoHash: metainfo.infoHash,
      peerId: Buffer.alloc(20, serial),
      fast: remoteOptions.fast ?? true,
      extended: true,
      dht: false
    }
    const identity = { serial, ourId: Buffer.alloc(20), their, dialled: undefined }
    const peerClass = 'stranger'
    remote.peer = new Peer(remote.stream, { ...identity, peerClass }, owner, geometry.pieceCount)
    remotes.push(remote)
    peers.set(serial, remote.peer)
    remote.greet()
    return remote
  }

  async function step(ms: number): Promise<void> {
    const before = Math.floor(clock / TICK_MS)
    clock += ms
    for (const remote of remotes) {
      remote.step(clock, ms)
      // As a socket's callbacks do: microtasks run between them.
      await null
    }
    if (Math.floor(clock / TICK_MS) > before) fetching.tick(clock)
    await settled()
    await settled()
  }

  return {
    sample,
    geometry,
    bits,
    pool,
    fetching,
    peers,
    remotes,
    guilty,
    closed,
    verified,
    get ms() {
      return clock - start
    },
    want: (want) => fetching.setWant({ all: false, windows: [], ...want }),
    join,
    step,
    async until(done, limitMs) {
      const end = clock + limitMs
      while (!done() && clock < end) await step(10)
      return done()
    }
  }
}

function sha1(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex')
}
