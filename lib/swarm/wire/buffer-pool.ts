/**
 * Memory for pieces that are being fetched or written, of all torrents of one thread.
 *
 * Bounded: above the limit only what readers wait for gets some more, and up to twice the limit only
 * the first piece of a torrent that has none, so that no torrent starves behind another's. Buffers
 * are used again: clearing new pages costs more than receiving into old ones.
 */
export type PoolClaim = 'ahead' | 'window' | 'first'

/** How many times the limit may be in use. */
const SHARE: Readonly<Record<PoolClaim, number>> = { ahead: 1, window: 1.5, first: 2 }
/** Smaller buffers are cheap to make, and there may be one for each torrent's last piece. */
const LEAST_KEPT_BYTES = 16 * 1024

export interface BufferPool {
  /** Memory for a piece, with whatever was in it before. */
  take(bytes: number, claim: PoolClaim): Uint8Array<ArrayBuffer> | undefined
  give(buffer: Uint8Array<ArrayBuffer>): void
  /** Bytes that are out. */
  readonly usedBytes: number
}

export function createBufferPool({ limitBytes }: { readonly limitBytes: number }): BufferPool {
  const idle = new Map<number, Uint8Array<ArrayBuffer>[]>()
  let usedBytes = 0
  let idleBytes = 0

  /** Only one size is usual at a time; the others go when there is no room. */
  function shrink(bytes: number): void {
    for (const [size, buffers] of idle) {
      while (idleBytes + usedBytes + bytes > limitBytes && buffers.length > 0) {
        buffers.pop()
        idleBytes -= size
      }
      if (buffers.length === 0) idle.delete(size)
    }
  }

  return {
    take(bytes, claim) {
      if (usedBytes + bytes > limitBytes * SHARE[claim] && usedBytes > 0) return undefined
      const known = idle.get(bytes)?.pop()
      if (known !== undefined) idleBytes -= bytes
      else shrink(bytes)
      usedBytes += bytes
      return known ?? new Uint8Array(bytes)
    },
    give(buffer) {
      usedBytes -= buffer.byteLength
      const size = buffer.byteLength
      if (size < LEAST_KEPT_BYTES) return
      const buffers = idle.get(size) ?? []
      idle.set(size, buffers)
      buffers.push(buffer)
      idleBytes += size
      shrink(0)
    },
    get usedBytes() {
      return usedBytes
    }
  }
}
