/**
 * Whose turn it is: who is ready to be served waits here, and is shown in a fair order.
 *
 *   all → class (weighted) → torrent → address → connection
 *
 * Every branch but the last level keeps its own account: what it was given is added to its `due`,
 * and the branch that waits with the smallest is next. So fifty connections of one address are
 * given together what another address is given alone, whether it has one connection or many; a
 * torrent with a thousand peers is given no more than one with a single peer; the fleet's gateways
 * get most but never all. Who comes (again) starts where the others are: waiting is not saved up.
 * The connections of an address take turns in the order they became ready.
 *
 * Bounded by who waits: a branch for which nobody waits is kept only while it is ahead of the
 * others, so that leaving and coming back earns nothing.
 */
import type { PeerClass } from '../contract.ts'

/** What each class is given out of their sum, when all of them wait. */
const SHARES: Readonly<Record<PeerClass, number>> = { gateway: 8, seeder: 2, stranger: 1 }

/** Somebody who is served in turn. */
export interface TurnTaker {
  /** The same object for everybody of the torrent. */
  readonly torrent: object
  /** See `addressGroup`. */
  readonly address: string
  /** May change while it waits; it counts from the next time on. */
  readonly peerClass: PeerClass
}

interface Branch<M> {
  readonly parent: Branch<M> | undefined
  readonly share: number
  readonly branches: Map<unknown, Branch<M>>
  /** Only in a branch of the last level. */
  readonly members: Set<M>
  /** Of these below. */
  waiting: number
  /** Bytes given, by share; no less than the parent's `clock` when it began to wait. */
  due: number
  /** The `due` of the branch below that was served last. */
  clock: number
}

export class UploadTurns<M extends TurnTaker> {
  #root = branch<M>(undefined, 1)
  readonly #waiting = new Map<M, Branch<M>>()

  get size(): number {
    return this.#waiting.size
  }

  /** Somebody is ready; nothing happens if it waits already. */
  add(member: M): void {
    if (this.#waiting.has(member)) return
    const { torrent, address, peerClass } = member
    const ofClass = below(this.#root, peerClass, SHARES[peerClass])
    const leaf = below(below(ofClass, torrent, 1), address, 1)
    leaf.members.add(member)
    this.#waiting.set(member, leaf)
    for (let at: Branch<M> | undefined = leaf; at !== undefined; at = at.parent) {
      if (at.waiting === 0) at.due = Math.max(at.due, at.parent?.clock ?? 0)
      at.waiting++
    }
  }

  /** Somebody waits no more; nothing happens if it did not. */
  remove(member: M): void {
    const leaf = this.#waiting.get(member)
    if (leaf === undefined) return
    this.#waiting.delete(member)
    leaf.members.delete(member)
    for (let at: Branch<M> | undefined = leaf; at !== undefined; at = at.parent) at.waiting--
    if (this.#waiting.size === 0) this.#root = branch<M>(undefined, 1)
  }

  /** Somebody who waits was given `bytes`. */
  charge(member: M, bytes: number): void {
    let at = this.#waiting.get(member)
    for (; at?.parent !== undefined; at = at.parent) {
      at.parent.clock = Math.max(at.parent.clock, at.due)
      at.due += bytes / at.share
    }
  }

  /**
   * Whose turn it is; it goes on waiting. Undefined when nobody waits.
   * @param onlyFleet strangers are passed over
   */
  first(onlyFleet: boolean): M | undefined {
    let at: Branch<M> | undefined = nextBelow(this.#root, onlyFleet ? 'stranger' : undefined)
    while (at !== undefined && at.members.size === 0) at = nextBelow(at, undefined)
    return at?.members.values().next().value
  }
}

function branch<M>(parent: Branch<M> | undefined, share: number): Branch<M> {
  const due = parent?.clock ?? 0
  return { parent, share, branches: new Map(), members: new Set(), waiting: 0, due, clock: 0 }
}

function below<M>(parent: Branch<M>, key: unknown, share: number): Branch<M> {
  const known = parent.branches.get(key)
  if (known !== undefined) return known
  const made = branch(parent, share)
  parent.branches.set(key, made)
  return made
}

/** The branch that is next, except `passed`; forgets those nobody needs any more. */
function nextBelow<M>(parent: Branch<M>, passed: unknown): Branch<M> | undefined {
  let best: Branch<M> | undefined
  for (const [key, at] of parent.branches) {
    if (at.waiting === 0) {
      if (at.due <= parent.clock) parent.branches.delete(key)
    } else if (key !== passed && (best === undefined || at.due < best.due)) {
      best = at
    }
  }
  return best
}
