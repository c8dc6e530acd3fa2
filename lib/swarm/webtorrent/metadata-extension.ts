/**
 * BEP 9: gives the info dictionary to peers, or learns it from one.
 *
 * Takes the place of the package's `ut_metadata`, which ends the process on three kinds of message
 * and believes sizes. Serves the bytes exactly as hashed. Memory while learning grows with the
 * bytes that came, never with the size a peer claims.
 */

import type Wire from 'bittorrent-protocol'
import type { ExtendedHandshake, Extension } from 'bittorrent-protocol'
import { decodeBencode, encodeBencode } from '../../../core/bencode.ts'

const PIECE_BYTES = 16 * 1024
/** An info dictionary of 800 000 pieces; what is larger is not ours to fetch from strangers. */
const MAX_INFO_BYTES = 16 * 2 ** 20
/** The dictionary before the data has three small integers. */
const MAX_HEADER_BYTES = 128

const REQUEST = 0
const DATA = 1
const REJECT = 2

interface Header {
  readonly type: number
  readonly piece: number
  readonly end: number
}

/**
 * The extension for wires of one torrent.
 * @param info what to serve; undefined when it is what we ask for
 * @param onInfo every piece has come; called with unchecked bytes, once per wire
 */
export function metadataExtension(
  info: Uint8Array | undefined,
  onInfo: (bytes: Uint8Array, wire: Wire) => void
): new (
  wire: Wire
) => Extension {
  return class MetadataExtension implements Extension {
    readonly #wire: Wire
    readonly #chunks: Uint8Array[] = []
    #size = 0

    constructor(wire: Wire) {
      this.#wire = wire
      if (info !== undefined) wire.extendedHandshake.metadata_size = info.byteLength
    }

    get name(): string {
      return 'ut_metadata'
    }

    onExtendedHandshake(handshake: ExtendedHandshake): void {
      const size = handshake.metadata_size
      if (info !== undefined || this.#size !== 0 || typeof size !== 'number') return
      if (!Number.isInteger(size) || size < 1 || size > MAX_INFO_BYTES) return
      this.#size = size
      this.#ask()
    }

    onMessage(bytes: Uint8Array): void {
      const header = parseHeader(bytes)
      if (header === undefined) return
      if (header.type === REQUEST) this.#answer(header.piece)
      else if (header.type === DATA) this.#take(header.piece, bytes.subarray(header.end))
    }

    /** Called by webtorrent when it learns metadata; this extension was made with it. */
    setMetadata(): void {}

    #ask(): void {
      this.#send({ msg_type: REQUEST, piece: this.#chunks.length })
    }

    #answer(piece: number): void {
      const start = piece * PIECE_BYTES
      if (info === undefined || start < 0 || start >= info.byteLength) {
        this.#send({ msg_type: REJECT, piece })
      } else {
        const data = info.subarray(start, start + PIECE_BYTES)
        this.#send({ msg_type: DATA, piece, total_size: info.byteLength }, data)
      }
    }

    /** Pieces are asked for one after the other, so any other one is unsolicited. */
    #take(piece: number, data: Uint8Array): void {
      const start = piece * PIECE_BYTES
      const expected = Math.min(PIECE_BYTES, this.#size - start)
      if (piece !== this.#chunks.length || expected <= 0 || data.byteLength !== expected) return
      this.#chunks.push(new Uint8Array(data))
      if (start + expected < this.#size) this.#ask()
      else onInfo(Buffer.concat(this.#chunks), this.#wire)
    }

    #send(header: Record<string, number>, data: Uint8Array = new Uint8Array()): void {
      if (!this.#wire.peerExtendedMapping.ut_metadata) return
      this.#wire.extended('ut_metadata', Buffer.concat([encodeBencode(header), data]))
    }
  }
}

function parseHeader(bytes: Uint8Array): Header | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MAX_HEADER_BYTES))
  const end = head.indexOf('ee') + 2
  if (end < 2) return undefined
  try {
    const header = decodeBencode(head.subarray(0, end), { strict: false })
    if (!(header instanceof Map)) return undefined
    const type = header.get('msg_type')
    const piece = header.get('piece')
    if (typeof type !== 'number' || typeof piece !== 'number') return undefined
    return { type, piece, end }
  } catch {
    return undefined
  }
}
