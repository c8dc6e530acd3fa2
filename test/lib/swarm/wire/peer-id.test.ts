import t from 'tap'
import { freshPeerId, PEER_ID_BYTES } from '../../../../lib/swarm/wire/peer-id.ts'

t.test('every connection gets a name of its own under our prefix', async (t) => {
  const ids = Array.from({ length: 100 }, freshPeerId)
  t.equal(new Set(ids.map((id) => id.toString('hex'))).size, ids.length)
  for (const id of ids) {
    t.equal(id.length, PEER_ID_BYTES)
    t.equal(id.toString('latin1', 0, 8), '-SG0100-')
  }
})
