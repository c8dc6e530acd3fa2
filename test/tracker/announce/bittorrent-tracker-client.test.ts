/** A peer of the protocol that is not ours: bittorrent-tracker's own client, over all three. */
import { once } from 'node:events'
import Client from 'bittorrent-tracker/client'
import t, { type Test } from 'tap'
import { ownAddress } from '../../lib/swarm/interop-client.ts'
import { openTracker } from './tracker-fixture.ts'

// Its HTTP scrape only understands keys that happen to be UTF-8.
const infoHash = Buffer.from('an infohash of ASCII').toString('hex')

function client(t: Test, announce: string, name: string, port: number): Client {
  const peerId = Buffer.from(name.padEnd(20, '-')).toString('hex')
  const made = new Client({ infoHash, peerId, announce: [announce], port })
  // What becomes of a WebRTC peer that was destroyed in the middle of its ICE is not the tracker's.
  made.on('warning', (err: Error) => {
    if (!err.message.startsWith('Connection error: ')) t.fail(err.message)
  })
  made.on('error', (err: Error) => t.fail(err.message))
  t.teardown(() => new Promise<void>((resolve) => made.destroy(resolve)))
  return made
}

/**
 * In Node, simple-peer waits 5 s before every offer and answer for an event that never comes. Only
 * the signalling is under test, so it need not.
 */
function hurryIce(t: Test): void {
  const { setTimeout } = globalThis
  const hurried = (run: () => void, ms?: number, ...rest: []) =>
    setTimeout(run, ms === 5000 ? 0 : ms, ...rest)
  t.intercept(globalThis, 'setTimeout', { value: Object.assign(hurried, setTimeout) })
}

for (const scheme of ['http', 'udp']) {
  t.test(`over ${scheme}, a leecher finds a seed, completes, scrapes and stops`, async (t) => {
    const { port } = await openTracker(t)
    const url = `${scheme}://127.0.0.1:${port}${scheme === 'http' ? '/announce' : ''}`
    const seed = client(t, url, 'seed', 7001)
    seed.start({ left: 0 })
    t.match(await once(seed, 'update'), [{ complete: 1, incomplete: 0 }])
    const leecher = client(t, url, 'leecher', 7002)
    const met = once(leecher, 'peer')
    leecher.start({ left: 100 })
    t.same(await met, ['127.0.0.1:7001'])
    const updated = once(leecher, 'update')
    leecher.complete()
    await updated
    const scraped = once(leecher, 'scrape')
    leecher.scrape()
    t.match(await scraped, [{ infoHash, incomplete: 1 }])
    const stopped = once(leecher, 'update')
    leecher.stop()
    t.match(await stopped, [{ complete: 1, incomplete: 0 }])
  })
}

/** A WebRTC peer makes no offer of its loopback address. */
const skip = ownAddress('IPv4') === undefined && 'this machine has no address but its loopback'

t.test(
  'over WebSocket, an offer and its answer make a WebRTC peer on both sides',
  { skip },
  async (t) => {
    hurryIce(t)
    const { port } = await openTracker(t)
    const url = `ws://127.0.0.1:${port}`
    const alice = client(t, url, 'alice', 7001)
    const updated = once(alice, 'update')
    alice.start({ numwant: 0 })
    t.match(await updated, [{ incomplete: 1 }])
    const bob = client(t, `${url}/announce`, 'bob', 7002)
    const met = Promise.all([once(alice, 'peer'), once(bob, 'peer')])
    bob.start({ numwant: 1 })
    const [[ofAlice], [ofBob]] = await met
    t.equal(ofAlice.id, Buffer.from('bob'.padEnd(20, '-')).toString('hex'))
    t.equal(ofBob.id, Buffer.from('alice'.padEnd(20, '-')).toString('hex'))
    for (const peer of [ofAlice, ofBob]) peer.destroy()
    const scraped = once(bob, 'scrape')
    bob.scrape()
    t.match(await scraped, [{ infoHash, incomplete: 2 }])
  }
)
