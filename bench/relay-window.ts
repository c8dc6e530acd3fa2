/**
 * The bytes that one direction of a connection may have under way, as a TCP sender in slow start
 * counts them: what is acknowledged may be sent again, and as much more, so that the window
 * doubles with each round trip in which it was used up. Nothing is lost here: it never shrinks.
 */
export interface RelayWindow {
  /** Bytes that may leave now. */
  readonly room: number
  sent(bytes: number): void
  acknowledged(bytes: number): void
}

/** Where a sender usually starts: ten segments, 14 KiB. */
export const FIRST_WINDOW = 14 * 1024
/** As much as a socket buffers on a tuned machine. */
const LAST_WINDOW = 64 * 2 ** 20

export function createRelayWindow(first = FIRST_WINDOW, last = LAST_WINDOW): RelayWindow {
  let size = first
  let underWay = 0
  return {
    get room() {
      return Math.max(0, size - underWay)
    },
    sent(bytes) {
      underWay += bytes
    },
    acknowledged(bytes) {
      underWay -= bytes
      size = Math.min(last, size + bytes)
    }
  }
}
