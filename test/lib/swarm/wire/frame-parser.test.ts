import fc from 'fast-check'
import t from 'tap'
import { createFrameParser } from '../../../../lib/swarm/wire/frame-parser.ts'
import { WireError } from '../../../../lib/swarm/wire/wire-error.ts'
import { holds } from '../../../core/property.ts'
import { callsOf, frame, hex, LIMITS, recordedFrames, u32 } from './recorded-frames.ts'

const MAX_U32 = 0xffff_ffff

t.test('every message is told by its name and numbers', async (t) => {
  const messages: readonly (readonly [Buffer, readonly (string | number)[]])[] = [
    [u32(0), ['keepAlive']],
    [frame(0), ['choke']],
    [frame(1), ['unchoke']],
    [frame(2), ['interested']],
    [frame(3), ['notInterested']],
    [frame(4, 7), ['have', 7]],
    [frame(5, Buffer.from('ff80', 'hex')), ['bitfield', 'ff80']],
    [frame(6, 1, 2, MAX_U32), ['request', 1, 2, MAX_U32]],
    [frame(8, MAX_U32, 2, 3), ['cancel', MAX_U32, 2, 3]],
    [frame(9, Buffer.from([0xff, 0xfe])), ['port', 0xfffe]],
    [frame(13, 9), ['suggest', 9]],
    [frame(14), ['haveAll']],
    [frame(15), ['haveNone']],
    [frame(16, 1, 2, 3), ['reject', 1, 2, 3]],
    [frame(17, 4), ['allowedFast', 4]],
    [frame(20, Buffer.from([3]), Buffer.from('de')), ['extended', 3, '6465']],
    [frame(20, Buffer.from([1])), ['extended', 1, '']],
    [frame(21, 1, 2), ['unknown', 21, 8]],
    [frame(255), ['unknown', 255, 0]]
  ]
  for (const [bytes, call] of messages) t.same(callsOf([bytes]), [call], String(call))
  const together = Buffer.concat(messages.map(([bytes]) => bytes))
  const calls = messages.map(([, call]) => call)
  t.same(callsOf([together]), calls, 'all in one chunk')
  t.same(callsOf(bytesOf(together)), calls, 'a byte at a time')
})

t.test('a block goes where its start says, in pieces as it comes', async (t) => {
  const handler = recordedFrames()
  const target = new Uint8Array(6)
  handler.blockStart = () => target
  const parser = createFrameParser(handler, { ...LIMITS })
  const bytes = frame(7, 1, 16_384, Buffer.from('abcdef'))
  parser.push(bytes.subarray(0, 15))
  t.equal(Buffer.from(target).toString('latin1'), 'ab\0\0\0\0')
  parser.push(bytes.subarray(15, 16))
  t.equal(Buffer.from(target).toString('latin1'), 'abc\0\0\0')
  t.same(handler.calls, [])
  parser.push(bytes.subarray(16))
  t.equal(Buffer.from(target).toString('latin1'), 'abcdef')
  t.equal(handler.calls.length, 1)
})

t.test('a block of no use is passed over, and what follows is read', async (t) => {
  const handler = recordedFrames()
  handler.skipped.add(1)
  const stream = Buffer.concat([frame(7, 1, 0, Buffer.alloc(100)), frame(4, 5)])
  t.same(callsOf([stream], handler), [
    ['blockStart', 1, 0, 100],
    ['have', 5]
  ])
})

t.test('a block may lose its place while it arrives', async (t) => {
  const handler = recordedFrames()
  const target = new Uint8Array(4)
  handler.blockStart = () => target
  const parser = createFrameParser(handler, { ...LIMITS })
  const bytes = Buffer.concat([frame(7, 1, 0, Buffer.from('abcd')), frame(4, 5)])
  parser.push(bytes.subarray(0, 15))
  parser.abandonBlock()
  parser.push(bytes.subarray(15))
  t.equal(Buffer.from(target).toString('latin1'), 'ab\0\0', 'nothing was written after that')
  t.same(handler.calls, [['have', 5]], 'its end never came')
  parser.push(frame(7, 2, 0, Buffer.from('wxyz')))
  t.equal(Buffer.from(target).toString('latin1'), 'wxyz', 'the next block is another matter')
})

