/**
 * Peers that were asked and do not send: after two seconds others get their requests, after a
 * while the connection ends, so that the peer can be dialled anew. And who is slow beside others.
 *
 * A silent peer is asked for nothing more until it has sent something of what it owes; its requests
 * stay for that. One that owes nothing any more gets another chance after a while.
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
export function watchSilence(deps: SilenceDeps, now: number): void {
  const { peers } = deps
  let fastest = 0
  for (const peer of peers.values()) {
    peer.pace.tick(now, peer.requests.size)
    fastest = Math.max(fastest, peer.pace.rate)
    watchPeer(peer, deps, now)
  }
  for (const peer of peers.values()) peer.slow = peer.pace.rate * SLOW_PART < fastest
}

function watchPeer(peer: Peer, { picker, asking }: SilenceDeps, now: number): void {
  const quietMs = now - peer.progressedAt
  const owes = peer.requests.size > 0
  if (owes && quietMs > DEAD_MS) peer.close('it does not send what it was asked for')
  else if (peer.silent && !owes && quietMs > DEAD_MS) peer.silent = false
  else if (owes && quietMs > SILENT_MS && !peer.silent) {
    peer.silent = true
    peer.requests.loseAll((index, block) => picker.flight.unask(index, block))
    asking.releaseSolo(peer)
    asking.wake()
  }
}
