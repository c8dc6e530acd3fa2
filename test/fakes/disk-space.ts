/** A disk whose room is what the test says. */
import type { DiskSpace } from '../../lib/store/disk-space.ts'

export function fakeSpace(roomBytes: number) {
  const listeners = new Set<() => void>()
  const space = {
    name: 'disk space',
    roomBytes,
    short: roomBytes < 0,
    look: async () => space.roomBytes,
    onLook: (listener: () => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    /** The next look sees this much room. */
    become(bytes: number): void {
      space.roomBytes = bytes
      space.short = bytes < 0
      for (const listener of listeners) listener()
    },
    close: async () => {}
  }
  return space satisfies DiskSpace
}
