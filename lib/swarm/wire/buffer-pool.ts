/**
 * Memory for pieces that are being fetched or written, of all torrents of one thread.
 *
 * Bounded: above the limit nothing is given, except a first piece to a torrent that has none, so
 * that no torrent starves behind another's. Buffers are used again: clearing new pages costs more
 * than receiving into old ones.
 */
export interface BufferPool {
  /**
   * Memory for a piece, with whatever was in it before.
   * @param first the torrent has no other piece: it gets one while twice the limit is not in use
   */
  take(bytes: number, first: boolean): Uint8Array<ArrayBuffer> | undefined
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
    take(bytes, first) {
      if (usedBytes + bytes > limitBytes * (first ? 2 : 1) && usedBytes > 0) return undefined
      const known = idle.get(bytes)?.pop()
      if (known !== undefined) idleBytes -= bytes
      else shrink(bytes)
      usedBytes += bytes
      return known ?? new Uint8Array(bytes)
    },
    give(buffer) {
      usedBytes -= buffer.byteLength
      const size = buffer.byteLength
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
