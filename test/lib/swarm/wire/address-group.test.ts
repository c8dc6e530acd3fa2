/** What counts as one address. */
import t from 'tap'
import { addressGroup } from '../../../../lib/swarm/wire/address-group.ts'

t.test('an IPv4 address is itself, also in IPv6 clothes', async (t) => {
  t.equal(addressGroup('192.0.2.7'), '192.0.2.7')
  t.equal(addressGroup('::ffff:192.0.2.7'), '192.0.2.7')
})

t.test('an IPv6 address is its /64, however it is written', async (t) => {
  const same = ['2001:db8:0:1::1', '2001:DB8::1:ffff:0:0:2', '2001:0db8:0000:0001:1:2:3:4']
  t.same(new Set(same.map(addressGroup)), new Set(['2001:db8:0:1::/64']))
  t.equal(addressGroup('::1'), '0:0:0:0::/64')
  t.equal(addressGroup('fe80::1%eth0'), addressGroup('fe80::2'))
  t.not(addressGroup('2001:db8:0:2::1'), addressGroup('2001:db8:0:1::1'))
})

t.test('a text that is no address is a group, not an error', async (t) => {
  for (const text of ['', 'localhost', ':::::', '::1::2', 'x:y']) {
    t.type(addressGroup(text), 'string')
  }
})
