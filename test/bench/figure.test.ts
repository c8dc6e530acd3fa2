import t from 'tap'
import { figureTables, median, percentile } from '../../bench/figure.ts'

t.test('the middle of an odd and of an even number of samples', async (t) => {
  t.equal(median([3, 1, 2]), 2)
  t.equal(median([4, 1, 2, 3]), 2.5)
  t.ok(Number.isNaN(median([])))
})

t.test('of twenty samples one may exceed the 95th percentile', async (t) => {
  const samples = Array.from({ length: 20 }, (_, index) => index + 1)
  t.equal(percentile(samples, 0.95), 19)
  t.equal(percentile([5], 0.95), 5)
})

t.test('a table has a row per subject with its ratio to the first', async (t) => {
  const name = 'Speed'
  const unit = 'MB/s'
  const table = figureTables([
    { name, unit, subject: 'ours', samples: [100, 300, 200], aim: '≥ 150' },
    { name, unit, subject: 'theirs', samples: [100] }
  ])
  t.match(table, 'Aim: ≥ 150.')
  t.match(table, '| ours | 200 | 100 – 300 | 3 | 1.00 |')
  t.match(table, '| theirs | 100 | 100 – 100 | 1 | 0.50 |')
})

t.test('a figure without samples says why', async (t) => {
  const row = { name: 'Speed', unit: 'ms', subject: 'ours', samples: [] } as const
  t.match(figureTables([{ ...row, missing: 'no browser' }]), '| ours | no browser |')
})
