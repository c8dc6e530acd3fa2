/** A write that is not done before every byte is written: the system may take fewer at a time. */
import type { FileHandle } from 'node:fs/promises'

/** Writes all of `bytes` at `position`. */
export async function writeFully(
  handle: FileHandle,
  bytes: Uint8Array,
  position: number
): Promise<void> {
  let done = 0
  while (done < bytes.byteLength) {
    const { bytesWritten } = await handle.write(
      bytes,
      done,
      bytes.byteLength - done,
      position + done
    )
    done += bytesWritten
  }
}
