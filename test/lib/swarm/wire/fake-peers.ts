/** Real connections over streams that go nowhere: what we send is kept, what is heard is written. */
import { randomBytes } from 'node:crypto'
import type { InfoHash } from '../../../../core/info-hash.ts'
import type { PeerClass } from '../../../../lib/swarm/contract.ts'
import { encodeExtensionHandshake } from '../../../../lib/swarm/wire/extension-handshake.ts'
import { createOutbox, type Outbox } from '../../../../lib/swarm/wire/outbox.ts'
import { Peer } from '../../../../lib/swarm/wire/peer.ts'
import { NOBODY, type PeerOwner } from '../../../../lib/swarm/wire/peer-owner.ts'
import { makeContent } from '../torrent-folder.ts'
import { messagesIn, type SentMessage } from './sent-messages.ts'

export interface FakePeerOptions {
  readonly host?: string
  readonly port?: number
  readonly fast?: boolean
  readonly peerClass?: PeerClass
  /** The address it was dialled at; else it came to us. */
  readonly dialled?: string
  readonly infoHash?: InfoHash
  readonly pieceCount?: number | undefined
  readonly owner?: Partial<PeerOwner>
  readonly peerId?: Buffer
}

export interface FakePeer {
  readonly peer: Peer
  /** Why it was closed, in order; empty while it is open. */
  readonly closed: string[]
  /** Bytes the stream has not taken. */
  unsent: number
  /** The peer sends what `write` puts into the outbox. */
  says(write: (outbox: Outbox) => void): void
  /** What we have sent so far, once everything is flushed. */
  sent(): Promise<SentMessage[]>
}

let serial = 0

/** Another connection. */
export function fakePeer({
  host = '192.0.2.1',
  port = 40_000,
  fast = true,
  peerClass = 'stranger',
  dialled,
  infoHash = makeContent('fake', 1).infoHash,
  pieceCount,
  owner = {},
  peerId = randomBytes(20)
}: FakePeerOptions = {}): FakePeer {
  const writes: Uint8Array[] = []
  const closed: string[] = []
  const fake: { unsent: number } = { unsent: 0 }
  const stream = {
    host,
    port,
    transport: 'tcp',
    incoming: dialled === undefined,
    get unsentBytes() {
      return fake.unsent
    },
    write(bytes: Uint8Array, done?: () => void) {
      writes.push(Uint8Array.from(bytes))
      if (done !== undefined) queueMicrotask(done)
    },
    pause() {},
    resume() {},
    destroy() {}
  } as const
  const their = { infoHash, peerId, fast, extended: true, dht: false }
  const identity = { serial: ++serial, ourId: randomBytes(20), their, dialled, peerClass }
  const heard: PeerOwner = {
    ...NOBODY,
    ...owner,
    closed(peer, reason) {
      closed.push(reason)
      owner.closed?.(peer, reason)
    }
  }
  const peer = new Peer(stream, identity, heard, pieceCount)
  return Object.assign(fake, {
    peer,
    closed,
    says(write: (outbox: Outbox) => void) {
      const outbox = createOutbox()
      write(outbox)
      const bytes = outbox.take()
      if (bytes !== undefined) peer.receive(bytes)
    },
    async sent() {
      peer.flushSoon()
      await new Promise<void>((resolve) => setImmediate(resolve))
      return messagesIn(Buffer.concat(writes))
    }
  })
}

/** What an ordinary client says of itself. */
export function extensionsOf(more: { readonly port?: number; readonly uploadOnly?: boolean } = {}) {
  return encodeExtensionHandshake({
    reqq: 250,
    version: 'fake',
    uploadOnly: false,
    pex: true,
    ...more
  })
}

/** The open connections by serial, as their torrent keeps them. */
export function peersOf(...fakes: readonly FakePeer[]): Map<number, Peer> {
  return new Map(fakes.map(({ peer }) => [peer.serial, peer]))
}
