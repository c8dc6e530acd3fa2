import t from 'tap'
import { type BencodeInput, encodeBencode } from '../../../../core/bencode.ts'
import {
  encodeExtensionHandshake,
  MAX_EXTENSION_HANDSHAKE_BYTES,
  OUR_EXTENSIONS,
  parseExtensionHandshake
} from '../../../../lib/swarm/wire/extension-handshake.ts'
import { WireError } from '../../../../lib/swarm/wire/wire-error.ts'

const proof = Buffer.alloc(32, 7)
const node = { id: 'a'.repeat(32), role: 'gateway', proof, wire: '[2001:db8::1]:6981' } as const
const SILENT = parseExtensionHandshake(Buffer.from('de'))

function parse(fields: Record<string, BencodeInput>) {
  return parseExtensionHandshake(encodeBencode(fields))
}

t.test('what one node says the other reads', async (t) => {
  const payload = encodeExtensionHandshake({
    metadataSize: 1234,
    reqq: 1024,
    port: 6881,
    version: 'Swarmgate 0.1.0',
    uploadOnly: true,
    yourIp: '1.2.3.4',
    pex: true,
    node
  })
  t.strictSame(parseExtensionHandshake(payload), {
    m: OUR_EXTENSIONS,
    metadataSize: 1234,
    reqq: 1024,
    port: 6881,
    version: 'Swarmgate 0.1.0',
    uploadOnly: true,
    yourIp: '1.2.3.4',
    node
  })
})

t.test('what is not said is not there', async (t) => {
  const payload = encodeExtensionHandshake({
    reqq: 250,
    version: 'x',
    uploadOnly: false,
    pex: false
  })
  t.strictSame(parseExtensionHandshake(payload), {
    ...SILENT,
    m: { ...OUR_EXTENSIONS, ut_pex: 0 },
    reqq: 250,
    version: 'x'
  })
  t.strictSame(SILENT, {
    m: { ut_metadata: 0, ut_pex: 0, lt_donthave: 0, sg_fleet: 0 },
    metadataSize: undefined,
    reqq: undefined,
    port: undefined,
    version: undefined,
    uploadOnly: false,
    yourIp: undefined,
    node: undefined
  })
})

t.test('a field of a wrong type or out of range counts as not said', async (t) => {
  const wrong: readonly Record<string, BencodeInput>[] = [
    { m: 5 },
    { m: [1, 2] },
    { m: 'ut_pex' },
    { m: { ut_pex: -1, ut_metadata: 256, lt_donthave: 'x', sg_fleet: [1], other: 3 } },
    { m: { __proto__: 3, constructor: 4, toString: 5 } },
    { metadata_size: 0 },
    { metadata_size: -5 },
    { metadata_size: '100' },
    { metadata_size: 2n ** 60n },
    { reqq: 0 },
    { reqq: -1 },
    { reqq: { a: 1 } },
    { p: 0 },
    { p: 65_536 },
    { p: 'port' },
    { v: 7 },
    { v: '' },
    { v: ' \u0000\u001b ' },
    { upload_only: 0 },
    { upload_only: 'yes' },
    { yourip: 'abc' },
    { yourip: Buffer.alloc(5) },
    { yourip: 1 },
    { sg: 'x' },
    { sg: { ...node, role: 'tracker' } },
    { sg: { ...node, id: '' } },
    { sg: { ...node, id: 'a b' } },
    { sg: { ...node, id: 'a'.repeat(129) } },
    { sg: { ...node, id: 5 } },
    { sg: { ...node, proof: proof.subarray(1) } },
    { sg: { id: node.id, role: node.role } },
    { unknown: [[[1]], { a: {} }] }
  ]
  for (const fields of wrong)
    t.strictSame(parse(fields), SILENT, JSON.stringify(Object.keys(fields)))
})

t.test('one wrong field does not spoil the others', async (t) => {
  const read = parse({ m: { ut_metadata: 3, ut_pex: 'x' }, metadata_size: 9, reqq: [], p: 6881 })
  t.match(read, { m: { ut_metadata: 3, ut_pex: 0 }, metadataSize: 9, reqq: undefined, port: 6881 })
})

t.test('a wire address that is none leaves the rest of the claim', async (t) => {
  for (const wire of ['nowhere', ':1', 'host:0', 'host:65536', `${'h'.repeat(300)}:1`, 5]) {
    t.strictSame(parse({ sg: { ...node, wire } }).node, { ...node, wire: undefined })
  }
})

t.test('a name is made fit to be written down', async (t) => {
  t.equal(parse({ v: 'a\u0000\u001b[31mb\nc' }).version, 'a [31mb c')
  t.equal(parse({ v: 'x'.repeat(10_000) }).version, 'x'.repeat(64))
  t.equal(parse({ v: Buffer.from([0x61, 0xff, 0xfe]) }).version, 'a\ufffd\ufffd')
})

t.test('a later handshake changes what it names and nothing else', async (t) => {
  const first = parse({
    m: { ut_metadata: 3, ut_pex: 1 },
    metadata_size: 100,
    reqq: 5,
    upload_only: 1
  })
  const later = encodeBencode({ m: { ut_pex: 0, lt_donthave: 7 }, reqq: 9 })
  t.strictSame(parseExtensionHandshake(later, first), {
    ...first,
    m: { ut_metadata: 3, ut_pex: 0, lt_donthave: 7, sg_fleet: 0 },
    reqq: 9
  })
  t.equal(parseExtensionHandshake(encodeBencode({ upload_only: 0 }), first).uploadOnly, false)
})

t.test('what is no dictionary says nothing, what is no bencode is refused', async (t) => {
  for (const value of [5, 'text', ['list']]) {
    t.strictSame(parseExtensionHandshake(encodeBencode(value)), SILENT)
  }
  for (const text of ['', 'd', 'x', 'di1e1:ae', 'd1:m', 'd1:md9:ut_pex', 'l'.repeat(1000)]) {
    t.throws(() => parseExtensionHandshake(Buffer.from(text)), WireError, text.slice(0, 10))
  }
})

t.test('a handshake that is too long is not read at all', async (t) => {
  const long = Buffer.alloc(MAX_EXTENSION_HANDSHAKE_BYTES + 1, 'l')
  t.strictSame(parseExtensionHandshake(long), SILENT)
})

t.test('what was read outlives the bytes it was read from', async (t) => {
  const payload = encodeBencode({ sg: node })
  const { node: read } = parseExtensionHandshake(payload)
  payload.fill(0)
  t.strictSame(read, node)
})
