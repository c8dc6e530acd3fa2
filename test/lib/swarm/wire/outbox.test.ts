import t from 'tap'
import { createOutbox } from '../../../../lib/swarm/wire/outbox.ts'
import { callsOf, frame, u32 } from './recorded-frames.ts'

t.test('messages leave together, in their order, as a parser reads them', async (t) => {
  const outbox = createOutbox()
  outbox.keepAlive()
  outbox.choke()
  outbox.unchoke()
  outbox.interested()
  outbox.notInterested()
  outbox.have(0xffff_ffff)
  outbox.bitfield(Uint8Array.of(0xf0, 0x80))
  outbox.request(1, 2, 3)
  outbox.cancel(4, 5, 6)
  outbox.port(6881)
  outbox.suggest(7)
  outbox.haveAll()
  outbox.haveNone()
  outbox.reject(8, 9, 10)
  outbox.allowedFast(11)
  outbox.extended(3, Buffer.from('de'))
  const { size } = outbox
  const bytes = outbox.take() ?? new Uint8Array()
  t.equal(bytes.byteLength, size)
  t.same(callsOf([bytes]), [
    ['keepAlive'],
    ['choke'],
    ['unchoke'],
    ['interested'],
    ['notInterested'],
    ['have', 0xffff_ffff],
    ['bitfield', 'f080'],
    ['request', 1, 2, 3],
    ['cancel', 4, 5, 6],
    ['port', 6881],
    ['suggest', 7],
    ['haveAll'],
    ['haveNone'],
    ['reject', 8, 9, 10],
    ['allowedFast', 11],
    ['extended', 3, '6465']
  ])
})

t.test('what was taken stays as it is while more is said', async (t) => {
  const outbox = createOutbox()
  t.equal(outbox.take(), undefined, 'nothing said, nothing to take')
  outbox.have(1)
  const first = Buffer.from(outbox.take() ?? [])
  t.equal(outbox.size, 0)
  t.equal(outbox.take(), undefined)
  outbox.have(2)
  t.ok(first.equals(frame(4, 1)))
  t.ok(Buffer.from(outbox.take() ?? []).equals(frame(4, 2)))
})

t.test('it grows with what is said', async (t) => {
  const outbox = createOutbox()
  const expected: Buffer[] = []
  for (let index = 0; index < 1000; index++) {
    outbox.request(index, 0, 16_384)
    expected.push(frame(6, index, 0, 16_384))
  }
  const bits = Buffer.alloc(100_000, 0xaa)
  outbox.bitfield(bits)
  outbox.keepAlive()
  const bytes = Buffer.from(outbox.take() ?? [])
  t.ok(bytes.equals(Buffer.concat([...expected, frame(5, bits), u32(0)])))
})
