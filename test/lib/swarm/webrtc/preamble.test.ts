/** Who is on the far side of a channel, told to the engine and to nobody who cannot prove it. */
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import {
  encodePreamble,
  PREAMBLE_BYTES,
  parsePreamble
} from '../../../../lib/swarm/webrtc/preamble.ts'

const token = randomBytes(32)
const through = (host: string, port = 4000) =>
  parsePreamble(encodePreamble(token, { host, port }), token)

t.test('addresses come out as sockets write them', async (t) => {
  t.same(through('203.0.113.9', 65_535), { host: '203.0.113.9', port: 65_535 })
  t.same(through('2001:DB8:0:0:0:0:0:1'), { host: '2001:db8::1', port: 4000 })
  t.equal(through('::1')?.host, '::1')
  t.equal(through('1::')?.host, '1::')
  t.equal(through('fe80::1%eth0')?.host, 'fe80::1')
  t.equal(through('::ffff:10.0.0.1')?.host, '10.0.0.1')
  t.equal(through('1:2:3:4:5:6:7:8')?.host, '1:2:3:4:5:6:7:8')
})

t.test('what is no address is nobody', async (t) => {
  for (const host of ['', 'localhost', '5f2a.local', '1.2.3.4.5'])
    t.equal(through(host)?.host, '::')
  for (const port of [-1, 65_536, 1.5, Number.NaN]) t.equal(through('::1', port)?.port, 0)
})

t.test('a preamble is believed only whole and with the token', async (t) => {
  const bytes = encodePreamble(token, { host: '::1', port: 1 })
  t.equal(bytes.length, PREAMBLE_BYTES)
  t.equal(parsePreamble(bytes.subarray(1), token), undefined)
  t.equal(parsePreamble(Buffer.concat([bytes, bytes]), token), undefined)
  t.equal(parsePreamble(bytes, randomBytes(32)), undefined)
  t.equal(parsePreamble(bytes, token.subarray(1)), undefined)
  for (let at = 0; at < 36; at += 1) {
    const wrong = Buffer.from(bytes)
    wrong[at] = (wrong[at] ?? 0) ^ 1
    t.equal(parsePreamble(wrong, token), undefined, `byte ${at}`)
  }
  t.throws(() => encodePreamble(randomBytes(31), { host: '::1', port: 1 }), RangeError)
})

t.test('every address of either family survives', async () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.ipV4(), fc.ipV6()),
      fc.integer({ min: 0, max: 65_535 }),
      (host, port) => {
        const once = through(host, port)
        const twice = through(once?.host ?? '', port)
        return once !== undefined && once.port === port && once.host === twice?.host
      }
    )
  )
})
