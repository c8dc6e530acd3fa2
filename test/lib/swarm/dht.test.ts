/** A small DHT on loopback, with honest nodes and with a hostile one. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import {
  type BencodeDict,
  type BencodeInput,
  decodeBencode,
  encodeBencode
} from '../../../core/bencode.ts'
import { type InfoHash, infoHashBytes, parseInfoHash } from '../../../core/info-hash.ts'
import type { PeerAddress } from '../../../lib/swarm/contract.ts'
import { type DhtConfig, openDht } from '../../../lib/swarm/dht.ts'
import { silentLog } from '../../fakes/silent-log.ts'

const INFO_HASH = parseInfoHash('00112233445566778899aabbccddeeff01234567') as InfoHash
const ID = Buffer.alloc(20, 7)

async function open(t: Test, config: Partial<DhtConfig> = {}) {
  const heard = Promise.withResolvers<readonly PeerAddress[]>()
  const dht = await openDht(
    {
      host: '127.0.0.1',
      udpPort: 0,
      bootstrap: [],
      port: () => 1,
      timing: { spacingMs: 0 },
      ...config
    },
    { log: silentLog, onPeers: (_, peers) => heard.resolve(peers) }
  )
  t.teardown(() => dht.close())
  return { dht, at: `127.0.0.1:${dht.udpPort}`, heard: heard.promise }
}

/** A bare socket that speaks what the test says, and lets a node bootstrap. */
async function openRaw(t: Test) {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => void socket.close())
  const asked: BencodeDict[] = []
  const checks = new Set<() => void>()
  const answers: Buffer[] = []
  socket.on('message', (packet, from) => {
    const message = decodeBencode(packet, { strict: false })
    if (message instanceof Map && message.has('q')) {
      asked.push(message)
      greet(message, from.port)
    } else answers.push(packet)
    for (const check of [...checks]) check()
  })

  function greet(message: BencodeDict, port: number): void {
    const q = message.get('q')
    const isGreeting = q instanceof Uint8Array && Buffer.from(q).toString() === 'find_node'
    const answer = { t: message.get('t'), y: 'r', r: { id: ID, nodes: '' } }
    if (isGreeting) send(port, encodeBencode(answer))
  }

  function until(test: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!test()) return
        checks.delete(check)
        resolve()
      }
      checks.add(check)
      check()
    })
  }

  /** Sends and waits for the next answer. */
  async function ask(port: number, q: string, a: { [key: string]: BencodeInput }) {
    const before = answers.length
    send(port, encodeBencode({ t: 'zz', y: 'q', q, a: { id: ID, ...a } }))
    await until(() => answers.length > before)
    const bytes = answers.at(-1) ?? Buffer.alloc(0)
    const message = decodeBencode(bytes, { strict: false })
    const r = message instanceof Map ? message.get('r') : undefined
    return { bytes, r: r instanceof Map ? r : new Map() }
  }

  function send(port: number, packet: Uint8Array): void {
    socket.send(packet, port, '127.0.0.1')
  }

  const hashes = () =>
    asked.flatMap((message) => {
      const a = message.get('a')
      const hash = a instanceof Map ? a.get('info_hash') : undefined
      return hash instanceof Uint8Array ? [Buffer.from(hash).toString('hex')] : []
    })
  return { at: `127.0.0.1:${socket.address().port}`, asked, hashes, until, ask, send }
}

t.test('who misses bytes finds who announced, with the port of its wire', async (t) => {
  const root = await open(t)
  const seeder = await open(t, { bootstrap: [root.at], port: () => 7001 })
  const leecher = await open(t, { bootstrap: [root.at], timing: { spacingMs: 0, hungryMs: 20 } })
  seeder.dht.announce({ infoHash: INFO_HASH, left: () => 0, isPrivate: false })
  leecher.dht.announce({ infoHash: INFO_HASH, left: () => 5, isPrivate: false })
  t.same(await leecher.heard, [{ host: '127.0.0.1', port: 7001, class: 'stranger' }])
  t.ok(leecher.dht.size > 0)
})

t.test('a private torrent is never asked for, another is', async (t) => {
  const raw = await openRaw(t)
  const { dht } = await open(t, { bootstrap: [raw.at] })
  const open2 = parseInfoHash('ff'.repeat(20)) as InfoHash
  dht.announce({ infoHash: INFO_HASH, left: () => 5, isPrivate: true })
  dht.announce({ infoHash: open2, left: () => 5, isPrivate: false })
  await raw.until(() => raw.hashes().length > 0)
  await dht.close()
  t.same([...new Set(raw.hashes())], [open2])
})

