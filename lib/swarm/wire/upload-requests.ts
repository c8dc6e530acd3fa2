/**
 * What one peer asks for and has not been given: at most `MAX_QUEUED` requests, in their order.
 *
 * Three numbers per request in one typed array, from `head` to `tail`; nothing is allocated for a
 * peer that never asks, and what a flood takes is bounded and small.
 *
 *   … gone … | index begin length | index begin length | … free …
 *             ^ head                                     ^ tail
 */

/** Requests a peer may have waiting; said in the extension handshake (BEP 10 `reqq`). */
export const MAX_QUEUED = 1024

const FIELDS = 3
const FIRST_ROOM = 64 * FIELDS
const NONE = new Int32Array(0)

export class UploadRequests {
  #fields: Int32Array = NONE
  #head = 0
  #tail = 0

  get size(): number {
    return (this.#tail - this.#head) / FIELDS
  }

  /** False when the queue is full. @param index, begin, length of a valid request */
  push(index: number, begin: number, length: number): boolean {
    if (this.size >= MAX_QUEUED) return false
    if (this.#tail === this.#fields.length) this.#makeRoom()
    this.#fields[this.#tail] = index
    this.#fields[this.#tail + 1] = begin
    this.#fields[this.#tail + 2] = length
    this.#tail += FIELDS
    return true
  }

  /** Takes one request like this out; false when there is none. */
  remove(index: number, begin: number, length: number): boolean {
    const fields = this.#fields
    for (let at = this.#head; at < this.#tail; at += FIELDS) {
      if (fields[at] !== index || fields[at + 1] !== begin || fields[at + 2] !== length) continue
      fields.copyWithin(at, at + FIELDS, this.#tail)
      this.#tail -= FIELDS
      return true
    }
    return false
  }

  /** Fields of the `nth` request from the head; 0 beyond the last. */
  indexAt(nth: number): number {
    return this.#fields[this.#head + nth * FIELDS] ?? 0
  }

  beginAt(nth: number): number {
    return this.#fields[this.#head + nth * FIELDS + 1] ?? 0
  }

  lengthAt(nth: number): number {
    return this.#fields[this.#head + nth * FIELDS + 2] ?? 0
  }

  /** Drops the first `count` requests, at most all of them. */
  shift(count: number): void {
    this.#head = Math.min(this.#tail, this.#head + count * FIELDS)
    if (this.#head === this.#tail) this.clear()
  }

  clear(): void {
    this.#head = 0
    this.#tail = 0
  }

  /** Moves what is there to the front, into a larger array if half of this one is in use. */
  #makeRoom(): void {
    const used = this.#tail - this.#head
    if (used * 2 > this.#fields.length || this.#fields.length === 0) {
      const larger = new Int32Array(Math.max(FIRST_ROOM, this.#fields.length * 2))
      larger.set(this.#fields.subarray(this.#head, this.#tail))
      this.#fields = larger
    } else {
      this.#fields.copyWithin(0, this.#head, this.#tail)
    }
    this.#head = 0
    this.#tail = used
  }
}
