/** Whom a torrent dials, over a dialler that connects when the test says so. */
import t from 'tap'
import type { PeerAddress } from '../../../../lib/swarm/contract.ts'
import { createPeerBook } from '../../../../lib/swarm/peer-book.ts'
import { createDialling, type Dialled } from '../../../../lib/swarm/wire/dialling.ts'
import { encodeHandshake, parseHandshake } from '../../../../lib/swarm/wire/handshake.ts'
import { freshPeerId } from '../../../../lib/swarm/wire/peer-id.ts'
import type { TcpEvents } from '../../../../lib/swarm/wire/tcp-stream.ts'
import { makeContent } from '../torrent-folder.ts'

const { infoHash } = makeContent('dialling', 1)
const { infoHash: another } = makeContent('another', 1)

/** A connection that is being made. */
interface Attempt {
  readonly address: string
  readonly events: TcpEvents
  readonly sent: Uint8Array[]
  isClosed: boolean
}

function makeDialling(more: { readonly mayDial?: (fleet: boolean) => boolean } = {}) {
  const attempts: Attempt[] = []
  const opened: Dialled[] = []
  const connected = new Set<string>()
  let halfOpen = 0
  const book = createPeerBook()
  const dialling = createDialling({
    infoHash,
    book,
    dht: false,
    tcp: {
      dial(host, port, _, events) {
        const attempt: Attempt = { address: `${host}:${port}`, events, sent: [], isClosed: false }
        attempts.push(attempt)
        return {
          host,
          port,
          transport: 'tcp',
          incoming: false,
          unsentBytes: 0,
          write: (bytes) => void attempt.sent.push(bytes),
          pause() {},
          resume() {},
          destroy() {
            if (attempt.isClosed) return
            attempt.isClosed = true
            queueMicrotask(() => events.onClose('closed'))
          }
        }
      }
    },
    mayDial: more.mayDial ?? (() => true),
    halfOpen(change) {
      halfOpen += change
    },
    connected: () => connected,
    opened: (dialled) => void opened.push(dialled)
  })
  return { book, dialling, attempts, opened, connected, halfOpen: () => halfOpen }
}

function peers(count: number, peerClass: PeerAddress['class'] = 'stranger'): PeerAddress[] {
  return Array.from({ length: count }, (_, at) => ({
    host: peerClass === 'stranger' ? '198.51.100.1' : '10.0.0.1',
    port: at + 1,
    class: peerClass
  }))
}

const hello = (hash = infoHash, peerId: Uint8Array = freshPeerId()) =>
  encodeHandshake({ infoHash: hash, peerId, dht: false })

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

t.test('few connections are made at a time; the next when one is done', async (t) => {
  const { book, dialling, attempts, opened, halfOpen } = makeDialling()
  book.add(peers(100))
  dialling.dial(0, true)
  dialling.dial(0, true)
  t.equal(attempts.length, 30)
  t.equal(book.tried, 30, 'the others are not said to have been tried')
  attempts[0]?.events.onOpen()
  attempts[0]?.events.onData(hello())
  attempts[1]?.events.onClose('refused')
  t.equal(opened.length, 1)
  t.equal(halfOpen(), 28)
  dialling.dial(0, true)
  t.equal(attempts.length, 32)
  t.equal(new Set(attempts.map(({ address }) => address)).size, 32, 'nobody twice')
})

t.test('where there is no room for strangers a node of the fleet is dialled', async (t) => {
  const { book, dialling, attempts } = makeDialling({ mayDial: (fleet) => fleet })
  book.add([...peers(3), ...peers(2, 'seeder')])
  dialling.dial(0, true)
  t.same(attempts.map(({ address }) => address).sort(), ['10.0.0.1:1', '10.0.0.1:2'])
})

t.test('who is connected is not dialled, and nobody after the end', async (t) => {
  const { book, dialling, attempts, connected, halfOpen } = makeDialling()
  book.add(peers(2))
  connected.add('198.51.100.1:1')
  dialling.dial(0, true)
  t.same(
    attempts.map(({ address }) => address),
    ['198.51.100.1:2']
  )
  dialling.close()
  await settled()
  t.equal(halfOpen(), 0)
  dialling.dial(60_000, true)
  t.equal(attempts.length, 1)
})

t.test('a handshake for another torrent, or none at all, ends the connection', async (t) => {
  const { book, dialling, attempts, opened } = makeDialling()
  book.add(peers(3))
  dialling.dial(0, true)
  attempts[0]?.events.onOpen()
  attempts[0]?.events.onData(hello(another))
  attempts[1]?.events.onOpen()
  attempts[1]?.events.onData(Buffer.from('HTTP/1.1 400'))
  attempts[2]?.events.onOpen()
  const own = parseHandshake(attempts[2]?.sent[0] ?? Buffer.alloc(0)).peerId
  attempts[2]?.events.onData(hello(infoHash, own))
  t.same(
    attempts.map(({ isClosed }) => isClosed),
    [true, true, true]
  )
  t.same(opened, [])
})

t.test('a connection to ourselves is known by its peer id, and not made again', async (t) => {
  const { book, dialling, attempts } = makeDialling()
  book.add(peers(1))
  dialling.dial(0, true)
  attempts[0]?.events.onOpen()
  const own = parseHandshake(attempts[0]?.sent[0] ?? Buffer.alloc(0)).peerId
  t.notOk(dialling.isOurs(freshPeerId()))
  t.ok(dialling.isOurs(own))
  attempts[0]?.events.onClose('closed')
  dialling.dial(Date.now(), true)
  t.equal(attempts.length, 1)
})

t.test('what comes behind the handshake is handed on', async (t) => {
  const { book, dialling, attempts, opened } = makeDialling()
  book.add(peers(1))
  dialling.dial(0, true)
  const bytes = Buffer.concat([hello(), Buffer.from([0, 0, 0, 1, 1])])
  attempts[0]?.events.onOpen()
  attempts[0]?.events.onData(bytes.subarray(0, 40))
  t.same(opened, [])
  attempts[0]?.events.onData(bytes.subarray(40))
  t.same(Buffer.from(opened[0]?.rest ?? []), Buffer.from([0, 0, 0, 1, 1]))
  const heard: number[] = []
  opened[0]?.tell({ onData: ({ length }) => void heard.push(length), onDrain() {}, onClose() {} })
  attempts[0]?.events.onData(Buffer.alloc(7))
  t.same(heard, [7])
})
