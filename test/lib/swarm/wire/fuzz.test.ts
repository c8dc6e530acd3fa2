/**
 * Whatever a peer sends, nothing but `WireError` comes out of parsing it.
 *
 * Right, damaged and random messages, in chunks of any size, through the frame parser and from it
 * into the parsers of payloads, and through those alone. The seed is fixed and printed: a failure
 * comes again.
 */
import t from 'tap'
import { Bitfield } from '../../../../core/bitfield.ts'
import { infoHashOf } from '../../../../core/info-hash.ts'
import {
  encodeExtensionHandshake,
  parseExtensionHandshake
} from '../../../../lib/swarm/wire/extension-handshake.ts'
import { encodeFleetMessage, parseFleetMessage } from '../../../../lib/swarm/wire/fleet-message.ts'
import { createFrameParser } from '../../../../lib/swarm/wire/frame-parser.ts'
import {
  checkHandshakePrefix,
  encodeHandshake,
  parseHandshake
} from '../../../../lib/swarm/wire/handshake.ts'
import { createMetadataFetch } from '../../../../lib/swarm/wire/metadata-fetch.ts'
import {
  encodeMetadataData,
  encodeMetadataReject,
  encodeMetadataRequest,
  metadataPiece,
  parseMetadataMessage
} from '../../../../lib/swarm/wire/metadata-message.ts'
import { createPexFeed, parsePex } from '../../../../lib/swarm/wire/peer-exchange.ts'
import { freshPeerId } from '../../../../lib/swarm/wire/peer-id.ts'
import { WireError } from '../../../../lib/swarm/wire/wire-error.ts'
import { hostileBytes } from './hostile-bytes.ts'
import { frame, LIMITS, recordedFrames, u32 } from './recorded-frames.ts'

const SEED = 20_261_122
const MESSAGES = 120_000
const PAYLOADS = 30_000
/** A stream that lost its step swallows what follows: it is ended after so many messages. */
const STREAM = 12

const info = Buffer.alloc(40_000, 'i')
const infoHash = infoHashOf(info)
const node = { id: 'n'.repeat(32), role: 'seeder', proof: Buffer.alloc(32, 1), wire: '[::1]:6881' }

const PAYLOAD = {
  handshake: encodeExtensionHandshake({
    metadataSize: info.length,
    reqq: 1024,
    port: 6881,
    version: 'Swarmgate',
    uploadOnly: true,
    yourIp: '2001:db8::1',
    pex: true,
    node: { ...node, role: 'gateway' }
  }),
  request: encodeMetadataRequest(1),
  reject: encodeMetadataReject(1),
  data: encodeMetadataData(1, info.length, metadataPiece(info, 1) ?? info),
  short: encodeMetadataData(2, info.length, metadataPiece(info, 2)?.subarray(0, 100) ?? info),
  pex:
    createPexFeed().next(0, [
      { host: '1.2.3.4', port: 1, seed: true },
      { host: '2001:db8::1', port: 2, seed: false }
    ]) ?? info,
  fleet: encodeFleetMessage([{ host: '10.0.0.1', port: 6881 }])
}

type PayloadParser = (payload: Uint8Array) => unknown

/** By the id of the extension, as `OUR_EXTENSIONS` has them. */
const PARSERS: Readonly<Record<number, PayloadParser>> = {
  0: parseExtensionHandshake,
  1: tellFetch,
  2: parsePex,
  4: parseFleetMessage
}

const RIGHT: readonly [Buffer, ...Buffer[]] = [
  u32(0),
  ...[0, 1, 2, 3, 14, 15].map((id) => frame(id)),
  ...[4, 13, 17].map((id) => frame(id, 3)),
  ...[6, 8, 16].map((id) => frame(id, 3, 16_384, 16_384)),
  frame(5, Buffer.from([0xff, 0xe0])),
  frame(7, 3, 16_384, Buffer.alloc(500, 'b')),
  frame(9, Buffer.from([0x1a, 0xe1])),
  frame(20, Buffer.from([0]), PAYLOAD.handshake),
  frame(20, Buffer.from([1]), PAYLOAD.request),
  frame(20, Buffer.from([1]), PAYLOAD.short),
  frame(20, Buffer.from([2]), PAYLOAD.pex),
  frame(20, Buffer.from([3]), Buffer.from([0, 0, 0, 1])),
  frame(20, Buffer.from([4]), PAYLOAD.fleet),
  frame(33, Buffer.alloc(20))
]

/** A fetch that is never over, told whatever comes. */
const fetch = createMetadataFetch({ infoHash: infoHashOf(Buffer.from('other')), maxBytes: 2 ** 20 })
let fetches = 0

function tellFetch(payload: Uint8Array): void {
  const message = parseMetadataMessage(payload)
  if (message === undefined) return
  const peer = ++fetches % 50
  if (peer === 0) fetch.tick(fetches * 100)
  fetch.peerReady(peer, info.length)
  while (fetch.next(peer) !== undefined);
  if (message.type === 'data') fetch.data(peer, message.piece, message.totalSize, message.bytes)
  else if (message.type === 'reject') fetch.rejected(peer, message.piece)
}

