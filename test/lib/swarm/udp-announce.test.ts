/** Datagrams to UDP trackers and what is read from theirs. */
import fc from 'fast-check'
import t from 'tap'
import { type InfoHash, parseInfoHash } from '../../../core/info-hash.ts'
import type { AnnounceQuery } from '../../../lib/swarm/announce-exchange.ts'
import {
  announceRequest,
  connectRequest,
  parseConnectAnswer,
  parseUdpAnswer,
  transactionOf
} from '../../../lib/swarm/udp-announce.ts'

const infoHash = parseInfoHash('00112233445566778899aabbccddeeff01234567') as InfoHash
const ID = Buffer.from('0102030405060708', 'hex')
const QUERY: AnnounceQuery = {
  infoHash,
  peerId: '-SG0010-abcdefghijkl',
  port: 6881,
  uploaded: 2 ** 40,
  downloaded: 2,
  left: 3,
  numwant: 50,
  key: 'ffffab12',
  trackerId: undefined,
  event: 'started'
}

t.test(
  'a connect is the protocol id and the action, the transaction id is left free',
  async (t) => {
    t.equal(connectRequest().toString('hex'), '00000417271019800000000000000000')
  }
)

t.test('an announce has every field where BEP 15 wants it', async (t) => {
  const bytes = announceRequest(ID, QUERY, '')
  t.equal(bytes.length, 98)
  t.same(bytes.subarray(0, 8), ID)
  t.equal(bytes.readUInt32BE(8), 1)
  t.equal(bytes.toString('hex', 16, 36), infoHash)
  t.equal(bytes.toString('latin1', 36, 56), QUERY.peerId)
  t.same(
    [56, 64, 72].map((at) => Number(bytes.readBigUInt64BE(at))),
    [2, 3, 2 ** 40]
  )
  t.equal(bytes.readUInt32BE(80), 2)
  t.equal(bytes.readUInt32BE(84), 0)
  t.equal(bytes.readUInt32BE(88), 0xffffab12)
  t.equal(bytes.readInt32BE(92), 50)
  t.equal(bytes.readUInt16BE(96), 6881)
  const events = ([undefined, 'completed', 'started', 'stopped'] as const).map((event) =>
    announceRequest(ID, { ...QUERY, event }, '').readUInt32BE(80)
  )
  t.same(events, [0, 1, 2, 3])
})

t.test('path and query follow in options of 255 bytes at most', async (t) => {
  const path = `/announce?key=${'x'.repeat(300)}`
  const options = announceRequest(ID, QUERY, path).subarray(98)
  t.same([...options.subarray(0, 2)], [2, 255])
  t.same([...options.subarray(257, 259)], [2, path.length - 255])
  const text = Buffer.concat([options.subarray(2, 257), options.subarray(259)])
  t.equal(text.toString(), path)
  t.equal(announceRequest(ID, QUERY, '/').length, 98, 'nothing to say about the root')
})

t.test('a connect is answered by an id, a refusal or nothing of use', async (t) => {
  const answer = (...parts: string[]) => Buffer.from(parts.join(''), 'hex')
  t.same(parseConnectAnswer(answer('00000000', '00000007', '0102030405060708')), {
    status: 'connected',
    connectionId: ID
  })
  const refusal = Buffer.concat([answer('00000003', '00000007'), Buffer.from('full')])
  t.same(parseConnectAnswer(refusal), { status: 'refused', reason: 'full' })
  t.match(parseConnectAnswer(answer('00000000', '00000007', '01020304')), { status: 'malformed' })
  t.match(parseConnectAnswer(answer('00000001', '00000007')), { status: 'malformed' })
})

t.test('peers are read in the family that was asked', async (t) => {
  const head = Buffer.from('000000010000000700000384000000050000000a', 'hex')
  const four = Buffer.concat([head, Buffer.from('c0000201', 'hex'), Buffer.from([0x1a, 0xe1, 9])])
  t.same(parseUdpAnswer(four, 4), {
    status: 'accepted',
    interval: 900,
    minInterval: undefined,
    trackerId: undefined,
    peers: [{ host: '192.0.2.1', port: 6881 }]
  })
  const six = Buffer.concat([
    head,
    Buffer.from('20010db8000000000000000000000001', 'hex'),
    Buffer.from([0, 80])
  ])
  t.match(parseUdpAnswer(six, 16), { peers: [{ host: '2001:db8:0:0:0:0:0:1', port: 80 }] })
  const many = parseUdpAnswer(Buffer.concat([head, Buffer.alloc(6000, 7)]), 4)
  t.ok(many.status === 'accepted' && many.peers.length === 200)
})

t.test('no datagram makes the parsers throw', async (t) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 64 }),
      fc.constantFrom(0, 1, 2, 3, 99),
      (bytes, action) => {
        const datagram = Buffer.from(bytes)
        if (transactionOf(datagram) === undefined) return bytes.length < 8
        if (bytes[0] !== undefined && bytes[0] < 128) datagram.writeUInt32BE(action, 0)
        parseConnectAnswer(datagram)
        parseUdpAnswer(datagram, 4)
        parseUdpAnswer(datagram, 16)
        return true
      }
    ),
    { numRuns: 2000 }
  )
  t.pass('none did')
})
