/**
 * The origin sends each byte about once: gateways that fetch the same torrent share its pieces out.
 *
 * As many pieces in a row as there are gateways, ourselves included, are a hand: a rendezvous hash
 * ranks the gateways for each hand, and the first takes its first piece from the seeder, and so on.
 * So each has the same share of any window, and nobody's line is the one all wait for. What another
 * gateway has is asked of the gateways. What none has is waited for from the moment its taker can
 * have come to it, as long as that one gets on; when it does not, the others step in one after the
 * other, since each of them would cost the origin the same bytes again. With no other gateway
 * about, everything is ours to ask.
 */
import { createHash } from 'node:crypto'

const LEAST_WAIT_MS = 150
/** A taker whose line gets on is waited for; one that is stuck, or gateways that have it, this long. */
const MOST_WAIT_MS = 3000

/** Another proven gateway, connected in this torrent. */
export interface SharingGateway {
  readonly node: string
  has(index: number): boolean
  /** When it last told of a piece it got, in milliseconds; 0: never. */
  readonly gainedAt: number
}

export interface ShareOut {
  /** Those connected now; ourselves left out. */
  gateways(others: readonly SharingGateway[]): void
  /**
   * Whether we may ask a seeder for the piece.
   * @param now milliseconds
   * @param pieceMs how long a piece takes to come from the seeder; 0 when that is not known
   */
  isOurs(index: number, now: number, pieceMs: number): boolean
  /** A gateway told that it has the piece now. @param now milliseconds */
  gained(node: string, index: number, now: number): void
  /** The piece came. */
  forget(index: number): void
  /** Readers moved on: for what is not wanted any more a wait begins anew if it is wanted again. */
  retain(isWanted: (index: number) => boolean): void
}

interface Member {
  /** Undefined: ourselves. */
  readonly gateway: SharingGateway | undefined
  readonly seed: number
}

/** @param self our node id */
export function createShareOut(self: string): ShareOut {
  const ourselves: Member = { gateway: undefined, seed: seedOf(self) }
  let members: readonly Member[] = [ourselves]
  /** Pieces that are another's to take, and since when we wait for them. */
  const waiting = new Map<number, number>()
  /** The piece that a gateway took last of those we wait for, and when. */
  const taken = new Map<string, { readonly index: number; readonly at: number }>()
  /** The last hand that was asked about: pieces are gone through in a row. */
  let dealt: { readonly hand: number; readonly ranked: readonly Member[] } | undefined

  /** The gateways in the order in which the pieces of a hand are dealt to them. */
  function ranked(index: number): readonly Member[] {
    const hand = Math.floor(index / members.length)
    if (dealt?.hand !== hand) {
      dealt = { hand, ranked: members.toSorted((a, b) => mix(a.seed, hand) - mix(b.seed, hand)) }
    }
    return dealt.ranked
  }

  /** The gateway whose turn it is; undefined when it is ours. */
  function takerOf(index: number): SharingGateway | undefined {
    return ranked(index)[index % members.length]?.gateway
  }

  /** How many are to step in before us when the taker of a piece does not get it. */
  function standInsBefore(index: number): number {
    const ours = ranked(index).indexOf(ourselves)
    return (ours - (index % members.length) - 1 + members.length) % members.length
  }

  /** When a taker that goes through its pieces in their order came to this one; 0: not known. */
  function turnOf({ node }: SharingGateway, index: number): number {
    const last = taken.get(node)
    return last !== undefined && last.index < index ? last.at : 0
  }

  function waitMs(index: number, taker: SharingGateway, now: number, pieceMs: number): number {
    if (members.some(({ gateway }) => gateway?.has(index))) return MOST_WAIT_MS
    const patience = Math.min(MOST_WAIT_MS, Math.max(LEAST_WAIT_MS, 2 * pieceMs))
    if (now - taker.gainedAt < patience) return MOST_WAIT_MS
    return Math.min(MOST_WAIT_MS, patience * (1 + standInsBefore(index) / 2))
  }

  return {
    gateways(gateways) {
      const others = gateways.filter(({ node }) => node !== self)
      dealt = undefined
      members = [ourselves, ...others.map((gateway) => ({ gateway, seed: seedOf(gateway.node) }))]
      if (others.length === 0) waiting.clear()
      taken.clear()
    },
    isOurs(index, now, pieceMs) {
      if (members.length === 1) return true
      const taker = takerOf(index)
      if (taker === undefined) return true
      const since = waiting.get(index) ?? now
      waiting.set(index, since)
      return now - Math.max(since, turnOf(taker, index)) > waitMs(index, taker, now, pieceMs)
    },
    gained(node, index, now) {
      if (!waiting.has(index)) return
      // Whoever has it now needs time to give it; others that follow give us no more of it.
      const isFirst = !members.some(({ gateway }) => gateway?.node !== node && gateway?.has(index))
      if (isFirst) waiting.set(index, now)
      if (takerOf(index)?.node === node) taken.set(node, { index, at: now })
    },
    forget: (index) => void waiting.delete(index),
    retain(isWanted) {
      for (const index of waiting.keys()) if (!isWanted(index)) waiting.delete(index)
    }
  }
}

function seedOf(id: string): number {
  return createHash('sha1').update(id).digest().readUInt32BE(0)
}

/** A number that depends on every bit of both: the finaliser of a common 32-bit hash. */
function mix(seed: number, index: number): number {
  let value = (seed ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