t.test('few lookups go on at once, however many torrents wait', async (t) => {
  const raw = await openRaw(t)
  const { dht } = await open(t, { bootstrap: [raw.at] })
  for (let at = 10; at < 30; at++) {
    const infoHash = parseInfoHash(`${at}`.repeat(20)) as InfoHash
    dht.announce({ infoHash, left: () => 5, isPrivate: false })
  }
  await raw.until(() => new Set(raw.hashes()).size === 4)
  await raw.ask(dht.udpPort, 'ping', {})
  await dht.close()
  t.equal(new Set(raw.hashes()).size, 4)
})

t.test('a torrent that is forgotten is not asked for again', async (t) => {
  const raw = await openRaw(t)
  const { dht } = await open(t, { bootstrap: [raw.at] })
  dht.announce({ infoHash: INFO_HASH, left: () => 5, isPrivate: false })
  dht.forget(INFO_HASH)
  const other = parseInfoHash('ab'.repeat(20)) as InfoHash
  dht.announce({ infoHash: other, left: () => 5, isPrivate: false })
  await raw.until(() => raw.hashes().includes(other))
  t.notOk(raw.hashes().includes(INFO_HASH))
})

t.test('packets that end the bare package leave ours answering', async (t) => {
  const raw = await openRaw(t)
  const { dht } = await open(t, { bootstrap: [raw.at] })
  const packets: BencodeInput[] = [
    { t: 'aa', y: 'q', q: 'get_peers', a: { id: ID, info_hash: 5 } },
    { t: 'aa', y: 'q', q: 'find_node', a: { id: ID, target: 5 } },
    { t: 'aa', y: 'q', q: { toString: 'x' }, a: { id: ID } },
    { t: 'aa', y: { toString: 'x' } },
    { t: 'aa', y: 'q', q: 'announce_peer', a: { id: ID, info_hash: ID, port: 1, token: [] } },
    { t: 'aa', y: 'q', q: 'put', a: { id: ID, v: 5, token: 'x', k: 5, sig: 5 } },
    { y: 'q', q: 'ping', a: { id: ID } },
    5,
    []
  ]
  dht.announce({ infoHash: INFO_HASH, left: () => 5, isPrivate: false })
  await raw.until(() => raw.hashes().length > 0)
  const transaction = raw.asked.at(-1)?.get('t') ?? ''
  for (const r of [{ id: 5 }, { id: ID, nodes: 5 }, { id: ID, values: [5] }, 7, {}]) {
    packets.push({ t: transaction, y: 'r', r })
  }
  for (const packet of packets) raw.send(dht.udpPort, encodeBencode(packet))
  const { r } = await raw.ask(dht.udpPort, 'ping', {})
  t.equal(r.get('id')?.length, 20)
})

t.test('an answer stays within a datagram, however many announced', async (t) => {
  const raw = await openRaw(t)
  const { dht } = await open(t)
  const hash = infoHashBytes(INFO_HASH)
  const { r } = await raw.ask(dht.udpPort, 'get_peers', { info_hash: hash })
  const token = r.get('token')
  for (let port = 1; port <= 150; port++) {
    await raw.ask(dht.udpPort, 'announce_peer', { info_hash: hash, port, token })
  }
  const { bytes, r: full } = await raw.ask(dht.udpPort, 'get_peers', { info_hash: hash })
  t.equal(full.get('values')?.length, 50)
  t.ok(bytes.length <= 1200)
})

t.test('a node peers tell of is asked, not more often than is healthy', async (t) => {
  const raw = await openRaw(t)
  const { dht } = await open(t)
  const port = Number(raw.at.split(':')[1])
  for (let at = 0; at < 1000; at++) dht.addNode('127.0.0.1', port)
  for (const [host, bad] of [
    ['localhost', 5],
    ['::1', 5],
    ['127.0.0.1', 0],
    ['127.0.0.1', 70_000]
  ] as const) {
    dht.addNode(host, bad)
  }
  await raw.until(() => raw.asked.length > 0)
  await dht.close()
  t.ok(raw.asked.length < 20)
})

t.test('closing ends lookups under way, and may be asked twice', async (t) => {
  const raw = await openRaw(t)
  const { dht } = await open(t, { bootstrap: [raw.at] })
  dht.announce({ infoHash: INFO_HASH, left: () => 5, isPrivate: false })
  await raw.until(() => raw.hashes().length > 0)
  await Promise.all([dht.close(), dht.close()])
  const before = raw.asked.length
  dht.announce({ infoHash: INFO_HASH, left: () => 5, isPrivate: false })
  dht.addNode('127.0.0.1', Number(raw.at.split(':')[1]))
  await raw.ask((await open(t)).dht.udpPort, 'ping', {})
  t.equal(raw.asked.length, before)
})

t.test('a port that is taken is an error at the start', async (t) => {
  const { dht } = await open(t)
  await t.rejects(open(t, { udpPort: dht.udpPort }), { code: 'EADDRINUSE' })
})