t.test('a place of another length than the block is our own mistake', async (t) => {
  const handler = recordedFrames()
  handler.blockStart = () => new Uint8Array(3)
  const parser = createFrameParser(handler, { ...LIMITS })
  t.throws(() => parser.push(frame(7, 1, 0, Buffer.from('abcd'))), RangeError)
})

t.test('a message of a length that it cannot have is refused with its id', async (t) => {
  const wrong: readonly (readonly [number, number])[] = [
    ...[0, 1, 2, 3, 14, 15].map((id) => [id, 2] as const),
    ...[4, 13, 17].flatMap((id) => [[id, 1] as const, [id, 4] as const, [id, 6] as const]),
    ...[6, 8, 16].flatMap((id) => [[id, 12] as const, [id, 14] as const]),
    [9, 2],
    [9, 4],
    [7, 1],
    [7, 9],
    [7, 10 + LIMITS.maxBlockBytes],
    [5, 2 + LIMITS.maxBitfieldBytes],
    [20, 1],
    [20, 3 + LIMITS.maxExtendedBytes],
    [99, 2 ** 20 + 1]
  ]
  for (const [id, length] of wrong) {
    const handler = recordedFrames()
    const parser = createFrameParser(handler, { ...LIMITS })
    t.throws(() => parser.push(Buffer.concat([u32(length), Buffer.from([id])])), WireError)
    t.same(handler.calls, [], `id ${id}, length ${length}`)
  }
})

t.test('a length that no message has is refused before its id comes', async (t) => {
  for (const length of [2 ** 20 + 1, 0x7fff_ffff, MAX_U32]) {
    const parser = createFrameParser(recordedFrames(), { ...LIMITS })
    t.throws(() => parser.push(u32(length)), WireError)
  }
})

t.test('the longest that the limits allow is read', async (t) => {
  const block = Buffer.alloc(LIMITS.maxBlockBytes, 7)
  const bitfield = Buffer.alloc(LIMITS.maxBitfieldBytes, 1)
  const payload = Buffer.alloc(LIMITS.maxExtendedBytes, 2)
  const stream = [
    frame(7, 0, 0, block),
    frame(5, bitfield),
    frame(20, Buffer.from([9]), payload),
    frame(77, Buffer.alloc(2 ** 20 - 1))
  ]
  const expected = [
    ['blockStart', 0, 0, block.length],
    ['blockEnd', 0, 0, block.length, hex(block)],
    ['bitfield', hex(bitfield)],
    ['extended', 9, hex(payload)],
    ['unknown', 77, 2 ** 20 - 1]
  ]
  t.same(callsOf(stream), expected)
  t.same(callsOf(slices(Buffer.concat(stream), [1448])), expected)
})

t.test('a length that was only promised takes no memory', async (t) => {
  const before = process.memoryUsage().arrayBuffers
  const bytes = frame(20, Buffer.from([1]), Buffer.alloc(LIMITS.maxExtendedBytes))
  const parsers = Array.from({ length: 2000 }, () => {
    const parser = createFrameParser(recordedFrames(), { ...LIMITS })
    parser.push(bytes.subarray(0, 10))
    return parser
  })
  const used = process.memoryUsage().arrayBuffers - before
  t.ok(used < parsers.length * 1000, `${used} bytes for ${parsers.length} messages`)
})

t.test('the limit of the next bitfield may be changed on the way', async (t) => {
  const limits = { ...LIMITS }
  const handler = recordedFrames()
  const parser = createFrameParser(handler, limits)
  parser.push(frame(5, Buffer.alloc(10)))
  limits.maxBitfieldBytes = 9
  t.throws(() => parser.push(frame(5, Buffer.alloc(10))), WireError)
})

