import t from 'tap'
import { encodeBencode } from '../../../../core/bencode.ts'
import {
  encodeMetadataData,
  encodeMetadataReject,
  encodeMetadataRequest,
  METADATA_PIECE_BYTES,
  maxMetadataRequests,
  metadataPiece,
  metadataPieces,
  parseMetadataMessage
} from '../../../../lib/swarm/wire/metadata-message.ts'
import { WireError } from '../../../../lib/swarm/wire/wire-error.ts'

t.test('messages are those of BEP 9', async (t) => {
  const text = (bytes: Buffer) => bytes.toString('latin1')
  t.equal(text(encodeMetadataRequest(0)), 'd8:msg_typei0e5:piecei0ee')
  t.equal(text(encodeMetadataReject(1)), 'd8:msg_typei2e5:piecei1ee')
  const data = encodeMetadataData(0, 34_256, Buffer.from('xxxx'))
  t.equal(text(data), 'd8:msg_typei1e5:piecei0e10:total_sizei34256eexxxx')
})

t.test('what one side says the other reads', async (t) => {
  t.strictSame(parseMetadataMessage(encodeMetadataRequest(7)), { type: 'request', piece: 7 })
  t.strictSame(parseMetadataMessage(encodeMetadataReject(8)), { type: 'reject', piece: 8 })
  const bytes = Buffer.from('ee-bytes that look like bencode: d1:ae')
  const read = parseMetadataMessage(encodeMetadataData(2, 40_000, bytes))
  t.strictSame(read, { type: 'data', piece: 2, totalSize: 40_000, bytes })
})

t.test('fields we do not know are passed over, types we do not know too', async (t) => {
  const header = encodeBencode({ a: ['ee'], msg_type: 1, piece: 3, z: { e: 'ee' } })
  t.match(parseMetadataMessage(Buffer.concat([header, Buffer.from('b')])), {
    type: 'data',
    piece: 3,
    totalSize: 0,
    bytes: Buffer.from('b')
  })
  t.equal(parseMetadataMessage(encodeBencode({ msg_type: 9, piece: 0 })), undefined)
})

t.test('what makes no sense is refused', async (t) => {
  const wrong = [
    Buffer.alloc(0),
    Buffer.from('i1e'),
    Buffer.from('d8:msg_typei0e'),
    encodeBencode({}),
    encodeBencode({ msg_type: 0 }),
    encodeBencode({ piece: 0 }),
    encodeBencode({ msg_type: 'x', piece: 0 }),
    encodeBencode({ msg_type: 0, piece: [] }),
    encodeBencode({ msg_type: 0, piece: -1 }),
    encodeBencode({ msg_type: 0, piece: 2 ** 32 }),
    encodeBencode({ msg_type: 0, piece: 2n ** 64n }),
    encodeMetadataData(0, 40_000, Buffer.alloc(METADATA_PIECE_BYTES + 1))
  ]
  for (const bytes of wrong) {
    t.throws(() => parseMetadataMessage(bytes), WireError, bytes.toString('latin1', 0, 40))
  }
})

t.test('an info dictionary is given in pieces, the last one short', async (t) => {
  const info = Buffer.alloc(2 * METADATA_PIECE_BYTES + 1, 5)
  const lengths = [0, 1, 2, 3, 2 ** 32 - 1].map((piece) => metadataPiece(info, piece)?.byteLength)
  t.strictSame(lengths, [METADATA_PIECE_BYTES, METADATA_PIECE_BYTES, 1, undefined, undefined])
  t.equal(metadataPieces(info.length), 3)
  t.equal(metadataPiece(info.subarray(0, METADATA_PIECE_BYTES), 1), undefined)
  t.equal(maxMetadataRequests(info.length), 9, 'thrice the whole is enough for anybody')
})
