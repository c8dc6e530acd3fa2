/** How peer addresses are written and which are private. */
import t from 'tap'
import { formatAddress, isPrivateAddress, parseAddress } from '../../../lib/swarm/address.ts'

t.test('an address reads back as it was written', async (t) => {
  for (const [host, text] of [
    ['192.0.2.1', '192.0.2.1:80'],
    ['2001:db8::1', '[2001:db8::1]:80'],
    ['node.example', 'node.example:80']
  ] as const) {
    t.equal(formatAddress(host, 80), text)
    t.same(parseAddress(text), { host, port: 80 })
  }
})

t.test('what is no address is refused', async (t) => {
  for (const text of ['', 'host', 'host:', 'host:0', 'host:65536', '::1:80', '[::1]', 'a:b:1']) {
    t.equal(parseAddress(text), undefined, text)
  }
})

t.test('private ranges are known in both families', async (t) => {
  const near = [
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.0.1',
    '169.254.1.1',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1'
  ]
  const near6 = ['::1', '::', 'fe80::1', 'fd00::1', 'ff02::1', '::ffff:10.0.0.1']
  for (const host of [...near, ...near6, 'localhost']) t.ok(isPrivateAddress(host), host)
  for (const host of ['8.8.8.8', '172.32.0.1', '2001:4860:4860::8888', 'example.org']) {
    t.notOk(isPrivateAddress(host), host)
  }
})

t.test('a private address is one in an address that leads to it as well', async (t) => {
  for (const host of [
    '::127.0.0.1',
    '64:ff9b::127.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::1',
    '2002:7f00:1::1',
    '2002:a01:203::',
    'fec0::1',
    '192.0.0.8',
    '198.19.0.1'
  ]) {
    t.ok(isPrivateAddress(host), host)
  }
  for (const host of ['64:ff9b::8.8.8.8', '2002:808:808::1', '64:ff9c::7f00:1', '198.20.0.1']) {
    t.notOk(isPrivateAddress(host), host)
  }
})
