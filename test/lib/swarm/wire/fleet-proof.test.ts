import { createHmac } from 'node:crypto'
import t from 'tap'
import type { InfoHash } from '../../../../core/info-hash.ts'
import { proveNode, verifyNode } from '../../../../lib/swarm/wire/fleet-proof.ts'
import { freshPeerId } from '../../../../lib/swarm/wire/peer-id.ts'

const connection = {
  secret: 'a cluster secret',
  infoHash: 'ab'.repeat(20) as InfoHash,
  senderPeerId: freshPeerId(),
  receiverPeerId: freshPeerId(),
  nodeId: '0123',
  role: 'seeder'
} as const

t.test('a proof holds for its connection', async (t) => {
  const proof = proveNode(connection)
  t.equal(proof.byteLength, 32)
  t.equal(verifyNode({ ...connection }, proof), true)
})

t.test('a proof is worth nothing for anything else', async (t) => {
  const proof = proveNode(connection)
  const { senderPeerId, receiverPeerId } = connection
  for (const other of [
    { secret: 'another secret' },
    { infoHash: 'ac'.repeat(20) as InfoHash },
    { senderPeerId: freshPeerId() },
    { receiverPeerId: freshPeerId() },
    { senderPeerId: receiverPeerId, receiverPeerId: senderPeerId },
    { nodeId: '0124' },
    { role: 'gateway' as const }
  ]) {
    t.equal(verifyNode({ ...connection, ...other }, proof), false, Object.keys(other).join())
  }
})

t.test('what stands at the border of two parts belongs to one of them', async (t) => {
  const moved = { ...connection, nodeId: '0123s', role: 'eeder' as 'seeder' }
  t.notOk(proveNode(moved).equals(proveNode(connection)))
})

t.test('bytes of another length or value are no proof', async (t) => {
  const proof = proveNode(connection)
  for (let bit = 0; bit < 256; bit++) {
    const wrong = Buffer.from(proof)
    wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    if (verifyNode(connection, wrong)) t.fail(`bit ${bit} does not count`)
  }
  t.equal(verifyNode(connection, proof.subarray(1)), false)
  t.equal(verifyNode(connection, Buffer.concat([proof, Buffer.alloc(1)])), false)
  t.equal(verifyNode(connection, new Uint8Array()), false)
})

t.test('without a secret nobody is proven', async (t) => {
  const open = { ...connection, secret: '' }
  t.equal(verifyNode(open, proveNode(open)), false)
})

t.test('the bytes are the same for ever: nodes of two versions meet', async (t) => {
  const fixed = {
    ...connection,
    senderPeerId: Buffer.alloc(20, 1),
    receiverPeerId: Buffer.alloc(20, 2)
  }
  const part = (bytes: Uint8Array) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  }
  const text = 'swarmgate fleet node on the wire, 1'
  const input = [
    Buffer.from(text),
    Buffer.alloc(20, 0xab),
    fixed.senderPeerId,
    fixed.receiverPeerId
  ]
  const whole = Buffer.concat([...input, Buffer.from('0123'), Buffer.from('seeder')].map(part))
  const expected = createHmac('sha256', fixed.secret).update(whole).digest()
  t.ok(proveNode(fixed).equals(expected))
})
