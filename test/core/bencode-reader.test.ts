import t from 'tap'
import { BencodeReader } from '../../core/bencode-reader.ts'

const reader = (text: string, strict?: boolean) =>
  new BencodeReader(Buffer.from(text, 'latin1'), strict)

t.test('it says what comes next without reading it', async (t) => {
  for (const [text, kind] of [
    ['i1e', 'integer'],
    ['0:', 'string'],
    ['le', 'list'],
    ['de', 'dict']
  ] as const) {
    const at = reader(text)
    t.equal(at.peek(), kind)
    t.equal(at.at, 0)
  }
})

t.test('values are read one after the other', async (t) => {
  const at = reader('i7e2:\xe9ali1ei2eed1:ai3ee')
  t.equal(at.integer(), 7)
  t.equal(at.latin1(), '\xe9a')
  const items: number[] = []
  at.list((index) => items.push(index, at.integer()))
  t.same(items, [0, 1, 1, 2])
  const members: unknown[] = []
  at.dict((key) => members.push(key, at.integer()))
  t.same(members, ['a', 3])
  t.doesNotThrow(() => at.finish())
})

t.test('a value of another kind is refused where it stands', async (t) => {
  t.throws(() => reader('le').integer(), /expected an integer at byte 0/)
  t.throws(() => reader('i1e').string(), /expected a digit at byte 0/)
  t.throws(() => reader('i1e').latin1(), /expected a digit at byte 0/)
  t.throws(() => reader('de').list(() => {}), /expected a list at byte 0/)
  t.throws(() => reader('le').dict(() => {}), /expected a dict at byte 0/)
  t.throws(() => reader('i1ex').finish(), /bytes after the value at byte 0/)
})

t.test('skipping ends behind the value, whatever it is', async (t) => {
  const values = [
    'i-1e',
    `i${'9'.repeat(100)}e`,
    '3:abc',
    'le',
    'de',
    'd1:ald1:bi1eee1:cdee',
    'lll0:eee'
  ]
  for (const value of values) {
    const at = reader(`${value}x`)
    at.skip()
    t.equal(at.at, value.length, value)
  }
})

t.test('skipping checks the form of what it passes over', async (t) => {
  const broken = [
    '',
    'e',
    'i',
    'ie',
    'i-e',
    'i1',
    'i1.0e',
    '2:a',
    'l',
    'li1e',
    'd1:ae',
    'di1ei1ee',
    'd1:a'
  ]
  for (const text of broken) t.throws(() => reader(text).skip(), { name: 'BencodeError' }, text)
  t.throws(
    () => reader(`${'l'.repeat(257)}${'e'.repeat(257)}`).skip(),
    /nested too deep at byte 256/
  )
  t.doesNotThrow(() => reader(`${'l'.repeat(256)}${'e'.repeat(256)}`).skip())
})

t.test(
  'a strict reader refuses keys out of order or repeated, a lenient one does not',
  async (t) => {
    const keys = (text: string, strict: boolean) => {
      const found: string[] = []
      const at = reader(text, strict)
      at.dict((key) => {
        found.push(key)
        at.skip()
      })
      return found
    }
    t.same(keys('d1:b0:1:a0:e', false), ['b', 'a'])
    t.same(keys('d1:a0:1:a0:e', false), ['a', 'a'], 'the caller decides')
    t.same(keys('d1:\x800:1:\xff0:e', true), ['\x80', '\xff'])
    t.throws(() => keys('d1:b0:1:a0:e', true), /key out of order at byte 6/)
    t.throws(() => keys('d1:a0:1:a0:e', true), /duplicate key at byte 6/)
  }
)
