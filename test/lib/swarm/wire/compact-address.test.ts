import { SocketAddress } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { bytesOf, hostOf, parseCompact } from '../../../../lib/swarm/wire/compact-address.ts'
import { holds } from '../../../core/property.ts'
import { hex } from './recorded-frames.ts'

t.test('addresses and their bytes', async (t) => {
  for (const [host, bytes] of [
    ['1.2.3.255', '010203ff'],
    ['::1', '00000000000000000000000000000001'],
    ['::', '00000000000000000000000000000000'],
    ['2001:db8::8:0:1', '20010db8000000000000000800000001'],
    ['1::', '00010000000000000000000000000000'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008']
  ] as const) {
    t.equal(hex(bytesOf(host) ?? Buffer.alloc(0)), bytes, host)
    t.equal(hostOf(Buffer.from(bytes, 'hex')), host)
  }
})

t.test('IPv4 in the clothes of IPv6 is IPv4', async (t) => {
  t.equal(hex(bytesOf('::ffff:1.2.3.4') ?? Buffer.alloc(0)), '01020304')
  t.equal(hostOf(Buffer.from('00000000000000000000ffff01020304', 'hex')), '1.2.3.4')
})

t.test('what is no address has no bytes, and other lengths have no text', async (t) => {
  for (const name of ['example.org', 'localhost', '', '1.2.3', '1:2'])
    t.equal(bytesOf(name), undefined)
  for (const length of [0, 3, 5, 15, 17]) t.equal(hostOf(new Uint8Array(length)), undefined)
})

t.test('bytes come back through text, which is how the system writes it', async (t) => {
  holds(
    t,
    fc.property(
      fc.constantFrom(4, 16),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      (...drawn) => {
        const bytes = drawn[1].subarray(0, drawn[0])
        const host = hostOf(bytes) ?? ''
        const family = drawn[0] === 4 ? 'ipv4' : 'ipv6'
        const systems = new SocketAddress({ address: host, family }).address
        return hex(bytesOf(host) ?? Buffer.alloc(0)) === hex(bytes) && host === systems
      }
    )
  )
})

t.test('text of any form has the bytes it means', async (t) => {
  holds(
    t,
    fc.property(fc.ipV6(), (host) => {
      const { address } = new SocketAddress({ address: host, family: 'ipv6' })
      return hex(bytesOf(host) ?? Buffer.alloc(0)) === hex(bytesOf(address) ?? Buffer.alloc(1))
    })
  )
})

t.test('a list is read as far as it is whole, and no further than its limit', async (t) => {
  const list = Buffer.from('01020304000105060708ffff0909', 'hex')
  const both = [
    { host: '1.2.3.4', port: 1 },
    { host: '5.6.7.8', port: 65_535 }
  ]
  t.same(parseCompact(list, 4, 10), both)
  t.same(parseCompact(list, 4, 1), both.slice(0, 1))
  t.same(parseCompact(list, 16, 10), [])
  const six = Buffer.concat([Buffer.alloc(15), Buffer.from([1, 0x1a, 0xe1])])
  t.same(parseCompact(six, 16, 10), [{ host: '::1', port: 6881 }])
})
