/** One connection: what a peer may say, and what ends it. */
import t from 'tap'
import type { ExtensionName, PeerOwner } from '../../../../lib/swarm/wire/peer-owner.ts'
import { extensionsOf, fakePeer } from './fake-peers.ts'

const FAST_MESSAGES = {
  haveAll: ({ says }: ReturnType<typeof fakePeer>) => says((out) => out.haveAll()),
  haveNone: ({ says }: ReturnType<typeof fakePeer>) => says((out) => out.haveNone()),
  suggest: ({ says }: ReturnType<typeof fakePeer>) => says((out) => out.suggest(1)),
  allowedFast: ({ says }: ReturnType<typeof fakePeer>) => says((out) => out.allowedFast(1)),
  reject: ({ says }: ReturnType<typeof fakePeer>) => says((out) => out.reject(0, 0, 16_384))
}

for (const [name, say] of Object.entries(FAST_MESSAGES)) {
  t.test(`${name} is of BEP 6: only for those who said that they speak it`, async (t) => {
    const fast = fakePeer({ pieceCount: 8 })
    say(fast)
    t.same(fast.closed, [])
    const old = fakePeer({ pieceCount: 8, fast: false })
    say(old)
    t.same(old.closed, ['speaks BEP 6 without having said so'])
  })
}

t.test('a later bitfield, or that it has all, stands for the HAVEs of what is new', async (t) => {
  const gained: (number | undefined)[] = []
  const { says, closed } = fakePeer({
    pieceCount: 8,
    owner: { gained: (_, index) => void gained.push(index) }
  })
  says((out) => out.bitfield(Buffer.from([0xf0])))
  says((out) => out.bitfield(Buffer.from([0xf8])))
  says((out) => out.haveAll())
  t.same(gained, [undefined, 4, 5, 6, 7])
  t.same(closed, [])
  for (let nth = 0; nth < 100; nth++) says((out) => out.haveAll())
  t.same(closed, ['too many bitfields'])
})

t.test('who told what it has cannot have nothing', async (t) => {
  const { says, closed } = fakePeer({ pieceCount: 8 })
  says((out) => out.haveAll())
  says((out) => out.haveNone())
  t.same(closed, ['its pieces told twice'])
})

t.test('choking and wanting are told when they change, and not for ever', async (t) => {
  const heard: string[] = []
  const owner: Partial<PeerOwner> = {
    turned: ({ peerChoking }) => void heard.push(peerChoking ? 'choke' : 'unchoke'),
    interested: ({ peerInterested }) => void heard.push(peerInterested ? 'wants' : 'wants nothing')
  }
  const { says, closed } = fakePeer({ owner })
  says((out) => {
    out.choke()
    out.unchoke()
    out.unchoke()
    out.interested()
    out.interested()
    out.notInterested()
    out.choke()
  })
  t.same(heard, ['unchoke', 'wants', 'wants nothing', 'choke'])
  for (let nth = 0; nth < 2000; nth++) says((out) => (nth % 2 ? out.choke() : out.unchoke()))
  t.same(closed, ['changes its mind all the time'])
})

t.test('a seed that loses and finds a piece all the time is closed too', async (t) => {
  const { says, closed } = fakePeer({ pieceCount: 8 })
  says((out) => out.haveAll())
  const gone = Buffer.alloc(4)
  for (let nth = 0; nth < 3000 && closed.length === 0; nth++) {
    says((out) => {
      out.extended(3, gone)
      out.have(0)
    })
  }
  t.same(closed, ['changes its mind all the time'])
})

t.test('a piece taken back (BEP 54) is not there any more', async (t) => {
  const lost: number[] = []
  const { peer, says, closed } = fakePeer({
    pieceCount: 8,
    owner: { lost: (_, index) => void lost.push(index) }
  })
  says((out) => out.haveAll())
  says((out) => out.extended(3, Buffer.from([0, 0, 0, 5])))
  says((out) => out.extended(3, Buffer.from([0, 0, 0, 5])))
  says((out) => out.extended(3, Buffer.from([0, 0, 1, 0])))
  says((out) => out.extended(3, Buffer.from([5])))
  t.same(lost, [5], 'told once; what never was there and what is no number is not heard')
  t.notOk(peer.pieces.has(5))
  t.notOk(peer.pieces.all)
  t.same(closed, [])
})

t.test('an extension handshake may be said again, and adds to what was said', async (t) => {
  const { peer, says, closed } = fakePeer()
  says((out) => out.extended(0, extensionsOf({ port: 7000 })))
  t.notOk(peer.finished)
  says((out) => out.extended(0, Buffer.from('d11:upload_onlyi1ee')))
  t.ok(peer.finished, 'BEP 21: it wants nothing any more')
  t.equal(peer.extensions?.port, 7000)
  t.equal(peer.extensions?.m.ut_pex, 2)
  says((out) => out.extended(0, Buffer.from('d1:md6:ut_pexi0ee1:pi7001eee')))
  t.equal(peer.extensions?.m.ut_pex, 0, 'an extension may be switched off')
  for (let nth = 0; nth < 20; nth++) says((out) => out.extended(0, extensionsOf()))
  t.same(closed, ['too many extension handshakes'])
})

t.test('messages of extensions arrive by name; unknown ones are passed over', async (t) => {
  const heard: ExtensionName[] = []
  const { says, closed } = fakePeer({ owner: { extended: (_, name) => void heard.push(name) } })
  for (const id of [1, 2, 4, 5, 255]) says((out) => out.extended(id, Buffer.from('de')))
  t.same(heard, ['ut_metadata', 'ut_pex', 'sg_fleet'])
  t.same(closed, [])
})

t.test('what is said before the metainfo is known is checked when it is', async (t) => {
  const cases: readonly [string, number, string | undefined][] = [
    ['a bitfield that fits', 0xfe, undefined],
    ['a bitfield with spare bits', 0xff, 'a bitfield with spare bits set']
  ]
  for (const [name, bits, reason] of cases) {
    const { peer, says, closed } = fakePeer()
    says((out) => out.bitfield(Buffer.from([bits])))
    t.same(closed, [])
    peer.settle(7)
    t.same(closed, reason === undefined ? [] : [reason], name)
  }
  const early = fakePeer()
  early.says((out) => out.have(9))
  early.peer.settle(7)
  t.same(early.closed, ['a HAVE out of range'])
})

t.test('a peer that does not read is closed before memory is filled for it', async (t) => {
  const fake = fakePeer()
  fake.unsent = 9 * 2 ** 20
  fake.peer.outbox.have(1)
  t.same(await fake.sent(), [])
  t.same(fake.closed, ['it does not read'])
})

t.test('a fault of ours ends that connection and says so', async (t) => {
  const { says, closed } = fakePeer({
    owner: {
      turned() {
        throw new RangeError('oops')
      }
    }
  })
  says((out) => out.unchoke())
  t.match(closed, [/^our fault: RangeError: oops/])
})
