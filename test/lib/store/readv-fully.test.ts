/** Vectored reads of a system that gives fewer bytes than it was asked for. */
import t from 'tap'
import { readvFully } from '../../../lib/store/readv-fully.ts'

const FILE = Buffer.from(Array.from({ length: 20 }, (_, i) => i))

/** A file that gives at most `most` bytes per call. */
function slowFile(most: number) {
  const calls: number[] = []
  return {
    calls,
    async readv(views: readonly Uint8Array[], at: number) {
      calls.push(at)
      let left = Math.min(most, FILE.length - at)
      let done = 0
      for (const view of views) {
        const part = Buffer.from(view.buffer, view.byteOffset, Math.min(view.byteLength, left))
        FILE.copy(part, 0, at + done)
        done += part.length
        left -= part.length
      }
      return { bytesRead: done }
    }
  }
}

t.test('what is missing is asked for again, from where it is missing', async (t) => {
  const file = slowFile(7)
  const views = [3, 0, 6, 8].map((length) => Buffer.alloc(length))
  await readvFully(file, views, 2)
  t.same(Buffer.concat(views), FILE.subarray(2, 19))
  t.same(file.calls, [2, 9, 16])
})

t.test('a file that ends before is a short read', async (t) => {
  await t.rejects(readvFully(slowFile(7), [Buffer.alloc(6)], 15), { code: 'STORE_SHORT_READ' })
})

t.test('nothing to fill asks nothing', async (t) => {
  const file = slowFile(7)
  await readvFully(file, [Buffer.alloc(0)], 5)
  t.same(file.calls, [])
})
