/** A leecher of no cost: asks for blocks and throws them away, many requests at a time. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Geometry, pieceSize } from '../core/geometry.ts'
import { type InfoHash, infoHashBytes } from '../core/info-hash.ts'

const BLOCK = 16 * 1024
const PIPELINED = 64
const HANDSHAKE_BYTES = 68
/** Length, id, and the index and offset of a block. */
const HEADER_BYTES = 13
const ID = { choke: 0, unchoke: 1, interested: 2, request: 6, piece: 7 } as const
const INTERESTED = Buffer.from([0, 0, 0, 1, ID.interested])

export interface Leech {
  /** `host:port` of the seeder. */
  readonly peer: string
  readonly infoHash: InfoHash
  readonly geometry: Geometry
  /** In this order, each once, block by block. */
  readonly pieces: readonly number[]
  /** The address of this machine to come from. */
  readonly from: string
}

export interface Leeched {
  /** Bytes of blocks. */
  readonly payload: number
  /** All bytes that were sent to the seeder. */
  readonly sent: number
}

/** Resolves when every block has come; rejects when the seeder ends the connection before. */
export async function leechPieces(leech: Leech): Promise<Leeched> {
  const { hostname, port } = new URL(`tcp://${leech.peer}`)
  const to = { host: hostname, port: Number(port), localAddress: leech.from, noDelay: true }
  const socket = connect(to)
  await once(socket, 'connect')
  const requests = requestsFor(leech)
  const wanted = leech.pieces.reduce((sum, index) => sum + pieceSize(leech.geometry, index), 0)
  const { promise: whole, resolve, reject } = Promise.withResolvers<void>()
  let payload = 0
  let out = 0
  let interested = false
  const parse = createCounter((id, bytes) => {
    // Not before: webtorrent forgets who was interested before it had said what it has.
    if (!interested) socket.write(INTERESTED)
    interested = true
    if (id === ID.unchoke) ask(PIPELINED)
    // What was asked for is not answered: a bench of choking would be another one.
    if (id === ID.choke && out > 0) reject(new Error('choked while leeching'))
    if (id !== ID.piece) return
    payload += bytes
    out--
    if (payload >= wanted) resolve()
    else if (out <= PIPELINED / 2) ask(PIPELINED - out)
  })

  function ask(count: number): void {
    const batch = requests.splice(-count).reverse()
    out += batch.length
    if (batch.length > 0) socket.write(Buffer.concat(batch))
  }

  socket.on('data', parse)
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('the seeder closed the connection')))
  greet(socket, leech.infoHash)
  try {
    await whole
    return { payload, sent: socket.bytesWritten }
  } finally {
    socket.destroy()
  }
}

function greet(socket: Socket, infoHash: InfoHash): void {
  const name = Buffer.from('\x13BitTorrent protocol\0\0\0\0\0\0\0\0', 'latin1')
  const id = Buffer.concat([Buffer.from('-BN0001-'), randomBytes(12)])
  socket.write(Buffer.concat([name, infoHashBytes(infoHash), id]))
}

/** The last is to be sent first. */
function requestsFor({ pieces, geometry }: Leech): Buffer[] {
  const requests: Buffer[] = []
  for (const index of pieces) {
    const size = pieceSize(geometry, index)
    for (let offset = 0; offset < size; offset += BLOCK) {
      const message = Buffer.alloc(17)
      message.writeUInt32BE(13, 0)
      message[4] = ID.request
      message.writeUInt32BE(index, 5)
      message.writeUInt32BE(offset, 9)
      message.writeUInt32BE(Math.min(BLOCK, size - offset), 13)
      requests.push(message)
    }
  }
  return requests.reverse()
}

/** Tells of each message once it is there in full: its id, and the length of its block. */
function createCounter(onMessage: (id: number, blockBytes: number) => void) {
  const header = Buffer.alloc(HEADER_BYTES)
  let filled = 0
  let handshake = HANDSHAKE_BYTES
  /** Bytes of the message that are still to come behind its header. */
  let body = 0

  /** A message shorter than a block's header is read no further than it goes. */
  function headerLength(): number {
    return filled < 4 ? 4 : Math.min(HEADER_BYTES, 4 + header.readUInt32BE(0))
  }

  function end(): void {
    const length = header.readUInt32BE(0)
    if (length > 0) onMessage(header[4] as number, 4 + length - HEADER_BYTES)
    filled = 0
  }

  return (bytes: Buffer): void => {
    let at = Math.min(handshake, bytes.length)
    handshake -= at
    while (at < bytes.length) {
      const inBody = body > 0
      const step = Math.min(inBody ? body : headerLength() - filled, bytes.length - at)
      if (inBody) body -= step
      else {
        bytes.copy(header, filled, at, at + step)
        filled += step
        if (filled < 4 || filled < headerLength()) {
          at += step
          continue
        }
        body = 4 + header.readUInt32BE(0) - filled
      }
      at += step
      if (body === 0) end()
    }
  }
}
