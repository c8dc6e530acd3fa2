import t from 'tap'
import {
  infoHashBytes,
  infoHashFromBytes,
  infoHashOf,
  parseInfoHash,
  shardOf
} from '../../core/info-hash.ts'

const HEX = 'a1b7d13b48d146c940d7f6266262e49fc8b535f0'

t.test('forty hex digits of either case are an infohash, in lower case', async (t) => {
  t.equal(parseInfoHash(HEX), HEX)
  t.equal(parseInfoHash(HEX.toUpperCase()), HEX)
})

t.test('anything else is not', async (t) => {
  const refused = ['', HEX.slice(1), `${HEX}0`, `${HEX}\n`, ` ${HEX}`, `g${HEX.slice(1)}`]
  refused.push(`\u212a${HEX.slice(1)}`, `0x${HEX.slice(2)}`, 'x'.repeat(1e6))
  for (const text of refused)
    t.equal(parseInfoHash(text), undefined, JSON.stringify(text.slice(0, 50)))
})

t.test('it is the SHA-1 of the info dictionary', async (t) => {
  t.equal(infoHashOf(Buffer.from('abc')), 'a9993e364706816aba3e25717850c26c9cd0d89d')
})

t.test('twenty raw bytes go there and back, also out of a larger buffer', async (t) => {
  const wide = Buffer.concat([Buffer.from('xx'), Buffer.from(HEX, 'hex'), Buffer.from('yy')])
  const infoHash = infoHashFromBytes(new Uint8Array(wide).subarray(2, 22))
  t.equal(infoHash, HEX)
  t.ok(infoHash !== undefined && infoHashBytes(infoHash).equals(Buffer.from(HEX, 'hex')))
  t.equal(infoHashFromBytes(new Uint8Array(19)), undefined)
  t.equal(infoHashFromBytes(new Uint8Array(21)), undefined)
})

t.test('the shard is the first 32 bits, unsigned, modulo the number of shards', async (t) => {
  const high = parseInfoHash(`ffffffff${'0'.repeat(32)}`)
  const low = parseInfoHash(`00000005${'f'.repeat(32)}`)
  t.ok(high !== undefined && low !== undefined)
  if (high === undefined || low === undefined) return
  t.equal(shardOf(high, 1), 0)
  t.equal(shardOf(high, 7), 0xffffffff % 7)
  t.equal(shardOf(low, 3), 2)
})