/** Handlers that parse what they are given, as a peer does. */
function parsingFrames() {
  const handler = recordedFrames()
  return Object.assign(handler, {
    bitfield(bytes: Uint8Array) {
      handler.calls.push(['bitfield'])
      if (Bitfield.fromWire(bytes, 11) === undefined) throw new WireError('wrong bitfield')
    },
    extended(id: number, payload: Uint8Array) {
      handler.calls.push(['extended', id])
      PARSERS[id]?.(payload)
    }
  })
}

/** True when it was refused; anything but `WireError` is thrown on. */
function isRefused(act: () => void): boolean {
  try {
    act()
    return false
  } catch (error) {
    if (error instanceof WireError) return true
    throw error
  }
}

t.test(`${MESSAGES} messages through the frame parser`, async (t) => {
  t.comment(`seed ${SEED}`)
  const hostile = hostileBytes(SEED)
  const told = new Map<string, number>()
  let refusals = 0
  let handler = parsingFrames()
  let parser = createFrameParser(handler, { ...LIMITS })
  for (let count = 0; count < MESSAGES; count++) {
    const right = hostile.pick(RIGHT)
    const kind = hostile.below(10)
    const bytes = kind < 6 ? right : kind < 9 ? hostile.mutated(right) : hostile.noise(40)
    const cut = hostile.below(bytes.length + 1)
    const refused = isRefused(() => {
      parser.push(bytes.subarray(0, cut))
      parser.push(bytes.subarray(cut))
    })
    for (const [name] of handler.calls.splice(0))
      told.set(`${name}`, (told.get(`${name}`) ?? 0) + 1)
    if (refused) refusals++
    else if (count % STREAM !== 0) continue
    handler = parsingFrames()
    parser = createFrameParser(handler, { ...LIMITS })
  }
  t.ok(refusals > MESSAGES / 50, `${refusals} refusals`)
  const names = Object.keys(recordedFrames()).filter(
    (name) => name !== 'calls' && name !== 'skipped'
  )
  for (const name of names) t.ok((told.get(name) ?? 0) > 1000, `${name}: ${told.get(name)} times`)
})

t.test(`${PAYLOADS} payloads through each parser`, async (t) => {
  t.comment(`seed ${SEED}`)
  const parsers: Readonly<Record<string, readonly [PayloadParser, Buffer]>> = {
    'extension handshake': [parseExtensionHandshake, PAYLOAD.handshake],
    'metadata request': [tellFetch, PAYLOAD.request],
    'metadata reject': [tellFetch, PAYLOAD.reject],
    'metadata data': [tellFetch, PAYLOAD.short],
    'peer exchange': [parsePex, PAYLOAD.pex],
    'fleet message': [parseFleetMessage, PAYLOAD.fleet],
    handshake: [parseHandshake, encodeHandshake({ infoHash, peerId: freshPeerId(), dht: true })],
    'handshake prefix': [checkHandshakePrefix, Buffer.from('\x13BitTorrent protocol', 'latin1')]
  }
  for (const [name, [parse, right]] of Object.entries(parsers)) {
    const hostile = hostileBytes(SEED)
    parse(right)
    let refusals = 0
    for (let count = 0; count < PAYLOADS; count++) {
      const bytes = hostile.below(10) === 0 ? hostile.noise(60) : hostile.mutated(right)
      if (isRefused(() => parse(bytes))) refusals++
    }
    t.ok(refusals > 0 && refusals < PAYLOADS, `${name}: ${refusals} refused`)
  }
})

t.test('dictionaries of any members are read as handshakes', async (t) => {
  t.comment(`seed ${SEED}`)
  const hostile = hostileBytes(SEED)
  const keys = ['m', 'metadata_size', 'reqq', 'p', 'upload_only', 'v', 'yourip', 'sg', 'x'] as const
  const values = [
    'de',
    'le',
    'i0e',
    'i-1e',
    `i${'9'.repeat(40)}e`,
    '0:',
    '4:abcd',
    '1:\xff'
  ] as const
  const nested = ['ut_pex', 'ut_metadata', 'id', 'role', 'proof', 'wire', '__proto__'] as const
  const text = (value: string) => `${value.length}:${value}`
  const member = (from: readonly [string, ...string[]]) =>
    text(hostile.pick(from)) + hostile.pick<string>(values)
  let refusals = 0
  for (let count = 0; count < 20_000; count++) {
    let dict = ''
    for (let members = hostile.below(6); members > 0; members--) {
      const inner = Array.from({ length: hostile.below(4) }, () => member(nested)).join('')
      const isDict = hostile.below(2) === 0
      dict += isDict ? `${text(hostile.pick(keys))}d${inner}e` : member(keys)
    }
    const payload = Buffer.from(`d${dict}e`, 'latin1')
    if (!isRefused(() => parseExtensionHandshake(payload))) continue
    refusals++
    t.comment(`refused: d${dict}e`)
  }
  t.equal(refusals, 0)
})