t.test('after an error nothing is told any more, whoever threw it', async (t) => {
  const broken = recordedFrames()
  const parser = createFrameParser(broken, { ...LIMITS })
  const bytes = Buffer.concat([frame(4, 1), u32(MAX_U32), frame(4, 2)])
  t.throws(() => parser.push(bytes), WireError)
  t.doesNotThrow(() => parser.push(frame(4, 3)))
  t.same(broken.calls, [['have', 1]])

  for (const name of [
    'have',
    'blockStart',
    'blockEnd',
    'extended',
    'keepAlive',
    'unknown'
  ] as const) {
    const refusing = recordedFrames()
    refusing[name] = () => {
      refusing.calls.push([name])
      throw new WireError('not now')
    }
    const stopped = createFrameParser(refusing, { ...LIMITS })
    const stream = Buffer.concat([
      frame(4, 1),
      frame(7, 0, 0, Buffer.alloc(3)),
      frame(20, Buffer.from([1])),
      u32(0),
      frame(99)
    ])
    t.throws(() => stopped.push(stream), /not now/)
    const told = refusing.calls.length
    t.equal(refusing.calls.at(-1)?.[0], name)
    stopped.push(stream)
    t.equal(refusing.calls.length, told, name)
  }
})

t.test('a handler may stop the parser in the middle of a chunk', async (t) => {
  for (const name of [
    'have',
    'blockStart',
    'blockEnd',
    'extended',
    'keepAlive',
    'unknown'
  ] as const) {
    const handler = recordedFrames()
    const parser = createFrameParser(handler, { ...LIMITS })
    handler[name] = () => {
      handler.calls.push([name])
      parser.stop()
      return undefined
    }
    const stream = Buffer.concat([
      frame(4, 1),
      frame(7, 0, 0, Buffer.alloc(3)),
      frame(20, Buffer.from([1])),
      u32(0),
      frame(99),
      frame(0)
    ])
    parser.push(stream)
    t.equal(handler.calls.at(-1)?.[0], name)
    parser.push(stream)
    t.equal(handler.calls.at(-1)?.[0], name, 'and nothing after it')
  }
})

t.test('however the stream is chopped, the calls are the same', async (t) => {
  const numbers = fc.tuple(fc.nat(MAX_U32), fc.nat(MAX_U32), fc.nat(MAX_U32))
  const bytes = (maxLength: number) => fc.uint8Array({ minLength: 0, maxLength })
  const message = fc.oneof(
    fc.constant(u32(0)),
    fc.constantFrom(0, 1, 2, 3, 14, 15).map((id) => frame(id)),
    fc.tuple(fc.constantFrom(4, 13, 17), fc.nat(MAX_U32)).map(([id, index]) => frame(id, index)),
    fc.tuple(fc.constantFrom(6, 8, 16), numbers).map(([id, three]) => frame(id, ...three)),
    fc.uint8Array({ minLength: 2, maxLength: 2 }).map((port) => frame(9, port)),
    bytes(300).map((bits) => frame(5, bits)),
    fc.tuple(fc.nat(255), bytes(300)).map(([id, body]) => frame(20, Buffer.from([id]), body)),
    fc.tuple(fc.integer({ min: 21, max: 255 }), bytes(50)).map(([id, body]) => frame(id, body)),
    fc
      .tuple(fc.nat(3), fc.nat(MAX_U32), fc.uint8Array({ minLength: 1, maxLength: 300 }))
      .map(([index, begin, block]) => frame(7, index, begin, block))
  )
  const steps = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 })
  holds(
    t,
    fc.property(fc.array(message, { maxLength: 30 }), steps, (messages, cuts) => {
      const stream = Buffer.concat(messages)
      const [whole, chopped] = [recordedFrames(), recordedFrames()]
      for (const handler of [whole, chopped]) handler.skipped.add(2)
      const expected = callsOf([stream], whole)
      const got = callsOf(slices(stream, cuts), chopped)
      const blocks = messages.filter((bytes) => bytes[4] === 7 && bytes[8] !== 2).length
      if (expected.length !== messages.length + blocks) return false
      return JSON.stringify(expected) === JSON.stringify(got)
    }),
    500
  )
})

/** The bytes in slices of these lengths, over and over. */
function* slices(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1
    yield bytes.subarray(at, at + length)
    at += length
  }
}

function bytesOf(bytes: Buffer): Iterable<Buffer> {
  return slices(bytes, [1])
}
