import t from 'tap'
import type { InfoHash } from '../../../../core/info-hash.ts'
import {
  checkHandshakePrefix,
  encodeHandshake,
  HANDSHAKE_BYTES,
  parseHandshake
} from '../../../../lib/swarm/wire/handshake.ts'
import { freshPeerId } from '../../../../lib/swarm/wire/peer-id.ts'
import { WireError } from '../../../../lib/swarm/wire/wire-error.ts'

const infoHash = '0123456789abcdef0123456789abcdef01234567' as InfoHash

t.test('a handshake is 68 bytes of fixed places', async (t) => {
  const peerId = Buffer.from('-XX0000-abcdefghijkl')
  const bytes = encodeHandshake({ infoHash, peerId, dht: true })
  const expected = `13${Buffer.from('BitTorrent protocol').toString('hex')}0000000000100005${infoHash}`
  t.equal(bytes.toString('hex'), expected + peerId.toString('hex'))
  t.equal(bytes.length, HANDSHAKE_BYTES)
})

t.test('what one side says the other reads', async (t) => {
  for (const dht of [true, false]) {
    const peerId = freshPeerId()
    const read = parseHandshake(encodeHandshake({ infoHash, peerId, dht }))
    t.same(read, { infoHash, peerId, fast: true, extended: true, dht })
  }
})

t.test(
  'a peer without extensions, and with bits nobody knows, is read as what it is',
  async (t) => {
    const bytes = encodeHandshake({ infoHash, peerId: freshPeerId(), dht: false })
    bytes.fill(0, 20, 28)
    t.match(parseHandshake(bytes), { fast: false, extended: false, dht: false })
    bytes.fill(0xff, 20, 28)
    t.match(parseHandshake(bytes), { fast: true, extended: true, dht: true })
  }
)

t.test('the peer id outlives the bytes it was read from', async (t) => {
  const peerId = freshPeerId()
  const bytes = encodeHandshake({ infoHash, peerId, dht: false })
  const read = parseHandshake(bytes)
  bytes.fill(0)
  t.ok(read.peerId.equals(peerId))
})

t.test('a foreign byte is refused as soon as it is there', async (t) => {
  const bytes = encodeHandshake({ infoHash, peerId: freshPeerId(), dht: false })
  for (let length = 0; length <= bytes.length; length++) {
    t.doesNotThrow(() => checkHandshakePrefix(bytes.subarray(0, length)))
  }
  for (let at = 0; at < 20; at++) {
    const wrong = Buffer.from(bytes)
    wrong[at] = (wrong[at] ?? 0) ^ 1
    t.throws(() => checkHandshakePrefix(wrong.subarray(0, at + 1)), WireError, `byte ${at}`)
    t.throws(() => parseHandshake(wrong), WireError)
  }
  t.throws(() => checkHandshakePrefix(Buffer.from('GET / HTTP/1.1')), WireError)
})

t.test('a handshake cut short is refused', async (t) => {
  const bytes = encodeHandshake({ infoHash, peerId: freshPeerId(), dht: false })
  for (const length of [0, 20, 48, 67]) {
    t.throws(() => parseHandshake(bytes.subarray(0, length)), WireError)
  }
})
