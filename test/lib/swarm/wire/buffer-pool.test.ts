import fc from 'fast-check'
import t from 'tap'
import { createBufferPool, type PoolClaim } from '../../../../lib/swarm/wire/buffer-pool.ts'

const KiB = 1024

t.test('memory is given up to the limit, to readers and first pieces beyond it', async (t) => {
  const pool = createBufferPool({ limitBytes: 64 * KiB })
  const size = 16 * KiB
  for (let count = 0; count < 4; count++) t.ok(pool.take(size, 'ahead'))
  t.notOk(pool.take(size, 'ahead'))
  t.ok(pool.take(size, 'window'))
  t.ok(pool.take(size, 'window'))
  t.notOk(pool.take(size, 'window'))
  t.ok(pool.take(size, 'first'))
  t.ok(pool.take(size, 'first'))
  t.notOk(pool.take(size, 'first'))
  t.equal(pool.usedBytes, 128 * KiB)
})

t.test('a piece larger than the limit is given when nothing else is out', async (t) => {
  const pool = createBufferPool({ limitBytes: KiB })
  const piece = pool.take(100 * KiB, 'ahead')
  t.equal(piece?.byteLength, 100 * KiB)
  t.notOk(pool.take(1, 'first'))
})

t.test('a buffer is used again, small ones are not kept', async (t) => {
  const pool = createBufferPool({ limitBytes: 64 * KiB })
  for (const [size, kept] of [
    [16 * KiB, true],
    [100, false]
  ] as const) {
    const buffer = pool.take(size, 'ahead')
    if (buffer === undefined) throw new Error('no memory')
    pool.give(buffer)
    t.equal(pool.take(size, 'ahead') === buffer, kept)
  }
})

/** What is out of the pool after each step; throws when that is not what the pool says. */
function checkedPool() {
  const pool = createBufferPool({ limitBytes: 128 * KiB })
  const out: Uint8Array<ArrayBuffer>[] = []
  return {
    take(bytes: number, claim: PoolClaim): void {
      const buffer = pool.take(bytes, claim)
      if (buffer === undefined) return
      if (out.includes(buffer) || buffer.byteLength !== bytes) throw new Error('a wrong buffer')
      out.push(buffer)
    },
    give(): void {
      const buffer = out.shift()
      if (buffer !== undefined) pool.give(buffer)
    },
    check(): void {
      const bytes = out.reduce((sum, { byteLength }) => sum + byteLength, 0)
      if (pool.usedBytes !== bytes || bytes > 256 * KiB) throw new Error(`${bytes} bytes are out`)
    }
  }
}

t.test('what is out is counted right, and no buffer is out twice', async (t) => {
  const claim = fc.constantFrom<PoolClaim>('ahead', 'window', 'first')
  const size = fc.constantFrom(100, 16 * KiB, 20 * KiB, 64 * KiB)
  const steps = fc.array(fc.tuple(fc.boolean(), size, claim), { maxLength: 200 })
  fc.assert(
    fc.property(steps, (taken) => {
      const pool = checkedPool()
      for (const [take, bytes, by] of taken) {
        if (take) pool.take(bytes, by)
        else pool.give()
        pool.check()
      }
    })
  )
  t.pass('for any order')
})
