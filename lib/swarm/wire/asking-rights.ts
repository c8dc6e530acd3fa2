/**
 * Who may ask for which piece while choked (BEP 6), and what a peer refused just now.
 *
 * Both directions: `allowed` and `refused` are the peer's word to us, `given` is ours to it.
 */
const MAX_ALLOWED = 64
const MAX_REFUSED = 512
const REFUSED_MS = 1000

export class AskingRights {
  readonly #allowed = new Set<number>()
  readonly #given = new Set<number>()
  /** Pieces the peer refused, and until when (milliseconds) it is not asked for them. */
  readonly #refused = new Map<number, number>()

  /** We may ask for the piece though choked. True if that is news. */
  allowed(index: number): boolean {
    if (this.#allowed.size >= MAX_ALLOWED || this.#allowed.has(index)) return false
    this.#allowed.add(index)
    return true
  }

  /** The peer did not give what it said it has: it is asked again after a while. */
  refused(index: number): void {
    if (this.#refused.size >= MAX_REFUSED) this.#refused.clear()
    this.#refused.set(index, Date.now() + REFUSED_MS)
  }

  /** The peer may ask for the piece though choked. */
  give(index: number): void {
    this.#given.add(index)
  }

  /** May we ask for the piece? @param now milliseconds */
  mayAsk(index: number, choked: boolean, now: number): boolean {
    if (choked && !this.#allowed.has(index)) return false
    return this.#refused.size === 0 || (this.#refused.get(index) ?? 0) <= now
  }

  /** May the peer ask for the piece? */
  mayRequest(index: number, choked: boolean): boolean {
    return !choked || this.#given.has(index)
  }
}
