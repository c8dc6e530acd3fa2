/**
 * The connections we open for one torrent: whom, when, and the handshake.
 *
 * A complete torrent dials nobody but at the first word of an address; a hungry one tries again
 * with growing pauses (`peer-book.ts`). Addresses that are our own are never dialled twice.
 */
import type { InfoHash } from '../../../core/info-hash.ts'
import { formatAddress, parseAddress } from '../address.ts'
import type { PeerClass } from '../contract.ts'
import type { PeerBook } from '../peer-book.ts'
import { createGreeting } from './greeting.ts'
import { encodeHandshake, type TheirHandshake } from './handshake.ts'
import { freshPeerId } from './peer-id.ts'
import type { PeerStream, PeerStreamEvents } from './peer-stream.ts'
import type { TcpDialler } from './tcp-stream.ts'

const CONNECT_MS = 10_000
const HANDSHAKE_MS = 5000
/** Connections of one torrent that are being made. */
const MAX_HALF_OPEN = 30

/** A connection we made, its handshake done. */
export interface Dialled {
  readonly stream: PeerStream
  readonly their: TheirHandshake
  readonly ourId: Uint8Array
  /** The address as it stands in the book. */
  readonly address: string
  readonly peerClass: PeerClass
  /** What came behind the handshake, valid during the call. */
  readonly rest: Uint8Array
  /** Hands the stream over: it tells these from now on. */
  tell(events: PeerStreamEvents): void
}

export interface DiallingDeps {
  readonly infoHash: InfoHash
  readonly book: PeerBook
  readonly tcp: TcpDialler
  readonly dht: boolean
  /** Is there room for another connection? @param fleet to a node of our own */
  readonly mayDial: (fleet: boolean) => boolean
  /** A connection is being made (1), or is not any more (-1). */
  readonly halfOpen: (change: 1 | -1) => void
  /** Addresses that need not be dialled: there is a connection. */
  readonly connected: () => ReadonlySet<string>
  readonly opened: (dialled: Dialled) => void
}

export interface Dialling {
  /**
   * Dials what is due. @param now milliseconds
   * @param hungry pieces are wanted: addresses that were tried before are tried again
   */
  dial(now: number, hungry: boolean): void
  /** Whether we sent this peer id on a connection that is being made: then it is to ourselves. */
  isOurs(peerId: Uint8Array): boolean
  close(): void
}

export function createDialling(deps: DiallingDeps): Dialling {
  const { infoHash, book } = deps
  const halfOpen = new Map<string, { readonly ourId: Buffer; readonly stream: PeerStream }>()
  let closed = false

  function dial(now: number, hungry: boolean): void {
    const room = MAX_HALF_OPEN - halfOpen.size
    if (room <= 0 || closed) return
    let connected: ReadonlySet<string> | undefined
    const mayDialFleet = deps.mayDial(true)
    const mayDialStrangers = deps.mayDial(false)
    if (!mayDialFleet && !mayDialStrangers) return
    const isTaken = (address: string) => {
      const isFleet = book.classOf(address) !== 'stranger'
      if (!(isFleet ? mayDialFleet : mayDialStrangers) || halfOpen.has(address)) return true
      connected ??= deps.connected()
      return connected.has(address)
    }
    for (const address of book.due(now, hungry, isTaken, room)) connect(address)
  }

  function connect(address: string): void {
    const target = parseAddress(address)
    if (target === undefined) return
    const ourId = freshPeerId()
    const greeting = createGreeting()
    let events: PeerStreamEvents | undefined
    let deadline: NodeJS.Timeout | undefined
    const stream = deps.tcp.dial(target.host, target.port, CONNECT_MS, {
      onOpen() {
        deadline = setTimeout(() => stream.destroy(), HANDSHAKE_MS)
        stream.write(encodeHandshake({ infoHash, peerId: ourId, dht: deps.dht }))
      },
      onData: (bytes) => (events === undefined ? greet(bytes) : events.onData(bytes)),
      onDrain: () => events?.onDrain(),
      onClose(reason) {
        settle()
        events?.onClose(reason)
      }
    })
    halfOpen.set(address, { ourId, stream })
    deps.halfOpen(1)

    function settle(): void {
      clearTimeout(deadline)
      if (halfOpen.get(address)?.stream !== stream) return
      halfOpen.delete(address)
      deps.halfOpen(-1)
    }

    function greet(bytes: Uint8Array): void {
      const done = tryGreet(bytes)
      if (done === undefined) return
      settle()
      if (done.their.infoHash !== infoHash || done.their.peerId.equals(ourId)) {
        stream.destroy()
        return
      }
      deps.opened({
        stream,
        their: done.their,
        ourId,
        address,
        peerClass: book.classOf(address),
        rest: done.rest,
        tell(next) {
          events = next
        }
      })
    }

    function tryGreet(bytes: Uint8Array) {
      try {
        return greeting.push(bytes)
      } catch {
        book.avoid(address)
        stream.destroy()
        return undefined
      }
    }
  }

  return {
    dial,
    isOurs(peerId) {
      for (const [address, { ourId }] of halfOpen) {
        if (!ourId.equals(peerId)) continue
        book.avoid(address)
        return true
      }
      return false
    },
    close() {
      closed = true
      for (const { stream } of halfOpen.values()) stream.destroy()
    }
  }
}

/** Where a peer can be dialled, as far as we know: the address dialled, or the port it named. */
export function listeningAddress(
  dialled: string | undefined,
  host: string,
  port: number | undefined
): string | undefined {
  if (dialled !== undefined) return dialled
  return port === undefined ? undefined : formatAddress(host, port)
}
