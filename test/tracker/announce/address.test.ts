import t from 'tap'
import { addressOf, parseAddress } from '../../../tracker/announce/address.ts'

const hex = (text: string) => Buffer.from(parseAddress(text)?.bytes ?? []).toString('hex')

t.test('an address literal becomes its bytes in network order', async (t) => {
  t.equal(hex('1.2.3.255'), '010203ff')
  t.equal(hex('2001:db8::1'), '20010db8000000000000000000000001')
  t.equal(hex('::'), '0'.repeat(32))
  t.equal(hex('1:2:3:4:5:6:7:8'), '00010002000300040005000600070008')
  t.equal(hex('fe80::'), `fe80${'0'.repeat(28)}`)
  t.equal(hex('64:ff9b::1.2.3.4'), '0064ff9b000000000000000001020304')
})

t.test('an IPv4-mapped address is an IPv4 address', async (t) => {
  t.match(parseAddress('::ffff:127.0.0.1'), { family: 'ipv4', private: true })
  t.equal(hex('::ffff:7f00:1'), '7f000001')
})

t.test('a zone is not part of the address', async (t) => {
  t.match(parseAddress('fe80::1%eth0'), { family: 'ipv6', private: true })
})

t.test('what is not an address literal is nothing', async (t) => {
  for (const text of [
    undefined,
    '',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    ':::',
    '1.2.3.4, 5.6.7.8'
  ]) {
    t.equal(parseAddress(text), undefined, String(text))
  }
})

const PRIVATE = [
  ['0.0.0.0', '10.0.0.1', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.0.1'],
  ['169.254.1.1', '172.16.0.1', '172.31.255.255', '192.168.0.1'],
  ['::', '::1', 'fc00::1', 'fdff::1', 'fe80::1', 'febf::1', '::ffff:10.0.0.1']
].flat()
const PUBLIC = [
  ['1.1.1.1', '9.255.255.255', '11.0.0.1', '100.63.0.1', '100.128.0.1', '126.0.0.1'],
  ['169.253.0.1', '172.15.0.1', '172.32.0.1', '192.167.0.1', '192.169.0.1'],
  ['2001:db8::1', '::2', 'fec0::1', 'fbff::1', '::ffff:8.8.8.8', '2606:4700::1111']
].flat()

t.test('loopback, link-local, private and shared ranges are private', async (t) => {
  for (const text of PRIVATE) t.equal(parseAddress(text)?.private, true, text)
})

t.test('everything else is public', async (t) => {
  for (const text of PUBLIC) t.equal(parseAddress(text)?.private, false, text)
})

t.test('raw bytes know their family', async (t) => {
  t.equal(addressOf(new Uint8Array([8, 8, 8, 8])).family, 'ipv4')
  t.equal(addressOf(new Uint8Array(16)).family, 'ipv6')
})
