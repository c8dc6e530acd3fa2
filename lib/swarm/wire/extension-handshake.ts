/**
 * The handshake of the extension protocol (BEP 10), and what rides in it: metadata size (BEP 9),
 * upload-only (BEP 21), and who we are in the fleet (`sg`, ours alone).
 *
 * Reading is lenient in meaning and strict in form: a field of a wrong type or size counts as not
 * there, nothing but bytes that are no bencode breaks the protocol. Nothing is built from what is
 * not asked for.
 */
import { encodeBencode } from '../../../core/bencode.ts'
import { BencodeError, BencodeReader } from '../../../core/bencode-reader.ts'
import { parseAddress } from '../address.ts'
import { bytesOf, hostOf } from './compact-address.ts'
import { WireError } from './wire-error.ts'

/** The message ids by which we know our extensions; peers have their own. */
export const OUR_EXTENSIONS = { ut_metadata: 1, ut_pex: 2, lt_donthave: 3, sg_fleet: 4 } as const

export type ExtensionName = keyof typeof OUR_EXTENSIONS

/** A longer handshake is not read: libtorrent's has some 300 bytes. */
export const MAX_EXTENSION_HANDSHAKE_BYTES = 16 * 1024
const MAX_VERSION_CHARS = 64
const MAX_NODE_ID_BYTES = 128
const MAX_WIRE_BYTES = 272
const PROOF_BYTES = 32

/** What a fleet node says of itself; worth nothing before `verifyNode` agreed. */
export interface NodeClaim {
  readonly id: string
  readonly role: 'seeder' | 'gateway'
  /** 32 bytes, see `fleet-proof.ts`. */
  readonly proof: Uint8Array
  /** `host:port` where it accepts connections for this torrent. */
  readonly wire?: string | undefined
}

export interface OurHandshakeFields {
  /** Bytes of the info dictionary, if we have it. */
  readonly metadataSize?: number | undefined
  /** Requests that we queue. */
  readonly reqq: number
  /** The TCP port we listen on. */
  readonly port?: number | undefined
  readonly version: string
  /** We want nothing of this torrent. */
  readonly uploadOnly: boolean
  /** The address we see the peer at. */
  readonly yourIp?: string | undefined
  /** False for private torrents (BEP 27): `ut_pex` is not offered. */
  readonly pex: boolean
  readonly node?: NodeClaim | undefined
}

/** Undefined is what the peer did not say, or not in a way that can be meant. */
export interface TheirExtensions {
  /** The peer's message ids, 1 to 255; 0 for what it does not speak. */
  readonly m: Readonly<Record<ExtensionName, number>>
  readonly metadataSize: number | undefined
  /** At least 1. */
  readonly reqq: number | undefined
  /** 1 to 65535. */
  readonly port: number | undefined
  /** Client and version as it calls itself, printable, at most 64 characters. */
  readonly version: string | undefined
  readonly uploadOnly: boolean
  /** The address it sees us at. */
  readonly yourIp: string | undefined
  readonly node: NodeClaim | undefined
}

export function encodeExtensionHandshake(ours: OurHandshakeFields): Buffer {
  const { ut_pex, ...others } = OUR_EXTENSIONS
  const { node } = ours
  return encodeBencode({
    m: ours.pex ? OUR_EXTENSIONS : others,
    metadata_size: ours.metadataSize,
    p: ours.port,
    reqq: ours.reqq,
    sg: node && { id: node.id, proof: node.proof, role: node.role, wire: node.wire },
    upload_only: ours.uploadOnly ? 1 : undefined,
    v: ours.version,
    yourip: ours.yourIp === undefined ? undefined : bytesOf(ours.yourIp)
  })
}

const NOTHING: TheirExtensions = {
  m: { ut_metadata: 0, ut_pex: 0, lt_donthave: 0, sg_fleet: 0 },
  metadataSize: undefined,
  reqq: undefined,
  port: undefined,
  version: undefined,
  uploadOnly: false,
  yourIp: undefined,
  node: undefined
}

/**
 * Reads a handshake; all of it is copied. Throws `WireError` for bytes that are no bencode.
 * @param before what an earlier handshake of the peer said: stays unless this one says otherwise
 */
