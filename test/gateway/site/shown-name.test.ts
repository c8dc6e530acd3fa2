import t from 'tap'
import { shownName } from '../../../gateway/site/shown-name.ts'

t.test('ordinary names are shown as they are, in any script', async (t) => {
  for (const name of ['a b.txt', 'שלום.jpg', 'é — 日本', 'a\u200fb', '👩‍🚀'])
    t.equal(shownName(name), name)
})

t.test('what would deceive is made visible', async (t) => {
  t.equal(shownName('a\u202eb\u2066c'), 'a\ufffdb\ufffdc')
  t.equal(shownName('a\n\x1b\u0085'), 'a\ufffd\ufffd\ufffd')
  t.equal(shownName('\u{10fe80}x\u{10feff}'), '%80x%FF')
})
