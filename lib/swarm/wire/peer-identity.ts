/** Who is at the two ends of a connection. */
import type { PeerClass } from '../contract.ts'
import type { TheirHandshake } from './handshake.ts'

export interface PeerIdentity {
  /** Unique in the thread, above 0. */
  readonly serial: number
  readonly ourId: Uint8Array
  readonly their: TheirHandshake
  /** The address we dialled; undefined for an incoming connection. */
  readonly dialled: string | undefined
  readonly peerClass: PeerClass
}
