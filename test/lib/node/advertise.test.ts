import { isIP } from 'node:net'
import t from 'tap'
import { advertisedHost, isWildcard } from '../../../lib/node/advertise.ts'

t.test('a bound address is handed out as it is', async (t) => {
  for (const host of ['127.0.0.1', '::1', '10.1.2.3', 'node.example']) {
    t.equal(advertisedHost(host), host)
    t.notOk(isWildcard(host))
  }
})

t.test('a wildcard becomes an address that can be dialled', async (t) => {
  for (const host of ['0.0.0.0', '::', '']) {
    t.ok(isWildcard(host))
    const address = advertisedHost(host)
    t.ok(isIP(address) > 0, address)
    t.notOk(isWildcard(address))
    t.notMatch(address, /^fe80:/)
  }
})
