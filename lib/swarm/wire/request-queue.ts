/**
 * The blocks one peer was asked for and has not sent, in the order they were asked.
 *
 * A ring in typed arrays: honest peers answer in order, so the block that arrives is at the head.
 * A request may be *lost* (a silent peer's): others are asked too, but the block is still welcome.
 */
export const BLOCK_BYTES = 16 * 1024
/** Requests to one peer at once, whatever it says it takes. */
export const MAX_OUTSTANDING = 512

const GONE = -1

export class RequestQueue {
  readonly #pieces = new Int32Array(MAX_OUTSTANDING)
  readonly #blocks = new Uint16Array(MAX_OUTSTANDING)
  readonly #lost = new Uint8Array(MAX_OUTSTANDING)
  readonly #askedAt = new Float64Array(MAX_OUTSTANDING)
  #head = 0
  /** Places used from the head on, those of answered requests between others included. */
  #span = 0
  /** Requests that wait for their block. */
  size = 0
  /** Whether the request that `take` took last was lost. */
  tookLost = false

  /** Room for more; answered requests in the middle take room until the head passes them. */
  get room(): number {
    return MAX_OUTSTANDING - this.#span
  }

  /** The caller has looked for `room`. @param now milliseconds */
  push(piece: number, block: number, now: number): void {
    const at = (this.#head + this.#span) % MAX_OUTSTANDING
    this.#pieces[at] = piece
    this.#blocks[at] = block
    this.#lost[at] = 0
    this.#askedAt[at] = now
    this.#span++
    this.size++
  }

  has(piece: number, block: number): boolean {
    return this.#find(piece, block) !== GONE
  }

  /**
   * Takes the request out: when it was asked (milliseconds), or -1 if it is not here. `tookLost`
   * tells whether it was lost.
   */
  take(piece: number, block: number): number {
    const at = this.#find(piece, block)
    if (at === GONE) return GONE
    this.tookLost = this.#lost[at] === 1
    this.#pieces[at] = GONE
    this.size--
    const askedAt = this.#askedAt[at] ?? 0
    this.#trim()
    return askedAt
  }

  /** Marks every request as lost; `onLost` hears of those that were not. */
  loseAll(onLost: (piece: number, block: number) => void): void {
    for (let step = 0; step < this.#span; step++) {
      const at = (this.#head + step) % MAX_OUTSTANDING
      const piece = this.#pieces[at] ?? GONE
      if (piece === GONE || this.#lost[at] === 1) continue
      this.#lost[at] = 1
      onLost(piece, this.#blocks[at] ?? 0)
    }
  }

  /** Counts on the lost requests again; `onFound` hears of each. */
  recoverAll(onFound: (piece: number, block: number) => void): void {
    for (let step = 0; step < this.#span; step++) {
      const at = (this.#head + step) % MAX_OUTSTANDING
      const piece = this.#pieces[at] ?? GONE
      if (piece === GONE || this.#lost[at] === 0) continue
      this.#lost[at] = 0
      onFound(piece, this.#blocks[at] ?? 0)
    }
  }

  /** Takes out the requests `test` is true for; `onTaken` hears of each. */
  takeIf(
    test: (piece: number) => boolean,
    onTaken: (piece: number, block: number, lost: boolean) => void
  ): void {
    for (let step = 0; step < this.#span; step++) {
      const at = (this.#head + step) % MAX_OUTSTANDING
      const piece = this.#pieces[at] ?? GONE
      if (piece === GONE || !test(piece)) continue
      this.#pieces[at] = GONE
      this.size--
      onTaken(piece, this.#blocks[at] ?? 0, this.#lost[at] === 1)
    }
    this.#trim()
  }

  #find(piece: number, block: number): number {
    for (let step = 0; step < this.#span; step++) {
      const at = (this.#head + step) % MAX_OUTSTANDING
      if (this.#pieces[at] === piece && this.#blocks[at] === block) return at
    }
    return GONE
  }

  #trim(): void {
    while (this.#span > 0 && this.#pieces[this.#head] === GONE) {
      this.#head = (this.#head + 1) % MAX_OUTSTANDING
      this.#span--
    }
    if (this.size === 0) this.#span = 0
  }
}
