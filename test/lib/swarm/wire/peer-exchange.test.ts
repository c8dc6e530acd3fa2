import t from 'tap'
import { encodeBencode } from '../../../../core/bencode.ts'
import {
  createPexFeed,
  MAX_PEX_RECEIVED,
  MAX_PEX_SENT,
  PEX_EVERY_MS,
  type PexPeer,
  parsePex
} from '../../../../lib/swarm/wire/peer-exchange.ts'
import { WireError } from '../../../../lib/swarm/wire/wire-error.ts'

const peers = (count: number, from = 0): PexPeer[] =>
  Array.from({ length: count }, (_, at) => ({
    host: `10.0.${(from + at) >> 8}.${(from + at) & 255}`,
    port: 6881,
    seed: at % 2 === 0
  }))

const NOTHING = { added: [], dropped: [] }

t.test('what one side tells the other reads, both families', async (t) => {
  const told = [
    { host: '1.2.3.4', port: 6881, seed: true },
    { host: '5.6.7.8', port: 65_535, seed: false },
    { host: '2001:db8::1', port: 1, seed: true }
  ]
  const feed = createPexFeed()
  t.strictSame(parsePex(feed.next(0, told) ?? Buffer.alloc(0)), { added: told, dropped: [] })
  t.strictSame(parsePex(feed.next(PEX_EVERY_MS, []) ?? Buffer.alloc(0)), {
    added: [],
    dropped: told.map(({ host, port }) => ({ host, port }))
  })
})

t.test('only what changed is told, once a minute at most', async (t) => {
  const feed = createPexFeed()
  const [a, b, c] = peers(3) as [PexPeer, PexPeer, PexPeer]
  t.ok(feed.next(1000, [a, b]))
  t.equal(feed.next(1000 + PEX_EVERY_MS - 1, [a, b, c]), undefined, 'not yet')
  const second = feed.next(1000 + PEX_EVERY_MS, [b, c])
  t.match(parsePex(second ?? Buffer.alloc(0)), { added: [c], dropped: [{ host: a.host }] })
  t.equal(feed.next(1000 + 2 * PEX_EVERY_MS, [b, c]), undefined, 'nothing new')
  const soon = feed.next(1001 + 2 * PEX_EVERY_MS, [a, b, c])
  t.match(parsePex(soon ?? Buffer.alloc(0)), { added: [a] }, 'silence costs no minute')
})

t.test('a peer is not told of itself, nor of names', async (t) => {
  const [a, b] = peers(2) as [PexPeer, PexPeer]
  const named = { host: 'peer.example', port: 1, seed: false }
  const message = createPexFeed().next(0, [a, b, named], a)
  t.strictSame(parsePex(message ?? Buffer.alloc(0)), { added: [b], dropped: [] })
  t.equal(createPexFeed().next(0, [named]), undefined)
})

t.test('a message is bounded, and the rest follows', async (t) => {
  const feed = createPexFeed()
  const swarm = peers(500)
  const seen = new Set<string>()
  for (let turn = 0; turn < 10; turn++) {
    const message = feed.next(turn * PEX_EVERY_MS, swarm)
    if (message === undefined) break
    const { added } = parsePex(message)
    t.ok(added.length <= MAX_PEX_SENT)
    for (const { host } of added) seen.add(host)
  }
  t.equal(seen.size, 200, 'more are told only when some of these are gone')
  const { added, dropped } = parsePex(
    feed.next(20 * PEX_EVERY_MS, swarm.slice(200)) ?? Buffer.alloc(0)
  )
  t.equal(dropped.length, MAX_PEX_SENT)
  t.equal(added.length, MAX_PEX_SENT)
  t.ok(added.every(({ host }) => !seen.has(host)))
})

t.test('more than the bound is not believed', async (t) => {
  const entry = (at: number) => Buffer.from([10, 0, at >> 8, at & 255, 0x1a, 0xe1])
  const list = Buffer.concat(Array.from({ length: 1000 }, (_, at) => entry(at)))
  const six = Buffer.concat(
    Array.from({ length: 1000 }, (_, at) => Buffer.concat([Buffer.alloc(12), entry(at)]))
  )
  const read = parsePex(encodeBencode({ added: list, added6: six, dropped: list, dropped6: six }))
  t.equal(read.added.length, MAX_PEX_RECEIVED)
  t.equal(read.dropped.length, MAX_PEX_RECEIVED)
})

t.test('repeated addresses count once, port 0 and halves never', async (t) => {
  const one = Buffer.from('010203040000' + '010203041ae1' + '010203041ae1' + '0506', 'hex')
  const read = parsePex(encodeBencode({ added: one, 'added.f': Buffer.from([2, 2]), dropped: one }))
  t.strictSame(read.dropped, [{ host: '1.2.3.4', port: 6881 }])
  t.equal(read.added.length, 1)
})

t.test('fields of wrong types are empty, what is no bencode is refused', async (t) => {
  for (const wrong of [5, ['x'], { a: 1 }]) {
    t.strictSame(
      parsePex(encodeBencode({ added: wrong, 'added.f': wrong, dropped6: wrong })),
      NOTHING
    )
  }
  t.strictSame(parsePex(Buffer.from('de')), NOTHING)
  for (const text of ['', 'i5e', 'd', 'd5:added', 'd5:added9:x']) {
    t.throws(() => parsePex(Buffer.from(text)), WireError, text)
  }
})
