/**
 * What we rely on in bittorrent-tracker, part by part: an update that moves one fails here. The
 * shell is driven through its own doors, with a policy that answers by hand.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RemoteInfo } from 'bittorrent-tracker/server'
import t, { type Test } from 'tap'
import { decodeBencode } from '../../../core/bencode.ts'
import type { AnnounceRequest } from '../../../tracker/announce/announce-request.ts'
import type { AnnounceOutcome, Policy } from '../../../tracker/announce/policy.ts'
import { Shell } from '../../../tracker/announce/shell.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { dict, get } from './http-peer.ts'
import { endpoint, linkOf, signalling } from './requests.ts'
import { hashOf } from './tracker-fixture.ts'

const CONFIG = { intervalMs: 900_000, minIntervalMs: 60_000 }
const SENDER: RemoteInfo = { address: '8.8.8.8', port: 5, family: 'IPv4' }
const ACCEPTED: AnnounceOutcome = {
  kind: 'accepted',
  counts: { complete: 3, incomplete: 4, downloaded: 5 },
  ipv4: Buffer.from('0102030400ff', 'hex'),
  ipv6: Buffer.alloc(18, 6),
  links: []
}
const REFUSED: AnnounceOutcome = { kind: 'refused', reason: 'no', retryMinutes: 2 }

function shellWith(
  outcome: AnnounceOutcome | Error,
  linkPeer: Policy['linkPeer'] = () => undefined
) {
  const asked: AnnounceRequest[] = []
  const policy: Policy = {
    async announce(request) {
      asked.push(request)
      if (outcome instanceof Error) throw outcome
      return outcome
    },
    scrape: ({ infoHashes }) =>
      infoHashes.map((_, n) => ({ complete: n + 1, incomplete: 10, downloaded: 20 })),
    linkPeer
  }
  return { shell: new Shell(CONFIG, { policy, log: silentLog }), asked }
}

/** The body that `serveHttp` writes on a real response. */
async function httpBody(t: Test, shell: Shell) {
  const server = createServer((_request, response) => {
    shell.serveHttp(endpoint('8.8.8.8'), response, '8.8.8.8')
  })
  t.teardown(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { body } = await get((server.address() as AddressInfo).port, '/')
  return dict(decodeBencode(body))
}

/** The datagram that is sent through the sink. */
function udpAnswer(shell: Shell, serve: () => void): Promise<{ message: Buffer; to: unknown[] }> {
  return new Promise((resolve) => {
    shell.udp4 = {
      send: (message, offset, length, ...to) =>
        resolve({ message: Buffer.from(message).subarray(offset, offset + length), to })
    }
    serve()
  })
}

/** What the link is sent until `count` messages are there. */
async function sent(shell: Shell, count: number, serve: (link: ReturnType<typeof linkOf>) => void) {
  const messages: Record<string, unknown>[] = []
  const link = linkOf('8.8.8.8')
  const enough = new Promise<void>((resolve) => {
    link.send = (text) => {
      if (messages.push(JSON.parse(text)) === count) resolve()
    }
  })
  shell.onWebSocketConnection(link)
  serve(link)
  await enough
  return messages
}

t.test('it listens on nothing', async (t) => {
  const { shell } = shellWith(ACCEPTED)
  t.match(shell, { http: null, udp4: null, udp6: null, ws: null })
})

t.test('HTTP: peers pass through encoded, our own keys are sent', async (t) => {
  const { shell, asked } = shellWith(ACCEPTED)
  const answer = await httpBody(t, shell)
  t.same(
    [...answer.keys()],
    [...['complete', 'external ip', 'incomplete', 'interval', 'min interval', 'peers', 'peers6']]
  )
  t.same(answer.get('peers'), ACCEPTED.kind === 'accepted' && new Uint8Array(ACCEPTED.ipv4))
  t.equal(answer.get('interval'), 900)
  t.match(asked, [endpoint('8.8.8.8')], 'the request is the one we parsed, not the shell’s')
})

t.test('HTTP: a refusal is a failure reason with BEP 31', async (t) => {
  const answer = await httpBody(t, shellWith(REFUSED).shell)
  t.same([...answer.keys()], ['failure reason', 'interval', 'retry in'])
  t.equal(answer.get('interval'), 120)
})

t.test('UDP: an announce is encoded with the peers of its family', async (t) => {
  const { shell } = shellWith(ACCEPTED)
  const v4 = endpoint('8.8.8.8', { protocol: 'udp' })
  const { message, to } = await udpAnswer(shell, () => shell.serveUdp(v4, 0xfffffff0, SENDER))
  t.equal(message.toString('hex'), '00000001fffffff00000038400000004000000030102030400ff')
  t.same(to, [5, '8.8.8.8'])
  const v6 = endpoint('2001:db8::1', { protocol: 'udp' })
  const other = await udpAnswer(shell, () => shell.serveUdp(v6, 1, SENDER))
  t.equal(other.message.subarray(20).toString('hex'), '06'.repeat(18))
})

t.test('UDP: a refusal is an error message', async (t) => {
  const { shell } = shellWith(REFUSED)
  const request = endpoint('8.8.8.8', { protocol: 'udp' })
  const { message } = await udpAnswer(shell, () => shell.serveUdp(request, 1, SENDER))
  t.equal(message.toString('hex'), '00000003000000016e6f')
})

t.test('UDP: a scrape is encoded in the order asked', async (t) => {
  const { shell } = shellWith(ACCEPTED)
  const infoHashes = Array.from({ length: 12 }, () => hashOf(1))
  const request = { kind: 'scrape', protocol: 'udp', infoHashes } as const
  const { message } = await udpAnswer(shell, () => shell.serveUdp(request, 1, SENDER))
  t.same(
    infoHashes.map((_, n) => message.readUInt32BE(8 + n * 12)),
    infoHashes.map((_, n) => n + 1)
  )
  t.same([message.readUInt32BE(12), message.readUInt32BE(16)], [20, 10])
})

t.test('WebSocket: offers go to the chosen links, one each', async (t) => {
  const target = linkOf('8.8.4.4')
  const relayed: Record<string, unknown>[] = []
  target.send = (text) => relayed.push(JSON.parse(text))
  const peer = { peerId: 'bb'.repeat(20), link: target, seed: false, seenS: 0 }
  const { shell } = shellWith({ ...ACCEPTED, links: [peer] } as AnnounceOutcome)
  const offers = ['a', 'b'].map((sdp) => ({ offerId: sdp.repeat(20), sdp }))
  const [answer] = await sent(shell, 1, (link) =>
    shell.serveLink(signalling(link, 'aa'.repeat(20), { offers }), link)
  )
  t.match(answer, { action: 'announce', complete: 3, incomplete: 4, interval: 180 })
  t.notOk(answer !== undefined && 'peers' in answer)
  t.match(relayed, [{ action: 'announce', offer: { type: 'offer', sdp: 'a' } }])
  t.equal(relayed.length, 1)
})

t.test('WebSocket: an answer goes to the peer it names, with no reply', async (t) => {
  const target = linkOf('8.8.4.4')
  const relayed = new Promise((resolve) => {
    target.send = (text) => resolve(JSON.parse(text))
  })
  const peer = { peerId: 'bb'.repeat(20), link: target, seed: false, seenS: 0 }
  const { shell } = shellWith(ACCEPTED, (infoHash, peerId) =>
    infoHash === hashOf(1) && peerId === peer.peerId ? peer : undefined
  )
  const link = linkOf('8.8.8.8')
  link.send = () => t.fail('an answer is not replied to')
  shell.onWebSocketConnection(link)
  const answer = { toPeerId: peer.peerId, offerId: 'o'.repeat(20), sdp: 'yes' }
  shell.serveLink(signalling(link, 'aa'.repeat(20), { answer }), link)
  t.match(await relayed, { answer: { sdp: 'yes' }, peer_id: '\u00aa'.repeat(20) })
})

t.test('WebSocket: an answer to nobody is dropped', async (t) => {
  const { shell } = shellWith(ACCEPTED)
  const answer = { toPeerId: 'bb'.repeat(20), offerId: 'o'.repeat(20), sdp: 'yes' }
  const warned = once(shell, 'warning')
  const link = linkOf('8.8.8.8')
  shell.onWebSocketConnection(link)
  shell.serveLink(signalling(link, 'aa'.repeat(20), { answer }), link)
  t.match(await warned, [{ message: /no peer/ }])
})

t.test('WebSocket: the shell keeps no growing list of swarms on a link', async (t) => {
  const { shell } = shellWith(ACCEPTED)
  const messages = await sent(shell, 3, (link) => {
    for (const n of [1, 2, 3]) {
      const request = signalling(link, 'aa'.repeat(20), { infoHash: hashOf(n) })
      shell.serveLink(request, link)
    }
    t.same(link.infoHashes, [])
  })
  t.equal(messages.length, 3)
})

t.test('an error of ours ends neither the process nor the shell', async (t) => {
  const failed = new Promise((resolve) => {
    const log = Object.create(silentLog, {
      error: { value: (_: unknown, text: string) => resolve(text) }
    })
    const { shell } = shellWith(new Error('broken'))
    const policy: Policy = {
      announce: () => Promise.reject(new Error('broken')),
      scrape: () => [],
      linkPeer: () => undefined
    }
    shell.close(() => {})
    const other = new Shell(CONFIG, { policy, log })
    other.serveUdp(endpoint('8.8.8.8', { protocol: 'udp' }), 1, SENDER)
  })
  t.equal(await failed, 'answering an announce failed')
})
