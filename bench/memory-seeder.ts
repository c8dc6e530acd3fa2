/**
 * The least that can seed to a browser: blocks out of memory straight into the data channel.
 *
 * No engine, no disk, no second process: what stock webtorrent in a page takes from the library at
 * most. It is its own tracker: it answers the first offer of every announce on its WebSocket. Reads
 * one `MemoryContent` as a line of JSON, answers with its `MemoryAnnounce`; trusts its only peer.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import nodeDataChannel, { type DataChannel } from 'node-datachannel'
import { type WebSocket, WebSocketServer } from 'ws'
import { offerText, parseOffer } from '../lib/swarm/webrtc/offer.ts'

export interface MemoryContent {
  readonly file: string
  readonly infoHash: string
  readonly pieceLength: number
}

export interface MemoryAnnounce {
  readonly url: string
}

interface Announce {
  readonly info_hash: string
  readonly offers?: readonly { readonly offer_id: string; readonly offer: { sdp: string } }[]
}

const PEER_ID = '-BM0001-benchbench00'
const HANDSHAKE_BYTES = 68
const UNCHOKE = Buffer.from([0, 0, 0, 1, 1])
const INTERESTED = 2
const REQUEST = 6
const PIECE = 7
const HEADER_BYTES = 13
/** Four whole blocks. */
const MESSAGE_BYTES = 4 * (HEADER_BYTES + 16 * 1024)
const MAX_UNSENT_BYTES = 512 * 1024
const RESUME_BYTES = 128 * 1024
const UPGRADER = new WebSocketServer({
  noServer: true,
  maxPayload: 64 * 1024,
  perMessageDeflate: false,
  clientTracking: false
})

createInterface({ input: process.stdin }).once('line', (line) => {
  const content: MemoryContent = JSON.parse(line)
  const bytes = readFileSync(content.file)
  const tracker = createServer()
  tracker.on('upgrade', (request, stream, head) => {
    UPGRADER.handleUpgrade(request, stream, head, (socket) => {
      socket.on('message', (data) => {
        meet(socket, JSON.parse(data.toString()), (channel) => seed(channel, content, bytes))
      })
    })
  })
  tracker.listen(0, '127.0.0.1', () => {
    const { port } = tracker.address() as AddressInfo
    const announce: MemoryAnnounce = { url: `ws://127.0.0.1:${port}/` }
    process.stdout.write(`${JSON.stringify(announce)}\n`)
  })
})

function meet(socket: WebSocket, said: Announce, onChannel: (channel: DataChannel) => void): void {
  const common = { action: 'announce', info_hash: said.info_hash, interval: 120 }
  socket.send(JSON.stringify({ ...common, complete: 1, incomplete: 0 }))
  const [first] = said.offers ?? []
  const offer = first === undefined ? undefined : parseOffer(first.offer.sdp, true)
  if (first === undefined || offer === undefined) return
  const connection = new nodeDataChannel.PeerConnection('memory', { iceServers: [] })
  connection.onGatheringStateChange((state) => {
    if (state !== 'complete') return
    const answer = { type: 'answer', sdp: connection.localDescription()?.sdp }
    const reply = { ...common, peer_id: PEER_ID, offer_id: first.offer_id, answer }
    socket.send(JSON.stringify(reply))
  })
  connection.onDataChannel((channel) => {
    channel.onClosed(() => connection.close())
    onChannel(channel)
  })
  connection.setRemoteDescription(offerText(offer), 'offer')
}

/** Answers requests in their order, several to a message, while the channel has room. */
function seed(channel: DataChannel, content: MemoryContent, bytes: Buffer): void {
  const requests: { index: number; begin: number; length: number }[] = []
  const message = Buffer.alloc(MESSAGE_BYTES)
  let unread = Buffer.alloc(0)
  let greeted = false
  channel.setBufferedAmountLowThreshold(RESUME_BYTES)
  channel.onBufferedAmountLow(fill)
  channel.onMessage((data) => {
    unread = Buffer.concat([unread, Buffer.from(data as ArrayBuffer)])
    if (!greeted && unread.length >= HANDSHAKE_BYTES) greet()
    while (greeted && unread.length >= 4 && unread.length >= 4 + unread.readUInt32BE()) read()
    fill()
  })

  function greet(): void {
    greeted = true
    unread = unread.subarray(HANDSHAKE_BYTES)
    const pieces = Math.ceil(bytes.length / content.pieceLength)
    const bitfield = Buffer.alloc(5 + Math.ceil(pieces / 8), 0xff)
    bitfield.writeUInt32BE(bitfield.length - 4)
    bitfield[4] = 5
    if (pieces % 8 > 0) bitfield[bitfield.length - 1] = 0xff00 >> (pieces % 8)
    const protocol = Buffer.from('\x13BitTorrent protocol\0\0\0\0\0\0\0\0', 'latin1')
    const identity = [Buffer.from(content.infoHash, 'hex'), Buffer.from(PEER_ID)]
    channel.sendMessageBinary(Buffer.concat([protocol, ...identity, bitfield]))
  }

  function read(): void {
    const end = 4 + unread.readUInt32BE()
    if (unread[4] === INTERESTED) channel.sendMessageBinary(UNCHOKE)
    if (unread[4] === REQUEST && end === 17) {
      const [index, begin, length] = [5, 9, 13].map((at) => unread.readUInt32BE(at))
      requests.push({ index: index ?? 0, begin: begin ?? 0, length: length ?? 0 })
    }
    unread = unread.subarray(end)
  }

  function fill(): void {
    while (requests.length > 0 && channel.bufferedAmount() < MAX_UNSENT_BYTES) {
      let used = 0
      for (let next = requests[0]; next !== undefined; next = requests[0]) {
        if (used > 0 && used + HEADER_BYTES + next.length > MESSAGE_BYTES) break
        used += lay(next, used)
        requests.shift()
      }
      channel.sendMessageBinary(message.subarray(0, used))
    }
  }

  function lay({ index, begin, length }: (typeof requests)[0], at: number): number {
    message.writeUInt32BE(HEADER_BYTES - 4 + length, at)
    message[at + 4] = PIECE
    message.writeUInt32BE(index, at + 5)
    message.writeUInt32BE(begin, at + 9)
    const from = index * content.pieceLength + begin
    bytes.copy(message, at + HEADER_BYTES, from, from + length)
    return HEADER_BYTES + length
  }
}
