import t from 'tap'
import { addressOf } from '../../../tracker/announce/address.ts'
import { ConnectionIds } from '../../../tracker/announce/connection-id.ts'

const HERE = addressOf(new Uint8Array([8, 8, 8, 8]))
const THERE = addressOf(new Uint8Array([8, 8, 4, 4]))
const MINUTE = 60_000

function clocked(startMs = 0) {
  let nowMs = startMs
  return { ids: new ConnectionIds(() => nowMs), pass: (ms: number) => (nowMs += ms) }
}

t.test('an id is good for the address it was issued to, and for no other', async (t) => {
  const { ids } = clocked()
  const id = ids.issue(HERE)
  t.equal(id.length, 8)
  t.equal(ids.verify(id, HERE), true)
  t.equal(ids.verify(id, THERE), false)
})

t.test('an id outlives the two minutes of BEP 15, and not a quarter of an hour', async (t) => {
  const { ids, pass } = clocked()
  const id = ids.issue(HERE)
  pass(9 * MINUTE)
  t.equal(ids.verify(id, HERE), true)
  pass(6 * MINUTE)
  t.equal(ids.verify(id, HERE), false)
})

t.test('time going round its two bytes changes nothing', async (t) => {
  const { ids, pass } = clocked(2 ** 16 * 16_000 - 1)
  const id = ids.issue(HERE)
  pass(2 * MINUTE)
  t.equal(ids.verify(id, HERE), true)
})

t.test('no bit of an id can be changed', async (t) => {
  const { ids } = clocked(MINUTE)
  for (let bit = 0; bit < 64; bit += 1) {
    const id = ids.issue(HERE)
    id[bit >> 3] = (id[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    t.equal(ids.verify(id, HERE), false, `bit ${bit}`)
  }
})

t.test('ids of another process, of the future and constants are refused', async (t) => {
  const { ids } = clocked()
  const { ids: ahead, pass } = clocked()
  pass(MINUTE)
  t.equal(ids.verify(new ConnectionIds(() => 0).issue(HERE), HERE), false)
  t.equal(ids.verify(ahead.issue(HERE), HERE), false)
  t.equal(ids.verify(Buffer.from('0000041727101980', 'hex'), HERE), false)
  t.equal(ids.verify(Buffer.alloc(8), HERE), false)
})
