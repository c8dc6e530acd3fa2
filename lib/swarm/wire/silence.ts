/**
 * Peers that were asked and do not send: after two seconds others get their requests, after a
 * while the connection ends, so that the peer can be dialled anew. And who is slow beside others.
 */
import type { Asking } from './asking.ts'
import type { Peer } from './peer.ts'
import type { Picker } from './picker.ts'

const SILENT_MS = 2000
const DEAD_MS = 15_000
/** Slow is less than this part of the rate of the fastest peer. */
const SLOW_PART = 8

export interface SilenceDeps {
  readonly peers: ReadonlyMap<number, Peer>
  readonly picker: Picker
  readonly asking: Asking
}

/** About ten times a second. @param now milliseconds */
export function watchSilence({ peers, picker, asking }: SilenceDeps, now: number): void {
  let fastest = 0
  let silenced = false
  for (const peer of peers.values()) {
    peer.pace.tick(now, peer.requests.size > 0)
    fastest = Math.max(fastest, peer.pace.rate)
    const quietMs = now - peer.progressedAt
    if (peer.requests.size === 0) peer.silent = false
    else if (quietMs > DEAD_MS) peer.close('it does not send what it was asked for')
    else if (quietMs > SILENT_MS && !peer.silent) {
      silence(peer, picker)
      silenced = true
    }
  }
  for (const peer of peers.values()) peer.slow = peer.pace.rate * SLOW_PART < fastest
  if (!silenced) return
  asking.changed()
  asking.askAll()
}

/** What it was asked for stays welcome, but is counted on no more. */
function silence(peer: Peer, picker: Picker): void {
  peer.silent = true
  const { arrival } = peer
  if (arrival !== undefined) {
    peer.abandonBlock()
    peer.requests.take(arrival.piece.index, arrival.block)
    if (!peer.requests.tookLost) arrival.piece.unask(arrival.block)
  }
  peer.requests.loseAll((index, block) => picker.active.get(index)?.unask(block))
  for (const piece of picker.active.values()) if (piece.solo === peer.serial) piece.solo = 0
}
