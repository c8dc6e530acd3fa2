/** Several views as one row of bytes. */
import fc from 'fast-check'
import t from 'tap'
import { totalBytes, viewsWithin } from '../../../lib/store/view-list.ts'

const rows = fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 8 })

t.test('views within a stretch are its bytes, in the same memory', async () => {
  fc.assert(
    fc.property(rows, fc.nat(80), fc.nat(80), (views, a, b) => {
      const whole = Buffer.concat(views)
      const [start, end] = [Math.min(a, b), Math.min(Math.max(a, b), whole.length)]
      const within = viewsWithin(views, start, end)
      for (const view of within) {
        if (!views.some(({ buffer }) => buffer === view.buffer)) return false
      }
      return Buffer.concat(within).equals(whole.subarray(start, Math.max(start, end)))
    })
  )
})

t.test('the total is the sum of the lengths', async () => {
  fc.assert(fc.property(rows, (views) => totalBytes(views) === Buffer.concat(views).length))
})
