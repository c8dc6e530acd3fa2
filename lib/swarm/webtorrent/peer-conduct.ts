/**
 * How the peers of one torrent behave, and what follows: what webtorrent itself lacks.
 *
 * - A peer that is silent for `STALL_MS` with requests out loses those that another peer can answer.
 * - A piece that a peer rejects is not asked of it for a while; webtorrent would ask again at once.
 * - A piece with a wrong hash is fetched again from one peer alone; a peer that sent a wrong piece
 *   alone is disconnected and banned.
 *
 * All three work by withholding: a piece is taken out of what we believe the peer has, and put
 * back later.
 */
import type Wire from 'bittorrent-protocol'
import type { Torrent } from 'webtorrent'
import type { PeerClass } from '../contract.ts'
import { dropWire } from './wire-guard.ts'

const STALL_MS = 1500
const WITHHOLD_MS = 5000

interface Conduct {
  readonly classOf: () => PeerClass
  readonly ban: () => void
  /** Milliseconds: when the wire last sent a block or had nothing to send. */
  progressAt: number
  /** Piece index to the time it is put back. */
  readonly withheld: Map<number, number>
}

export interface PeerConduct {
  watch(wire: Wire, peer: { readonly classOf: () => PeerClass; readonly ban: () => void }): void
  /** The piece is written: whose last block it was. */
  verified(index: number): PeerClass
  /** The piece's hash did not match. */
  failed(index: number): void
  tick(now: number): void
}

export function createPeerConduct(torrent: Torrent): PeerConduct {
  const conducts = new Map<Wire, Conduct>()
  /** Who sent blocks of a piece that is not complete yet, the last one last; undefined: who left. */
  const senders = new Map<number, Set<Wire | undefined>>()

  function watch(wire: Wire, peer: Pick<Conduct, 'classOf' | 'ban'>): void {
    const conduct: Conduct = { ...peer, progressAt: Date.now(), withheld: new Map() }
    conducts.set(wire, conduct)
    wire.on('piece', (index: number) => {
      conduct.progressAt = Date.now()
      const others = senders.get(index) ?? new Set()
      others.delete(wire)
      senders.set(index, others.add(wire))
    })
    wire.on('unchoke', () => {
      conduct.progressAt = Date.now()
    })
    wire.on('reject', (index: number) => {
      if (!wire.peerChoking) withhold(wire, index, Date.now() + WITHHOLD_MS)
    })
  }

  function withhold(wire: Wire, index: number, until: number): void {
    if (!wire.peerPieces.get(index)) return
    wire.peerPieces.set(index, false)
    conducts.get(wire)?.withheld.set(index, until)
  }

  function verified(index: number): PeerClass {
    const last = [...(senders.get(index) ?? [])].findLast((wire) => wire !== undefined)
    senders.delete(index)
    return (last && conducts.get(last)?.classOf()) ?? 'stranger'
  }

  function failed(index: number): void {
    const suspects = [...(senders.get(index) ?? [])]
    senders.delete(index)
    const present = torrent.wires.filter((wire) => suspects.includes(wire))
    const [first] = present
    if (first !== undefined && suspects.length === 1) {
      conducts.get(first)?.ban()
      dropWire(first)
      putBackEverywhere(index)
    } else if (present.length > 1) refetch(index, present)
  }

  /** The liar is found: the peers that had to wait for it may be asked again. */
  function putBackEverywhere(index: number): void {
    for (const [wire, { withheld }] of conducts) {
      if (withheld.delete(index)) wire.peerPieces.set(index, true)
    }
  }

  /** One of the senders alone gets the next try, which tells whether it is to blame. */
  function refetch(index: number, suspects: readonly Wire[]): void {
    const chosen = suspects[Math.floor(Math.random() * suspects.length)]
    for (const wire of torrent.wires) {
      if (wire !== chosen) withhold(wire, index, Date.now() + WITHHOLD_MS)
    }
  }

  function tick(now: number): void {
    let idle = false
    for (const [wire, conduct] of conducts) {
      if (!torrent.wires.includes(wire)) {
        forget(wire)
        continue
      }
      putBack(wire, conduct, now)
      if (wire.requests.length === 0) conduct.progressAt = now
      else if (now - conduct.progressAt > STALL_MS) relieve(wire, now)
      idle ||= wire.requests.length === 0 && !wire.peerChoking
    }
    // webtorrent acts on events only; whatever it missed, a hungry torrent looks again.
    if (idle && torrent._selections.length > 0) torrent._updateSelections()
  }

  /** Its blocks stay, so that whoever completes their piece must not be blamed for them. */
  function forget(wire: Wire): void {
    conducts.delete(wire)
    for (const wires of senders.values()) if (wires.delete(wire)) wires.add(undefined)
  }

  function putBack(wire: Wire, conduct: Conduct, now: number): void {
    for (const [index, until] of conduct.withheld) {
      if (now < until) continue
      conduct.withheld.delete(index)
      wire.peerPieces.set(index, true)
    }
  }

  /** Takes the requests of a silent peer that another one could answer. */
  function relieve(silent: Wire, now: number): void {
    for (const { piece, offset, length } of [...silent.requests]) {
      const elsewhere = torrent.wires.some(
        (wire) => wire !== silent && !wire.peerChoking && wire.peerPieces.get(piece)
      )
      if (!elsewhere) continue
      withhold(silent, piece, now + WITHHOLD_MS)
      silent.cancel(piece, offset, length)
    }
  }

  return { watch, verified, failed, tick }
}
