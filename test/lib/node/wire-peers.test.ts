import t from 'tap'
import { parseInfoHash } from '../../../core/info-hash.ts'
import type { NodeState } from '../../../lib/control/control.ts'
import { wirePeers } from '../../../lib/node/wire-peers.ts'

const infoHash = parseInfoHash(`00000005${'0'.repeat(32)}`)!

function node(id: string, wire: string[], roles: NodeState['roles'] = ['seeder']): NodeState {
  return {
    id,
    roles,
    wire,
    ingestUrl: null,
    zone: 'default',
    capacityBytes: 1,
    freeBytes: 1,
    draining: false,
    wantsKey: false,
    revision: 1,
    live: true
  }
}

t.test('a torrent is dialled at the port of its worker', async (t) => {
  const peers = wirePeers(infoHash, [node('a', ['h:1', 'h:2', 'h:3'])], 'self')
  t.same(peers, [{ host: 'h', port: 3, class: 'seeder' }], '5 modulo 3 workers')
})

t.test(
  'we do not dial ourselves, nor a node without a wire or with a broken address',
  async (t) => {
    const nodes = [
      node('self', ['h:1']),
      node('b', []),
      node('c', ['h:0']),
      node('d', ['nonsense'])
    ]
    t.same(wirePeers(infoHash, nodes, 'self'), [])
  }
)

t.test('a node that only is a gateway is one', async (t) => {
  const nodes = [node('a', ['[::1]:9'], ['gateway']), node('b', ['b:9'], ['seeder', 'gateway'])]
  t.match(wirePeers(infoHash, nodes, 'self'), [
    { host: '::1', port: 9, class: 'gateway' },
    { host: 'b', port: 9, class: 'seeder' }
  ])
})
