import fc from 'fast-check'
import t from 'tap'
import { Bitfield } from '../../core/bitfield.ts'
import { holds } from './property.ts'

t.test('bit 0 is the high bit of the first byte', async (t) => {
  const bits = new Bitfield(10)
  bits.set(0)
  bits.set(7)
  bits.set(8)
  t.same([...bits.bytes], [0x81, 0x80])
  bits.clear(0)
  t.same([...bits.bytes], [0x01, 0x80])
  t.same([bits.get(0), bits.get(7), bits.get(8), bits.get(9)], [false, true, true, false])
})

t.test('it is a view of the bytes it was given', async (t) => {
  const bytes = new Uint8Array([0x40, 0])
  const bits = new Bitfield(9, bytes)
  t.equal(bits.get(1), true)
  bits.set(8)
  t.same([...bytes], [0x40, 0x80])
})

t.test('an index out of range is not set and cannot be', async (t) => {
  const bits = new Bitfield(9)
  t.equal(bits.get(9), false)
  t.equal(bits.get(1e9), false)
  t.equal(bits.get(-1), false)
  for (const index of [9, 15, 16, -1, 2 ** 32]) {
    t.throws(() => bits.set(index), RangeError, `set ${index}`)
    t.throws(() => bits.clear(index), RangeError, `clear ${index}`)
  }
  t.same([...bits.bytes], [0, 0], 'no spare bit was touched')
})

t.test('a bitfield off the wire has the right length and no spare bits', async (t) => {
  t.equal(Bitfield.fromWire(new Uint8Array(1), 9), undefined, 'too short')
  t.equal(Bitfield.fromWire(new Uint8Array(3), 9), undefined, 'too long')
  t.equal(Bitfield.fromWire(new Uint8Array([0, 0x40]), 9), undefined, 'a spare bit')
  t.equal(Bitfield.fromWire(new Uint8Array([0, 0x80]), 9)?.get(8), true)
  t.equal(Bitfield.fromWire(new Uint8Array(0), 0)?.size, 0)
  t.throws(() => new Bitfield(9, new Uint8Array([0, 1])), RangeError)
  t.throws(() => new Bitfield(9, new Uint8Array(1)), RangeError)
})

t.test('full means every bit, and nothing is full of nothing', async (t) => {
  t.equal(new Bitfield(0).isFull(), true)
  for (const size of [1, 7, 8, 9, 16, 17]) {
    const bits = new Bitfield(size)
    for (let index = 0; index < size; index++) {
      t.equal(bits.isFull(), false, `${index} of ${size}`)
      bits.set(index)
    }
    t.equal(bits.isFull(), true, `${size} of ${size}`)
    t.equal(bits.count(), size)
  }
})

t.test('it behaves like a set of indices', async (t) => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(1e6)), { maxLength: 100 })
  holds(
    t,
    fc.property(fc.integer({ min: 1, max: 200 }), steps, (size, changes) => {
      const bits = new Bitfield(size)
      const model = new Set<number>()
      for (const [on, at] of changes) {
        const index = at % size
        if (on) bits.set(index)
        else bits.clear(index)
        if (on) model.add(index)
        else model.delete(index)
      }
      const same = Array.from({ length: size }, (_, i) => bits.get(i) === model.has(i))
      const copy = Bitfield.fromWire(Uint8Array.from(bits.bytes), size)
      return (
        same.every(Boolean) &&
        bits.count() === model.size &&
        bits.isFull() === (model.size === size) &&
        copy?.count() === model.size
      )
    })
  )
})
