/** What may reach the DHT package, and what it may answer. */
import fc from 'fast-check'
import t from 'tap'
import { type BencodeInput, decodeBencode, encodeBencode } from '../../../core/bencode.ts'
import { fitDhtAnswer, kindOfDhtPacket } from '../../../lib/swarm/dht-packet.ts'

const id = Buffer.alloc(20, 7)
const query = (q: BencodeInput, a: BencodeInput) => encodeBencode({ t: 'aa', y: 'q', q, a })
const response = (r: BencodeInput) => encodeBencode({ t: 'aa', y: 'r', r })

t.test('what BEP 5 names passes', async (t) => {
  const queries = [
    query('ping', { id }),
    query('find_node', { id, target: id, want: ['n4'] }),
    query('get_peers', { id, info_hash: id }),
    query('announce_peer', { id, info_hash: id, port: 6881, token: 'x' }),
    query('announce_peer', { id, info_hash: id, port: 0, implied_port: 1, token: 'x' })
  ]
  for (const packet of queries) t.equal(kindOfDhtPacket(packet), 'query', packet.toString())
  const answers = [
    response({ id }),
    response({ id, nodes: Buffer.alloc(52), token: 'abcd' }),
    response({ id, values: [Buffer.alloc(6), Buffer.alloc(6)], token: 'abcd' }),
    encodeBencode({ t: 'aa', y: 'e', e: [201, 'a generic error'] })
  ]
  for (const packet of answers) t.equal(kindOfDhtPacket(packet), 'answer', packet.toString())
})

t.test('what would end the package, or is no business of ours, does not', async (t) => {
  const refused = [
    query('get_peers', { id, info_hash: 5 }),
    query('get_peers', { id, info_hash: Buffer.alloc(19) }),
    query('find_node', { id, target: [] }),
    query({ toString: 'x' }, { id }),
    query('announce_peer', { id, info_hash: id, port: 1, token: 7 }),
    query('announce_peer', { id, info_hash: id, port: 70_000, token: 'x' }),
    query('put', { id, v: 'x', token: 'x' }),
    query('get', { id, target: id }),
    query('ping', { id: 3 }),
    query('ping', []),
    response({ id: 3 }),
    response({ id: [] }),
    response({}),
    response(5),
    response({ id, nodes: 12 }),
    response({ id, nodes: Buffer.alloc(27) }),
    response({ id, values: [1] }),
    response({ id, values: [Buffer.alloc(18)] }),
    response({ id, values: 'x' }),
    response({ id, token: Buffer.alloc(1000) }),
    encodeBencode({ t: 'aa', y: 'r' }),
    encodeBencode({ t: 5, y: 'q', q: 'ping', a: { id } }),
    encodeBencode({ y: 'q', q: 'ping', a: { id } }),
    encodeBencode({ t: 'a', y: 'r', r: { id } }),
    encodeBencode({ t: 'aa', y: { toString: 'x' } }),
    encodeBencode({ t: 'aa', y: 'e', e: 'x' }),
    encodeBencode({ t: 'aa', y: 'x' }),
    Buffer.from(''),
    Buffer.from('i5e'),
    Buffer.from('le'),
    Buffer.alloc(9000, 'l')
  ]
  for (const packet of refused) t.equal(kindOfDhtPacket(packet), undefined, `${packet}`)
})

t.test('bytes of any kind, and packets with one byte changed, throw nothing', async (t) => {
  const good = query('announce_peer', { id, info_hash: id, port: 6881, token: 'x' })
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
      const packet = Buffer.from(good)
      packet[at] = byte
      kindOfDhtPacket(packet)
      fitDhtAnswer(packet)
    }),
    { numRuns: 2000 }
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void kindOfDhtPacket(bytes)))
  t.pass('none did')
})

t.test('an answer with too many peers is cut to what fits a datagram', async (t) => {
  const peers = Array.from({ length: 400 }, (_, at) => Buffer.alloc(6, at % 256))
  const fitting = fitDhtAnswer(response({ id, token: Buffer.alloc(20), values: peers }))
  t.ok(fitting !== undefined && fitting.byteLength <= 1200)
  const message = decodeBencode(fitting ?? Buffer.alloc(0))
  const r = message instanceof Map ? message.get('r') : undefined
  const values = r instanceof Map ? r.get('values') : undefined
  t.equal(Array.isArray(values) && values.length, 50)
  const small = response({ id })
  t.equal(fitDhtAnswer(small), small)
  t.equal(fitDhtAnswer(response({ id, nodes: Buffer.alloc(2600) })), undefined)
})
