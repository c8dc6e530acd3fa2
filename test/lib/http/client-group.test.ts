import t from 'tap'
import { addressMatcher, clientGroup, isLoopback } from '../../../lib/http/client-group.ts'

t.test('an IPv4 address is itself, an IPv6 address is its /64', async (t) => {
  for (const [address, group] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2/64'],
    ['2001:0DB8:1:2::', '2001:db8:1:2/64'],
    ['2001:db8::1', '2001:db8:0:0/64'],
    ['::1', '0:0:0:0/64'],
    ['1::', '1:0:0:0/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0/64'],
    ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4/64'],
    ['fe80::1%eth0', 'fe80:0:0:0/64'],
    ['unknown', 'unknown']
  ] as const) {
    t.equal(clientGroup(address), group, address)
  }
  t.equal(clientGroup('x'.repeat(1000)).length, 64)
})

t.test('loopback is this machine', async (t) => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) {
    t.ok(isLoopback(address), address)
  }
  for (const address of ['128.0.0.1', '::2', '127.evil', '']) t.notOk(isLoopback(address), address)
})

t.test('addresses, blocks and named blocks match', async (t) => {
  const matches = addressMatcher(['192.0.2.1', '10.0.0.0/8', '2001:db8::/32', 'loopback'])
  for (const address of ['192.0.2.1', '::ffff:192.0.2.1', '10.9.9.9', '2001:db8::5', '::1']) {
    t.ok(matches(address), address)
  }
  for (const address of ['192.0.2.2', '11.0.0.1', '2001:db9::1', 'junk', '']) {
    t.notOk(matches(address), address)
  }
  t.notOk(addressMatcher([])('127.0.0.1'))
})
