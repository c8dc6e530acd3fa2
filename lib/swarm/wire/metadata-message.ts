/**
 * BEP 9 messages: the info dictionary, asked for and given in pieces of 16 KiB.
 *
 * A small dict, and behind the dict of a `data` message the bytes themselves.
 */
import { encodeBencode } from '../../../core/bencode.ts'
import { BencodeError, BencodeReader } from '../../../core/bencode-reader.ts'
import { WireError } from './wire-error.ts'

export const METADATA_PIECE_BYTES = 16 * 1024

/** How often one connection may ask for the whole: who wants it more often has another aim. */
export const METADATA_ROUNDS = 3

const TYPE = { request: 0, data: 1, reject: 2 } as const

export type MetadataMessage =
  | { readonly type: 'request'; readonly piece: number }
  | {
      readonly type: 'data'
      readonly piece: number
      /** Bytes of the whole info dictionary, as the sender says; 0 when it does not. */
      readonly totalSize: number
      /** A view of the payload. */
      readonly bytes: Uint8Array
    }
  | { readonly type: 'reject'; readonly piece: number }

export function encodeMetadataRequest(piece: number): Buffer {
  return encodeBencode({ msg_type: TYPE.request, piece })
}

export function encodeMetadataReject(piece: number): Buffer {
  return encodeBencode({ msg_type: TYPE.reject, piece })
}

/** @param totalSize bytes of the whole info dictionary */
export function encodeMetadataData(piece: number, totalSize: number, bytes: Uint8Array): Buffer {
  const header = encodeBencode({ msg_type: TYPE.data, piece, total_size: totalSize })
  return Buffer.concat([header, bytes])
}

/**
 * What a `ut_metadata` message says; undefined for a type we do not know, which BEP 9 wants ignored.
 * Throws `WireError` for what is no such message.
 */
export function parseMetadataMessage(payload: Uint8Array): MetadataMessage | undefined {
  const reader = new BencodeReader(payload)
  const { msg_type: type, piece, total_size: totalSize } = readHeader(reader)
  if (type === undefined || piece === undefined) throw new WireError('metadata message of no sense')
  if (piece < 0 || piece > 0xffff_ffff) throw new WireError('metadata piece out of range')
  if (type === TYPE.request) return { type: 'request', piece }
  if (type === TYPE.reject) return { type: 'reject', piece }
  if (type !== TYPE.data) return undefined
  const bytes = payload.subarray(reader.at)
  if (bytes.byteLength > METADATA_PIECE_BYTES) throw new WireError('metadata piece too long')
  return { type: 'data', piece, totalSize: Math.max(0, totalSize ?? 0), bytes }
}

/** How many pieces an info dictionary of `size` bytes has. */
export function metadataPieces(size: number): number {
  return Math.ceil(size / METADATA_PIECE_BYTES)
}

/** A piece to give, as a view; undefined when there is none of that number. */
export function metadataPiece(info: Uint8Array, piece: number): Uint8Array | undefined {
  const start = piece * METADATA_PIECE_BYTES
  if (start >= info.byteLength) return undefined
  return info.subarray(start, start + METADATA_PIECE_BYTES)
}

/** Requests that one connection may make in all for an info dictionary of `size` bytes. */
export function maxMetadataRequests(size: number): number {
  return METADATA_ROUNDS * metadataPieces(size)
}

type Header = { msg_type?: number; piece?: number; total_size?: number }

function readHeader(reader: BencodeReader): Header {
  const header: Header = {}
  try {
    reader.dict((key) => {
      const known = key === 'msg_type' || key === 'piece' || key === 'total_size'
      if (known) header[key] = reader.integer()
      else reader.skip()
    })
  } catch (error) {
    if (error instanceof BencodeError) throw new WireError('metadata message is not bencode')
    throw error
  }
  return header
}
