/**
 * The internals of webtorrent and bittorrent-protocol that this engine stands on, by name, arity
 * and behaviour. An update that moves one fails here first.
 */
import { createRequire } from 'node:module'
import Wire from 'bittorrent-protocol'
import t from 'tap'
import WebTorrent from 'webtorrent'
import { parsedTorrent } from '../../../../lib/swarm/webtorrent/parsed-torrent.ts'
import { makeContent } from '../torrent-folder.ts'

const require = createRequire(import.meta.url)

t.test('the versions are those the facts were read from', async (t) => {
  t.equal(require('webtorrent/package.json').version, '3.0.21')
})

t.test('Wire has the methods that the guard replaces', async (t) => {
  const arity = {
    _write: 2,
    _push: 1,
    _parse: 2,
    _processBuffer: 0,
    _onHandshakeBuffer: 1,
    _onMessageLength: 1,
    _onMessage: 1,
    _onRequest: 3,
    _onPiece: 3,
    _onHave: 1,
    _onBitField: 1,
    _onHaveAll: 0,
    handshake: 3,
    reject: 3,
    cancel: 3,
    piece: 3,
    have: 1,
    extended: 2,
    use: 1
  }
  for (const [name, count] of Object.entries(arity)) {
    const method = Object.getOwnPropertyDescriptor(Wire.prototype, name)?.value
    t.equal(typeof method, 'function', name)
    t.equal(method.length, count, `${name} takes ${count}`)
  }
})

t.test('a new Wire has the state that the guard reads', async (t) => {
  const wire = new Wire('tcpIncoming', 0)
  t.same(wire._buffer, [])
  t.equal(wire._bufferSize, 0)
  t.equal(wire._parserSize, 1, 'it waits for the length of the protocol name')
  t.equal(wire._readableState.buffered, 0)
  t.equal(wire._finished, false)
  t.equal(wire._handshakeSent, undefined)
  t.same([wire.requests, wire.peerRequests], [[], []])
  t.equal(wire.amChoking, true)
  t.equal(wire.peerPieces.buffer.length, 0)
  wire._push(Buffer.alloc(100))
  t.equal(wire._readableState.buffered, 100, 'unsent bytes are counted')
  wire.destroy()
})

t.test('a Wire asks for more to send through _read', async (t) => {
  const wire = new Wire('tcpIncoming', 0)
  const asked = new Promise<void>((resolve) => {
    wire._read = (callback) => {
      callback(null)
      resolve()
    }
  })
  wire.resume()
  await asked
  t.pass('an own _read is called')
  wire.destroy()
})

t.test('an extension takes the place of an earlier one of its name', async (t) => {
  const wire = new Wire('tcpIncoming', 0)
  const made: string[] = []
  const extension = (label: string) =>
    class {
      constructor() {
        made.push(label)
      }
      get name(): string {
        return 'ut_metadata'
      }
    }
  wire.use(extension('theirs'))
  wire.use(extension('ours'))
  t.same(made, ['theirs', 'ours'])
  t.same(wire.extendedMapping, { 1: 'ut_metadata', 2: 'ut_metadata' })
  t.equal(Object.keys(wire._ext).length, 1, 'messages to either id reach the last one')
  wire.destroy()
})

t.test('a client and its torrents have the parts that the engine uses', async (t) => {
  const client = new WebTorrent({
    torrentPort: { host: '127.0.0.1', port: 0 },
    maxConns: 5,
    secure: 0,
    utPex: true,
    dht: false,
    lsd: false,
    tracker: false,
    natUpnp: false,
    natPmp: false,
    utp: false,
    webSeeds: false
  })
  t.teardown(() => new Promise<void>((resolve) => client.destroy(() => resolve())))
  await new Promise<void>((resolve) => client.once('listening', () => resolve()))
  const { tcpServer, _onTCPError } = client._connPool
  t.match(tcpServer.address(), { address: '127.0.0.1' }, 'the object reached listen()')
  t.ok(tcpServer.listeners('error').includes(_onTCPError))
  t.match(tcpServer.address(), { port: client.torrentPort })
  t.match(client.peerId, /^[0-9a-f]{40}$/)

  const content = makeContent('internals', 5)
  const calls: string[] = []
  const torrent = client.add(parsedTorrent(content.metainfo), {
    deselect: true,
    storeCacheSlots: 0,
    uploads: 10,
    alwaysChokeSeeders: false,
    preloadedStore: {
      chunkLength: 32_768,
      get: () => void calls.push('get'),
      put: () => void calls.push('put'),
      close: (callback) => callback(null),
      destroy: (callback) => callback(null)
    },
    bitfield: Buffer.from([0b1010_0000])
  })
  torrent._verifyPieces = (callback) => {
    calls.push('verify')
    callback(null)
  }
  const order: string[] = []
  for (const name of ['infoHash', 'metadata', 'ready']) torrent.once(name, () => order.push(name))
  torrent.once('metadata', () => {
    torrent.metadata = true
  })
  await new Promise<void>((resolve) => torrent.once('ready', () => resolve()))

  t.same(order, ['infoHash', 'metadata', 'ready'])
  t.same(calls, ['verify'], 'our verification ran and nothing was read')
  t.equal(torrent.infoHash, content.infoHash)
  t.same(
    [0, 1, 2, 3, 4].map((index) => torrent.bitfield.get(index)),
    [true, false, true, false, false]
  )
  t.same(
    [0, 1, 2, 3, 4].map((index) => torrent.pieces[index] === null),
    [true, false, true, false, false]
  )
  t.equal(torrent._selections.length, 0, 'nothing is selected')
  t.equal(torrent._peers?.size, 0)
  t.same(torrent._critical, [])

  torrent._markUnverified(2)
  t.notOk(torrent.bitfield.get(2))
  t.ok(torrent.pieces[2], 'it can be asked for')
  t.equal(torrent._selections.length, 0, 'but is not selected by itself')
  torrent._markVerified(2)
  t.ok(torrent.bitfield.get(2) && torrent.pieces[2] === null)

  torrent._selections.insert({ from: 3, to: 4, offset: 0, priority: 0, isStreamSelection: true })
  torrent._selections.insert({ from: 4, to: 4, offset: 0, priority: 0, isStreamSelection: true })
  t.equal(torrent._selections.length, 2, 'stream selections are not merged')
  torrent._selections.clear()
  torrent._updateSelections()

  t.notOk(torrent._validAddr(`127.0.0.1:${client.torrentPort}`), 'it would not dial itself')
  t.equal(torrent._addIncomingPeer.length, 1)
  torrent._validAddr = () => false
  t.equal(torrent.addPeer('127.0.0.1:1'), false, 'every address passes _validAddr')
})

t.test('client.get is asked for each handshake, through the instance', async (t) => {
  const source = String(Object.getOwnPropertyDescriptor(WebTorrent.prototype, 'get')?.value)
  t.match(source, /^async get/)
})