export function parseExtensionHandshake(payload: Uint8Array, before = NOTHING): TheirExtensions {
  if (payload.byteLength > MAX_EXTENSION_HANDSHAKE_BYTES) return before
  const said: Mutable<TheirExtensions> = { ...before }
  try {
    const reader = new BencodeReader(payload)
    members(reader, (key) => readField(reader, key, said))
  } catch (error) {
    if (error instanceof BencodeError) throw new WireError('extension handshake is not bencode')
    throw error
  }
  return said
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

function readField(reader: BencodeReader, key: string, said: Mutable<TheirExtensions>): void {
  switch (key) {
    case 'm':
      said.m = readIds(reader, said.m)
      break
    case 'metadata_size':
      said.metadataSize = integer(reader, 1, Number.MAX_SAFE_INTEGER) ?? said.metadataSize
      break
    case 'reqq':
      said.reqq = integer(reader, 1, Number.MAX_SAFE_INTEGER) ?? said.reqq
      break
    case 'p':
      said.port = integer(reader, 1, 65_535) ?? said.port
      break
    case 'upload_only':
      said.uploadOnly = (integer(reader, 0, 255) ?? Number(said.uploadOnly)) > 0
      break
    case 'v':
      said.version = printable(text(reader)) ?? said.version
      break
    case 'yourip':
      said.yourIp = hostOf(text(reader) ?? new Uint8Array()) ?? said.yourIp
      break
    case 'sg':
      said.node = readNode(reader) ?? said.node
      break
    default:
      reader.skip()
  }
}

function readIds(reader: BencodeReader, before: TheirExtensions['m']): TheirExtensions['m'] {
  const m = { ...before }
  members(reader, (key) => {
    const id = integer(reader, 0, 255)
    if (id !== undefined && isExtension(key)) m[key] = id
  })
  return m
}

/** Undefined unless every part is as it must be. */
function readNode(reader: BencodeReader): NodeClaim | undefined {
  const fields = new Map<string, Buffer>()
  members(reader, (key) => {
    const value = text(reader)
    if (value !== undefined && /^(id|role|proof|wire)$/.test(key)) fields.set(key, value)
  })
  const id = fields.get('id')
  const role = fields.get('role')?.toString('latin1')
  const proof = fields.get('proof')
  if (role !== 'seeder' && role !== 'gateway') return undefined
  if (id === undefined || proof?.byteLength !== PROOF_BYTES) return undefined
  if (id.byteLength > MAX_NODE_ID_BYTES || !/^[\x21-\x7e]+$/.test(id.toString('latin1'))) {
    return undefined
  }
  const wire = addressText(fields.get('wire'))
  return { id: id.toString('latin1'), role, proof: Buffer.from(proof), wire }
}

function addressText(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined || bytes.byteLength > MAX_WIRE_BYTES) return undefined
  const address = Buffer.from(bytes).toString('latin1')
  return parseAddress(address) === undefined ? undefined : address
}

function isExtension(key: string): key is ExtensionName {
  return Object.hasOwn(OUR_EXTENSIONS, key)
}

/** Visits the members of a dict; any other value is passed over. */
function members(reader: BencodeReader, visit: (key: string) => void): void {
  if (reader.peek() === 'dict') reader.dict(visit)
  else reader.skip()
}

/** An integer within the bounds; any other value is passed over, integers of any size too. */
function integer(reader: BencodeReader, min: number, max: number): number | undefined {
  const start = reader.at
  const kind = reader.peek()
  reader.skip()
  if (kind !== 'integer') return undefined
  const value = Number(reader.bytes.toString('latin1', start + 1, reader.at - 1))
  return value >= min && value <= max ? value : undefined
}

/** A string, as a view of the input; any other value is passed over. */
function text(reader: BencodeReader): Buffer | undefined {
  if (reader.peek() === 'string') return reader.string()
  reader.skip()
  return undefined
}

function printable(bytes: Buffer | undefined): string | undefined {
  const name = bytes?.subarray(0, 4 * MAX_VERSION_CHARS).toString('utf8')
  return (
    name
      ?.replace(/[\p{C}\p{Z}]+/gu, ' ')
      .trim()
      .slice(0, MAX_VERSION_CHARS) || undefined
  )
}
