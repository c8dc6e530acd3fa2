import t from 'tap'
import { encodeBencode } from '../../../../core/bencode.ts'
import {
  encodeFleetMessage,
  MAX_FLEET_ADDRESSES,
  parseFleetMessage
} from '../../../../lib/swarm/wire/fleet-message.ts'
import { WireError } from '../../../../lib/swarm/wire/wire-error.ts'

t.test('addresses of every kind arrive as they were sent', async (t) => {
  const addresses = [
    { host: '10.0.0.1', port: 6881 },
    { host: '2001:db8::1', port: 1 },
    { host: 'gateway-3.fleet.example', port: 65_535 }
  ]
  t.strictSame(parseFleetMessage(encodeFleetMessage(addresses)), addresses)
  t.strictSame(parseFleetMessage(encodeFleetMessage([])), [])
})

t.test('neither side goes past the limit', async (t) => {
  const many = Array.from({ length: 100 }, (_, at) => ({ host: '10.0.0.1', port: at + 1 }))
  const first = many.slice(0, MAX_FLEET_ADDRESSES)
  t.strictSame(parseFleetMessage(encodeFleetMessage(many)), first)
  const texts = many.map(({ host, port }) => `${host}:${port}`)
  t.strictSame(parseFleetMessage(encodeBencode(texts)), first)
})

t.test('an address counts once, and what is none not at all', async (t) => {
  const list = ['a:1', 'a:1', 5, ['b:1'], { c: 1 }, 'nowhere', 'a:0', 'a:65536', '<b>:1', 'a b:1']
  const payload = encodeBencode([...list, `${'x'.repeat(254)}:1`, 'd:2'])
  t.strictSame(parseFleetMessage(payload), [
    { host: 'a', port: 1 },
    { host: 'd', port: 2 }
  ])
})

t.test('what is no list is refused', async (t) => {
  for (const text of ['', 'de', 'i1e', 'l', 'l3:a:1', 'l99:x', 'lx']) {
    t.throws(() => parseFleetMessage(Buffer.from(text)), WireError, text)
  }
})
