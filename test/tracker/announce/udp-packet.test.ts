import fc from 'fast-check'
import t from 'tap'
import { addressOf } from '../../../tracker/announce/address.ts'
import {
  connectAnswer,
  errorAnswer,
  parseUdpHeader,
  parseUdpRequest
} from '../../../tracker/announce/udp-packet.ts'
import { hashOf } from './tracker-fixture.ts'
import { announceDatagram, header } from './udp-peer.ts'

const FROM = addressOf(new Uint8Array([8, 8, 8, 8]))
const ID = Buffer.alloc(8, 9)
const PEER = { infoHash: hashOf(1), port: 6881 }

function parse(message: Buffer) {
  const head = parseUdpHeader(message)
  return head === undefined ? undefined : parseUdpRequest(message, head, FROM)
}

t.test('a header is read from sixteen bytes, and from no fewer', async (t) => {
  const message = header(ID, 1, 0xfffffffe)
  t.match(parseUdpHeader(message), { action: 1, transactionId: 0xfffffffe })
  t.ok(parseUdpHeader(message)?.connectionId.equals(ID))
  t.equal(parseUdpHeader(message.subarray(0, 15)), undefined)
  t.equal(parseUdpHeader(Buffer.alloc(0)), undefined)
})

t.test('an announce is read; the address it claims is not', async (t) => {
  const message = announceDatagram(ID, { ...PEER, event: 2, ip: '1.2.3.4', numwant: 3 })
  t.match(parse(message), {
    kind: 'announce',
    protocol: 'udp',
    infoHash: hashOf(1),
    peerId: Buffer.from('-XX0001-000000006881').toString('hex'),
    port: 6881,
    event: 'started',
    seed: false,
    numwant: 3,
    from: FROM
  })
})

t.test('events are those of BEP 15, and BEP 21', async (t) => {
  const events = ['update', 'completed', 'started', 'stopped', 'paused', 'update', 'update']
  for (const [event, name] of events.entries()) {
    t.match(parse(announceDatagram(ID, { ...PEER, event })), { event: name })
  }
})

t.test('all 64 bits of left are looked at', async (t) => {
  for (const left of [1n, 1n << 32n, 0xffffffffffffffffn, 0xfffe0000n]) {
    t.match(parse(announceDatagram(ID, { ...PEER, left })), { seed: false }, String(left))
  }
  t.match(parse(announceDatagram(ID, { ...PEER, left: 0n })), { seed: true })
})

t.test('options of BEP 41 may follow, well-formed or not', async (t) => {
  for (const options of ['0209', '020b2f616e6e6f756e63653f6100', '01', '00', '02ff61', 'ffff']) {
    const message = announceDatagram(ID, { ...PEER, options: Buffer.from(options, 'hex') })
    t.match(parse(message), { kind: 'announce', port: 6881 }, options)
  }
})

t.test('a truncated announce, port 0 and unknown actions are invalid', async (t) => {
  t.match(parse(announceDatagram(ID, PEER).subarray(0, 97)), { kind: 'invalid', reason: /short/ })
  t.match(parse(announceDatagram(ID, { ...PEER, port: 0 })), { kind: 'invalid', reason: /port/ })
  for (const action of [3, 4, 0xffffffff]) {
    t.match(parse(header(ID, action, 1)), { kind: 'invalid', reason: /action/ })
  }
})

t.test('a scrape keeps its order and its repetitions', async (t) => {
  const hashes = [hashOf(2), hashOf(1), hashOf(2)]
  const message = Buffer.concat([header(ID, 2, 1), Buffer.from(hashes.join(''), 'hex')])
  t.match(parse(message), { kind: 'scrape', infoHashes: hashes })
  for (const length of [0, 19, 21, 75 * 20]) {
    t.match(parse(Buffer.concat([header(ID, 2, 1), Buffer.alloc(length)])), { kind: 'invalid' })
  }
})

t.test('answers are laid out as BEP 15 says', async (t) => {
  t.equal(connectAnswer(7, ID).toString('hex'), `0000000000000007${'09'.repeat(8)}`)
  t.equal(errorAnswer(7, 'no').toString('hex'), '00000003000000076e6f')
})

t.test('no datagram makes the parser throw', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void parse(Buffer.from(bytes)))
  )
})
